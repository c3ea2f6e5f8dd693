from django.conf import settings
from django.db import models
from django.utils import timezone

from portal.fields import AsciiField


class Application(models.Model):
    """A program with rights of its own. It acts as a user without a password, who cannot sign in to the pages."""

    name = AsciiField(max_length=120)
    """Its subject keeps it apart from those of other applications and of groups."""
    description = models.TextField(blank=True, max_length=500)
    client_id = AsciiField(max_length=40)
    """Stands where people have their address, so that no field for an address finds the user."""
    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="application")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["client_id"], name="application_client_id")]

    def __str__(self) -> str:
        return self.name
