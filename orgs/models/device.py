from django.conf import settings
from django.db import models
from django.utils import timezone

from portal.fields import AsciiField


class DeviceSignIn(models.Model):
    """A program without a browser that waits for somebody to let it in, for some minutes."""

    code = AsciiField(max_length=9, unique=True)
    """What people read and type."""
    digest = models.CharField(max_length=64, unique=True)
    """Of the secret that the program comes back with."""
    name = models.CharField(max_length=120)
    """What it calls itself."""
    address = models.CharField(max_length=45, blank=True)
    """Where it asks from."""
    at = models.DateTimeField(default=timezone.now)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+")
    """Who let it in."""
    token = models.TextField(blank=True)
    """The key for it, encrypted (orgs.secrets), until it is fetched."""

    class Meta:
        indexes = [models.Index(fields=["at"], name="device_sign_in_at")]

    def __str__(self) -> str:
        return self.name
