"""What pools and quotas may be given. Each check returns the value, or raises Refused at its field."""

from __future__ import annotations

import re

from portal.errors import Refused

_DNS_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_LABEL_PART = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_DNS_SUBDOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")

MAX_MIN_RUNTIME_SECONDS = 30 * 86_400


def text(field: str, value: object) -> str:
    """Refuses what is no text."""
    if not isinstance(value, str):
        raise Refused({field: "This is not text. Type it as text."})
    return value


def pool_name(value: object) -> str:
    """A DNS label: it becomes the value of a label on pods."""
    name = text("name", value)
    if not _DNS_LABEL.fullmatch(name):
        raise Refused(
            {
                "name": "A pool's name has 1 to 63 small letters, digits and hyphens, with a letter or digit at both "
                "ends. Shorten or respell it."
            }
        )
    return name


def label_key(value: object) -> str:
    """The syntax of Kubernetes: an optional DNS subdomain and a slash, then up to 63 characters."""
    key = text("label_key", value)
    prefix, slash, name = key.rpartition("/")
    prefix_good = not slash or (len(prefix) <= 253 and _DNS_SUBDOMAIN.fullmatch(prefix))
    if not (prefix_good and _LABEL_PART.fullmatch(name)):
        raise Refused(
            {
                "label_key": "This is no label key. Write it as Kubernetes does, like example.org/class or rack: up to "
                "63 letters, digits, dots, hyphens and underscores, a domain and a slash before them if there is one."
            }
        )
    return key


def label_value(value: object) -> str:
    """The syntax of Kubernetes: up to 63 characters, or nothing."""
    found = text("label_value", value)
    if found and not _LABEL_PART.fullmatch(found):
        raise Refused(
            {
                "label_value": "This is no label value. Use up to 63 letters, digits, dots, hyphens and underscores, "
                "with a letter or digit at both ends; leave it empty for a label without a value."
            }
        )
    return found


def whole(field: str, value: object, maximum: int) -> int:
    """A whole number from 0 to `maximum`."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise Refused({field: "This is no whole number. Type digits only."})
    if value < 0:
        raise Refused({field: "This is below 0. Type 0 or more."})
    if value > maximum:
        raise Refused({field: f"This is more than {maximum:,}. Type at most that."})
    return value
