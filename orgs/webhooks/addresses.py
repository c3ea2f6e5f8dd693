"""Where webhooks may go. Addresses are typed by people: one that leads into the networks around this server is refused,
when it is typed and each time that it is called, as a name may lead elsewhere by then."""

from __future__ import annotations

import socket
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from portal.addresses import is_metadata_name, is_public, lies_in
from portal.errors import Refused

LONGEST_ADDRESS = 500
PORTS = {"https": 443, "http": 80}


class ForbiddenAddress(OSError):  # noqa: N818
    """The name leads where webhooks may not go."""


def may_go_to(ip: str, *, plain: bool) -> bool:
    """Whether a webhook may go to this IP address; `plain`: by http."""
    return lies_in(ip, settings.WEBHOOK_NETWORKS) or (not plain and is_public(ip))


def checked_address(text: object) -> str:
    """The address as it is stored. What its name leads to is looked at when it is called."""
    if not isinstance(text, str):
        raise Refused({"address": "The address must be text."})
    text = text.strip()
    if not text:
        raise Refused({"address": "The address is missing. Write one like https://example.org/bursar."})
    if len(text) > LONGEST_ADDRESS:
        raise Refused({"address": f"The address has {len(text)} characters. Use at most {LONGEST_ADDRESS}."})
    if not (text.isascii() and text.isprintable()) or " " in text or "\\" in text:
        raise Refused({"address": "Write the address with ASCII characters alone, without blanks."})
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise Refused({"address": "This is no address. Write one like https://example.org/bursar."}) from None
    if parts.scheme not in PORTS or not host or port == 0:
        raise Refused({"address": "This is no address. Write one like https://example.org/bursar."})
    if parts.scheme == "http" and not settings.WEBHOOK_NETWORKS:
        raise Refused({"address": "What is sent by http anybody on the way can read. Write an address with https."})
    if "@" in parts.netloc or parts.fragment:
        raise Refused({"address": "Leave names, passwords and what follows # out of the address."})
    _check_host(host, parts)
    return text


def _check_host(host: str, parts: SplitResult) -> None:
    forbidden = is_metadata_name(host) or (host == "localhost" and not lies_in("127.0.0.1", settings.WEBHOOK_NETWORKS))
    try:
        # Only an address in numbers is known without asking: names are, each time.
        found = socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        found = []
    forbidden = forbidden or any(not may_go_to(str(one[4][0]), plain=parts.scheme == "http") for one in found)
    if forbidden:
        raise Refused(
            {
                "address": "This address belongs to a private network. Give one that is reached from outside, or have "
                "an operator allow its network (BURSAR_WEBHOOK_NETWORKS)."
            }
        )


def connected(host: str, port: int, *, plain: bool, seconds: float) -> socket.socket:
    """A connection to one of the addresses that the name has now. ForbiddenAddress where one of them is not allowed;
    OSError where none answers."""
    found = list(dict.fromkeys(str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
    if any(not may_go_to(ip, plain=plain) for ip in found):
        raise ForbiddenAddress(host)
    failed: OSError = OSError("no address")
    for ip in found[:2]:
        try:
            return socket.create_connection((ip, port), timeout=seconds)
        except OSError as error:
            failed = error
    raise failed
