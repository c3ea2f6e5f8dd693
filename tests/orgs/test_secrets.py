from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from pytest_django.fixtures import Settings

from orgs.secrets import decrypt, encrypt


def test_there_and_back() -> None:
    hidden = encrypt("token: s3cret")
    assert "s3cret" not in hidden
    assert decrypt(hidden) == "token: s3cret"


def test_a_new_key_in_front_opens_what_the_old_one_closed(settings: Settings) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.CREDENTIAL_KEYS = [old]
    hidden = encrypt("token")
    settings.CREDENTIAL_KEYS = [new, old]
    assert decrypt(hidden) == "token"
    settings.CREDENTIAL_KEYS = [new]
    with pytest.raises(ValueError, match="Put the old key back"):
        decrypt(hidden)
