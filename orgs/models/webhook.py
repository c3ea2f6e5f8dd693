import uuid
from urllib.parse import urlsplit

from django.db import models
from django.db.models import Q
from django.utils import timezone

from portal.fields import AsciiField

from .unit import OrgUnit


class Webhook(models.Model):
    """Tells a program at an address what happens in a unit and below it."""

    name = models.CharField(max_length=120)
    scope = models.ForeignKey(OrgUnit, models.CASCADE, related_name="webhooks")
    address = models.CharField(max_length=500)
    """May itself let in whoever knows it, so it is shown to those alone who may change it."""
    kinds = models.JSONField(default=list)
    """What is told: codes of `orgs.happenings`."""
    secret = models.TextField()
    """Encrypted (orgs.secrets), as the one before it is, which signs too until its end."""
    old_secret = models.TextField(blank=True)
    old_secret_until = models.DateTimeField(null=True)
    is_active = models.BooleanField(default=True)
    since = models.DateTimeField(default=timezone.now)
    """What happened before is not told: when it was made, or last switched on."""
    made_by = models.CharField(max_length=254)
    created_at = models.DateTimeField(default=timezone.now)
    version = models.PositiveIntegerField(default=1)

    failures = models.PositiveIntegerField(default=0)
    """Attempts that failed since the last one that did not."""
    failing_since = models.DateTimeField(null=True)
    paused_until = models.DateTimeField(null=True)
    trouble = models.CharField(max_length=200, blank=True)
    """What went wrong last, or why it was switched off."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scope", "name"], name="webhook_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def short_address(self) -> str:
        """The part of the address that anybody may know."""
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.netloc}/…"


class Delivery(models.Model):
    """One thing that happened, on its way to one webhook. Kept for a week."""

    class State(models.IntegerChoices):
        WAITING = 1, "waiting"
        DELIVERED = 2, "delivered"
        GIVEN_UP = 3, "given up"

    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="deliveries")
    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    """The same with every attempt, so that receivers can tell."""
    kind = AsciiField(max_length=40)
    subject = AsciiField(max_length=120)
    """What it is about: of one subject each waits for the one before it."""
    at = models.DateTimeField()
    """When it happened."""
    payload = models.JSONField()
    state = models.PositiveSmallIntegerField(choices=State, default=State.WAITING)
    created_at = models.DateTimeField(default=timezone.now)
    first_try_at = models.DateTimeField(null=True)
    next_try_at = models.DateTimeField(default=timezone.now)
    claimed_until = models.DateTimeField(null=True)
    """Some worker is sending it; after that moment it is taken for dead."""
    attempts = models.PositiveIntegerField(default=0)
    status = models.PositiveSmallIntegerField(null=True)
    """Of the last answer; None: there was none."""
    problem = models.CharField(max_length=200, blank=True)
    answer = models.CharField(max_length=500, blank=True)
    """How the last answer begins."""
    took_ms = models.PositiveIntegerField(null=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["webhook", "id"], name="delivery_list"),
            models.Index(fields=["created_at"], name="delivery_purge"),
            models.Index(fields=["webhook", "subject", "id"], condition=Q(state=1), name="delivery_order"),
            models.Index(fields=["next_try_at"], condition=Q(state=1), name="delivery_due"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"


class HappeningCursor(models.Model):
    """How far what happens was read for webhooks: one row, and the lock of who reads."""

    after = models.JSONField(default=dict)
    """The last number, by the name of the log."""

    def __str__(self) -> str:
        return str(self.after)
