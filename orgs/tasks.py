"""Short tasks; the schedule is in the settings."""

from celery import shared_task

from orgs.services.unit import units_remove


@shared_task(name="orgs.units_remove")
def remove_deleted_units() -> None:
    """Removes the rows of deleted units whose work has ended."""
    units_remove()
