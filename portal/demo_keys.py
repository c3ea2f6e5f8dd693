"""Keys of an installation that nobody configured: made once, kept in its data folder, readable by its owner only."""

import contextlib
import json
import os
import secrets
import tempfile
from pathlib import Path

from cryptography.fernet import Fernet


def demo_keys(folder: Path) -> tuple[str, list[str], list[str]]:
    """The secret key, the credential keys and the audit keys kept in `folder`."""
    path = folder / "keys.json"
    if not path.exists():
        keys = {
            "secret_key": secrets.token_urlsafe(48),
            "credential_keys": [Fernet.generate_key().decode()],
            "audit_keys": [secrets.token_urlsafe(48)],
        }
        handle, draft = tempfile.mkstemp(dir=folder)  # readable by its owner only
        with os.fdopen(handle, "w") as file:
            json.dump(keys, file)
        # A link fails where the file is there already: of two processes that start together, one wins for both.
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        Path(draft).unlink()
    keys = json.loads(path.read_text())
    # A folder of before there were audit keys has none; its secret key is as good, and stays.
    return keys["secret_key"], keys["credential_keys"], keys.get("audit_keys", [keys["secret_key"]])
