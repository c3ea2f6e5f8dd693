from django.db import models

from portal.fields import AsciiField

from .unit import OrgUnit


class ProjectInfo(models.Model):
    """What only projects have: the namespace their workloads run in, chosen at creation, never changed."""

    class Phase(models.IntegerChoices):
        CREATING = 1, "creating"
        READY = 2, "ready"
        FAILED = 3, "failed"

    unit = models.OneToOneField(OrgUnit, models.CASCADE, primary_key=True, related_name="project_info")
    cluster = models.ForeignKey(OrgUnit, models.CASCADE, related_name="+")
    namespace = AsciiField(max_length=63)
    adopted = models.BooleanField(default=False)
    """It was there before the project; the cluster's administrators give it to the project by a label."""
    restricted = models.BooleanField(default=False)
    """The cluster lets in only pods of the Pod Security level `restricted` there."""
    phase = models.PositiveSmallIntegerField(choices=Phase, default=Phase.CREATING)
    phase_message = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["cluster", "namespace"], name="project_namespace")]

    def __str__(self) -> str:
        return self.namespace
