"""Short tasks; the schedule is in the settings."""

from celery import shared_task

from scheduling.services.purge import purge


@shared_task(name="scheduling.purge")
def purge_old_rows() -> None:
    """Removes rows whose time of keeping is over."""
    purge()
