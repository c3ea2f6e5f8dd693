"""Which addresses people may not have this server call: its own host, a metadata service, private networks."""

import ipaddress
import socket
from collections.abc import Iterable

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

METADATA_NAMES = frozenset(
    {
        "metadata",
        "metadata.goog",
        "metadata.google.internal",
        "metadata.azure.internal",
        "instance-data",
        "instance-data.ec2.internal",
    }
)
# Those of cloud providers that are not link-local, where most are.
METADATA_ADDRESSES = frozenset(
    ipaddress.ip_address(text)
    for text in ("fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "168.63.129.16", "192.0.0.192")
)
# IPv6 spellings that carry an IPv4 address in their last four bytes.
EMBEDDING_IPV4 = tuple(ipaddress.ip_network(text) for text in ("::ffff:0:0/96", "64:ff9b::/96", "::/96"))


def resolve(host: str, port: int) -> set[str]:
    """The IP addresses that a connection to the host would try. Raises OSError when there are none."""
    return {str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}


def is_metadata_name(host: str) -> bool:
    return host.lower().rstrip(".") in METADATA_NAMES


def is_forbidden(text: str) -> bool:
    """Whether the IP address belongs to this host, to a metadata service, or to no single machine."""
    address = _carried(ipaddress.ip_address(text.partition("%")[0]))
    return (
        address in METADATA_ADDRESSES
        or address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or address == ipaddress.IPv4Address("255.255.255.255")
        or _is_own(address)
    )


def is_public(text: str) -> bool:
    """Whether the IP address lies outside of all private and special networks."""
    address = _carried(ipaddress.ip_address(text.partition("%")[0]))
    tunnelled = isinstance(address, ipaddress.IPv6Address) and (address.sixtofour or address.teredo)
    return address.is_global and not tunnelled and not is_forbidden(text)


def lies_in(text: str, networks: Iterable[str]) -> bool:
    """Whether the IP address belongs to one of the networks (`10.0.0.0/8`). A metadata service's belongs to none."""
    address = _carried(ipaddress.ip_address(text.partition("%")[0]))
    if address in METADATA_ADDRESSES or address.is_link_local:
        return False
    return any(address in ipaddress.ip_network(network) for network in networks)


def _carried(address: IpAddress) -> IpAddress:
    if address.version == 6 and not address.is_loopback and not address.is_unspecified:
        for network in EMBEDDING_IPV4:
            if address in network:
                return ipaddress.IPv4Address(address.packed[-4:])
    return address


def _is_own(address: IpAddress) -> bool:
    """A socket can be bound to an address only where it is one of this host's."""
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True
