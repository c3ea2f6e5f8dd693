"""Keys of an installation that nobody configured: made once, kept in its data folder, readable by its owner only."""

import contextlib
import json
import os
import secrets
import tempfile
from pathlib import Path

from cryptography.fernet import Fernet


def demo_keys(folder: Path) -> tuple[str, list[str]]:
    """The secret key and the credential keys kept in `folder`."""
    path = folder / "keys.json"
    if not path.exists():
        keys = {"secret_key": secrets.token_urlsafe(48), "credential_keys": [Fernet.generate_key().decode()]}
        handle, draft = tempfile.mkstemp(dir=folder)  # readable by its owner only
        with os.fdopen(handle, "w") as file:
            json.dump(keys, file)
        # A link fails where the file is there already: of two processes that start together, one wins for both.
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        Path(draft).unlink()
    keys = json.loads(path.read_text())
    return keys["secret_key"], keys["credential_keys"]
