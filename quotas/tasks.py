"""Short tasks; the schedule is in the settings."""

from celery import shared_task

from quotas.services.finding import findings_refresh


@shared_task(name="quotas.findings_refresh")
def refresh_findings(thorough: bool = False) -> None:
    """Opens and resolves findings after nodes came and went; `thorough`: looks at all quotas."""
    findings_refresh(thorough=thorough)
