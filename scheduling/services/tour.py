"""Whether a person still wants the tour on Overview."""

from __future__ import annotations

from django.db import transaction

from portal.actor import Actor
from portal.errors import Refused
from portal.services.audit import audit_record
from scheduling.models import TourClosed


@transaction.atomic
def tour_set(*, actor: Actor, closed: bool) -> None:
    """For the actor alone. Nothing happens where it is so already."""
    if not isinstance(closed, bool):
        raise Refused({"closed": "The tour is closed or open. Choose one of the two."})
    assert actor.user is not None, "Bursar itself takes no tour"
    if closed:
        _, changed = TourClosed.objects.get_or_create(user=actor.user)
    else:
        gone, _ = TourClosed.objects.filter(user=actor.user).delete()
        changed = gone > 0
    if changed:
        audit_record(
            actor=actor, action="update", entity="tour", unit=None, after={"closed": closed}, name=actor.user.name
        )
