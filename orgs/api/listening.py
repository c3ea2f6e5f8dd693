"""Who listens to a stream, asked anew as long as it lasts."""

from __future__ import annotations

from typing import Any

from orgs.access import as_of_now
from orgs.models import AccessKey, usable
from portal.actor import Actor


def listener(actor: Actor, key: AccessKey | None) -> Any:
    """The person or application with the rights of this moment; None where they may not come in any more."""
    user = as_of_now(actor).user
    works = key is None or AccessKey.objects.filter(usable(), pk=key.pk).exists()
    return user if user.is_active and works else None
