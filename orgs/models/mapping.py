from datetime import datetime
from typing import Any

from django.db import models
from django.utils import timezone

from .subject import Subject
from .unit import OrgUnit


class Mapping(models.Model):
    """What the wizard made in one step, so that it can be taken back in one."""

    target = models.ForeignKey(OrgUnit, models.CASCADE, related_name="+")
    created_by = models.ForeignKey(Subject, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    made = models.JSONField(default=dict)
    """Ids of the new `departments`, `projects`, `rules` and `people`; the ends that rules had which were `renewed`, by
    id; what the `saves` of quotas go by."""
    undone_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"mapping {self.pk} in {self.target_id}"

    def ids(self, what: str) -> list[int]:
        found: list[Any] = self.made.get(what, [])
        return found

    @property
    def renewed(self) -> dict[int, datetime]:
        """When rules that it gave anew had ended."""
        return {int(pk): datetime.fromisoformat(end) for pk, end in self.made.get("renewed", {}).items()}

    @property
    def units(self) -> list[int]:
        return self.ids("departments") + self.ids("projects")
