from django.conf import settings
from django.db import models
from django.utils import timezone

from portal.fields import AsciiField


class Group(models.Model):
    """People who get the same roles. Groups do not nest; their subjects keep the names apart."""

    name = AsciiField(max_length=120)
    description = models.TextField(blank=True, max_length=500)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name


class GroupMember(models.Model):
    """That a person is in a group: by hand, or because the identity provider said so at sign-in."""

    class Source(models.IntegerChoices):
        LOCAL = 1, "by hand"
        PROVIDER = 2, "identity provider"

    group = models.ForeignKey(Group, models.CASCADE, related_name="members")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    source = models.PositiveSmallIntegerField(choices=Source, default=Source.LOCAL)
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "user"], name="group_member")]

    def __str__(self) -> str:
        return f"{self.user} in {self.group}"
