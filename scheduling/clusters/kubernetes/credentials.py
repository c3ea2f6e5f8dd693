"""What it takes to speak to a cluster."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec


@dataclass(frozen=True, slots=True)
class Credentials:
    """Address and sign-in of one API server, everything inline. Secrets stay out of its repr."""

    server: str
    """`https://host[:port][/path]`, no slash at the end."""
    ca_data: bytes = b""
    """PEM of the authority that signed the server's certificate: no other is trusted."""
    tls_server_name: str = ""
    """The name on the server's certificate where it is not the host's."""
    token: str = field(default="", repr=False)
    token_file: str = ""
    """Instead of `token`: where it stands, and is renewed by somebody else."""
    client_certificate: bytes = field(default=b"", repr=False)
    """PEM; so the key."""
    client_key: bytes = field(default=b"", repr=False)

    def dump(self) -> str:
        """As text. It holds the secrets: encrypt it before it is stored."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def load(cls, text: str) -> Credentials:
        """From what `dump` gave. Raises ValueError."""
        return msgspec.json.decode(text, type=cls)
