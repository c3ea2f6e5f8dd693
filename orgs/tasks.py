"""Short tasks; the schedule is in the settings."""

from celery import shared_task

from orgs.services.delivery import deliveries_purge
from orgs.services.session import sessions_purge
from orgs.services.unit import units_remove


@shared_task(name="orgs.units_remove")
def remove_deleted_units() -> None:
    """Removes the rows of deleted units whose work has ended."""
    units_remove()


@shared_task(name="orgs.sessions_purge")
def purge_sessions() -> None:
    """Removes the rows of sessions whose time is over."""
    sessions_purge()


@shared_task(name="orgs.deliveries_purge")
def purge_deliveries() -> None:
    """Removes old deliveries to webhooks."""
    deliveries_purge()
