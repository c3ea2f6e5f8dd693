"""Short tasks; the schedule is in the settings."""

from celery import shared_task

from portal.services.audit_purge import audit_purge
from portal.services.feed import feed_purge
from portal.services.kept_answer import kept_answers_purge


@shared_task(name="portal.audit_purge")
def purge_audit() -> None:
    """Removes audit events whose time of keeping is over."""
    audit_purge()


@shared_task(name="portal.feed_purge")
def purge_feed() -> None:
    """Removes what the change feed told long ago."""
    feed_purge()


@shared_task(name="portal.kept_answers_purge")
def purge_kept_answers() -> None:
    """Forgets what requests with an Idempotency-Key were answered long ago."""
    kept_answers_purge()
