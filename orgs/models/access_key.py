from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from knox.models import AbstractAuthToken
from knox.settings import CONSTANTS

from .unit import OrgUnit


def usable() -> Q:
    """Keys whose end has not come."""
    return Q(expiry=None) | Q(expiry__gt=timezone.now())


class AccessKey(AbstractAuthToken):
    """Lets a program act as the person or application that owns it, with some of the owner's rights or all of them.

    The key itself is shown once. What is kept is its hash, and its first characters to find it by.
    """

    id = models.BigAutoField(primary_key=True)
    digest = models.CharField(max_length=CONSTANTS.DIGEST_LENGTH)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="access_keys")
    created = models.DateTimeField(default=timezone.now)
    name = models.CharField(max_length=120)
    scope = models.ForeignKey(OrgUnit, models.CASCADE, null=True, related_name="+")
    """Rights hold in it and below it only; None: wherever the owner has them."""
    permissions = models.JSONField(null=True)
    """Those of the owner's (`entity:action`) that it may use; None: all of them, later ones too."""
    limited_to = models.CharField(max_length=80, blank=True)
    """What `permissions` are called: “reading”, or the role that they were taken from."""
    replaced_by = models.ForeignKey("self", models.SET_NULL, null=True, related_name="+")
    """The key that it was rotated to; it works on until its end."""

    objects = models.Manager["AccessKey"]()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["digest"], name="access_key_digest")]

    def __str__(self) -> str:
        return self.name

    @property
    def ended(self) -> bool:
        return self.expiry is not None and self.expiry <= timezone.now()


class AccessKeyUse(models.Model):
    """When a key was last used, a minute exact, and from where. Apart from the key, which is read meanwhile."""

    key = models.OneToOneField(AccessKey, models.CASCADE, primary_key=True, related_name="use")
    at = models.DateTimeField()
    address = models.CharField(max_length=45, blank=True)

    def __str__(self) -> str:
        return f"{self.key} at {self.at}"
