"""The provider as a process of its own, for the length of a block."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.identity.node import node_command, provider_folder

CLIENT_ID = "bursar"
CLIENT_SECRET = "a secret that no page shows"


@contextmanager
def identity_provider(
    redirect_uri: str, signed_out_uri: str, port: int, people: dict[str, dict[str, Any]]
) -> Iterator[str]:
    """Gives its issuer. `people`: subject -> claims, such as `email`, `email_verified`, `name`, `groups`."""
    client = {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "redirect_uris": [redirect_uri],
        "post_logout_redirect_uris": [signed_out_uri],
        "token_endpoint_auth_method": "client_secret_post",
    }
    settings = json.dumps({"port": port, "client": client, "people": people})
    process = subprocess.Popen(
        [*node_command(), "provider.js", settings],
        cwd=provider_folder(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # In a group of its own: where uv started Node, both have to end.
        start_new_session=True,
    )
    try:
        assert process.stdout
        said = []
        while (line := process.stdout.readline()) and line != "ready\n":
            said.append(line)
        assert line == "ready\n", f"The identity provider did not start: {''.join(said)}"
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
