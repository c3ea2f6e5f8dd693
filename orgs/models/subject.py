from django.conf import settings
from django.db import models
from django.db.models import Q

from portal.fields import AsciiField


class Subject(models.Model):
    """Whom access rules, workloads and audit point at, whatever kind it is."""

    class Kind(models.IntegerChoices):
        USER = 1, "person"

    kind = models.PositiveSmallIntegerField(choices=Kind, default=Kind.USER)
    name = AsciiField(max_length=254)
    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="subject")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "name"], condition=Q(kind__gt=0), name="subject_name"),
            models.CheckConstraint(condition=Q(kind=1, user__isnull=False), name="subject_points_at_its_kind"),
        ]

    def __str__(self) -> str:
        return self.name
