"""Short tasks; the schedule is in the settings."""

from celery import shared_task

from scheduling.services.purge import purge
from scheduling.services.roll_up import roll_up


@shared_task(name="scheduling.purge")
def purge_old_rows() -> None:
    """Removes rows whose time of keeping is over."""
    purge()


@shared_task(name="scheduling.roll_up")
def roll_up_usage() -> None:
    """Makes days of hours of use, and months of days."""
    roll_up()
