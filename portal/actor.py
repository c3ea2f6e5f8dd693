"""Who acts: what every service takes and the audit log names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, or a part of Bursar itself (`user` is None; it may do what the caller's code lets it)."""

    name: str
    user: Any = None
    subject_id: int | None = None
    address: str = ""

    @classmethod
    def of(cls, request: HttpRequest, user: Any = None) -> Actor:
        """The person behind a signed-in request; `user` where the request itself proves who it is (a mailed link)."""
        user = user or request.user
        subject = getattr(user, "subject", None)
        return cls(user.name, user, subject.pk if subject else None, request.META.get("REMOTE_ADDR") or "")


SYSTEM = Actor("Bursar")
