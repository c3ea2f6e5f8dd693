"""Short tasks; the schedule is in the settings."""

from celery import shared_task

from portal.services.audit_purge import audit_purge


@shared_task(name="portal.audit_purge")
def purge_audit() -> None:
    """Removes audit events whose time of keeping is over."""
    audit_purge()
