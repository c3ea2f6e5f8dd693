from django.conf import settings
from django.db import models
from django.db.models import Q

from portal.fields import AsciiField

from .group import Group


class Subject(models.Model):
    """Whom access rules, workloads and audit point at, whatever kind it is."""

    class Kind(models.IntegerChoices):
        USER = 1, "person"
        GROUP = 2, "group"
        APPLICATION = 3, "application"

    kind = models.PositiveSmallIntegerField(choices=Kind, default=Kind.USER)
    name = AsciiField(max_length=254)
    """A person's address, the name of a group or application."""
    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="subject")
    """Who acts: the person, or the user that the application owns."""
    group = models.OneToOneField(Group, models.CASCADE, null=True, related_name="subject")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "name"], condition=Q(kind__gt=0), name="subject_name"),
            models.CheckConstraint(
                condition=Q(kind__in=[1, 3], user__isnull=False, group__isnull=True)
                | Q(kind=2, user__isnull=True, group__isnull=False),
                name="subject_points_at_its_kind",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_person(self) -> bool:
        return self.kind == self.Kind.USER

    @property
    def title(self) -> str:
        """The name that people read: fetch `user` with it."""
        return self.user.name if self.user else self.name

    @property
    def initials(self) -> str:
        return self.user.initials if self.user else self.name[:2].upper()
