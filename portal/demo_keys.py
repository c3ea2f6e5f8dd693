"""Keys of an installation that nobody configured: made once, kept in its data folder, readable by its owner only."""

import json
import os
import secrets
from pathlib import Path

from cryptography.fernet import Fernet


def demo_keys(folder: Path) -> tuple[str, list[str]]:
    """The secret key and the credential keys kept in `folder`."""
    path = folder / "keys.json"
    if not path.exists():
        keys = {"secret_key": secrets.token_urlsafe(48), "credential_keys": [Fernet.generate_key().decode()]}
        draft = folder / f"keys.{os.getpid()}.tmp"
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(keys))
        try:
            # A link fails where the file is there already: of two processes that start together, one wins for both.
            os.link(draft, path)
        except FileExistsError:
            pass
        draft.unlink()
    keys = json.loads(path.read_text())
    return keys["secret_key"], keys["credential_keys"]
