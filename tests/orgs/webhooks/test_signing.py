"""Signatures, checked by others than ourselves: the example of the handbook, and another library."""

from __future__ import annotations

import base64
import re
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from orgs.webhooks.signing import body_of, new_secret, signed_headers

PAGE = Path(__file__).parents[3] / "docs" / "webhooks.md"


def example() -> Any:
    """The function of the handbook."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    return names["checked"]


def test_another_library_comes_to_the_same() -> None:
    secret, body = new_secret(), body_of({"type": "test", "data": {"text": "Straße"}})
    headers = signed_headers([secret], uid="8f", timestamp=1_700_000_000, body=body)
    other = HMAC(base64.b64decode(secret.split("_", 1)[1]), SHA256())
    other.update(b"8f.1700000000." + body)
    assert headers["webhook-signature"] == "v1," + base64.b64encode(other.finalize()).decode()
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == ("8f", "1700000000")
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32


def test_the_example_takes_what_is_signed_by_one_of_two_and_nothing_else() -> None:
    checked, now = example(), int(time.time())
    old, new = new_secret(), new_secret()
    body = body_of({"type": "workload.failed", "data": {"b": 1, "a": "é"}})
    headers = signed_headers([new, old], uid="8f", timestamp=now, body=body)
    for secret in (old, new):
        assert checked(secret, headers, body) == {"type": "workload.failed", "data": {"a": "é", "b": 1}}
    late = signed_headers([new], uid="8f", timestamp=now - 400, body=body)
    wrong = [
        (new_secret(), headers, body),
        (new, headers, body + b" "),
        (new, headers | {"webhook-id": "8e"}, body),
        (new, headers | {"webhook-timestamp": str(now + 1)}, body),
        (new, headers | {"webhook-signature": "v1,AAAA"}, body),
        (new, late, body),
    ]
    for secret, sent, content in wrong:
        with pytest.raises(ValueError, match=r"signature|old"):
            checked(secret, sent, content)
