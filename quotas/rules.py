"""What pools and quotas may be given. Each check returns the value, or raises Refused at its field."""

from __future__ import annotations

import re

from portal.errors import Refused

_DNS_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_LABEL_PART = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_DNS_SUBDOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")

MAX_MIN_RUNTIME_SECONDS = 30 * 86_400
MAX_STALENESS_SECONDS = 30 * 86_400
MAX_BUDGET_DELAY_SECONDS = 30 * 86_400
MAX_HISTORY_WEIGHT_MILLI = 100 * 1000
MAX_DISRUPTIONS = 1_000_000
MAX_HISTORY_DAYS = 35
"""Hours of use are kept so long."""
MAX_LEVELS = 8


def text(field: str, value: object) -> str:
    """Refuses what is no text."""
    if not isinstance(value, str):
        raise Refused({field: "This is not text. Type it as text."})
    return value


def dns_label(value: object, whose: str) -> str:
    """A name as Kubernetes takes it for its objects; a pool's becomes the value of a label on pods."""
    name = text("name", value)
    if not _DNS_LABEL.fullmatch(name):
        raise Refused(
            {
                "name": f"{whose} name has 1 to 63 small letters, digits and hyphens, with a letter or digit at both "
                "ends. Shorten or respell it."
            }
        )
    return name


def label_key(value: object, field: str = "label_key") -> str:
    """The syntax of Kubernetes: an optional DNS subdomain and a slash, then up to 63 characters."""
    key = text(field, value)
    prefix, slash, name = key.rpartition("/")
    prefix_good = not slash or (len(prefix) <= 253 and _DNS_SUBDOMAIN.fullmatch(prefix))
    if not (prefix_good and _LABEL_PART.fullmatch(name)):
        raise Refused(
            {
                field: "This is no label key. Write it as Kubernetes does, like example.org/class or rack: up to "
                "63 letters, digits, dots, hyphens and underscores, a domain and a slash before them if there is one."
            }
        )
    return key


def label_value(value: object, field: str = "label_value") -> str:
    """The syntax of Kubernetes: up to 63 characters, or nothing."""
    found = text(field, value)
    if found and not _LABEL_PART.fullmatch(found):
        raise Refused(
            {
                field: "This is no label value. Use up to 63 letters, digits, dots, hyphens and underscores, "
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


def levels(value: object) -> list[str]:
    """Label keys of a topology, the widest level first."""
    if not isinstance(value, list | tuple):
        raise Refused({"levels": "Levels are a list of label keys. Write one a line, the widest first."})
    if not value:
        raise Refused({"levels": "A topology has at least one level. Write a label key, such as example.org/rack."})
    if len(value) > MAX_LEVELS:
        raise Refused({"levels": f"{len(value)} levels are too many. Use at most {MAX_LEVELS}."})
    keys = [label_key(key, "levels") for key in value]
    for key in keys:
        if keys.count(key) > 1:
            raise Refused({"levels": f"{key} is there twice. Name each level once."})
    return keys
