from django.db import models
from django.db.models import Q
from django.utils import timezone

from portal.fields import AsciiField


class UnitKind(models.IntegerChoices):
    ACCOUNT = 1, "account"
    CLUSTER = 2, "cluster"
    DEPARTMENT = 3, "department"
    PROJECT = 4, "project"


class UnitState(models.IntegerChoices):
    ACTIVE = 1, "active"
    DELETING = 2, "deleting"


class OrgUnit(models.Model):
    """A node of the tree account > clusters > departments > projects. As a scope it means itself and everything below.

    `path` holds the ids from the root between slashes (`/1/4/37/`), so a subtree is one range of an index.
    """

    kind = models.PositiveSmallIntegerField(choices=UnitKind)
    parent = models.ForeignKey("self", models.CASCADE, null=True, related_name="children")
    cluster = models.ForeignKey("self", models.CASCADE, null=True, related_name="+")
    """The cluster it lies in, itself for a cluster; none for the account."""
    path = AsciiField(max_length=200, blank=True)
    name = AsciiField(max_length=63)
    description = models.TextField(blank=True, max_length=500)
    state = models.PositiveSmallIntegerField(choices=UnitState, default=UnitState.ACTIVE)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            models.Index(fields=["path"], name="unit_path"),
            models.Index(fields=["parent", "name"], name="unit_children"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["kind"], condition=Q(kind=UnitKind.ACCOUNT), name="unit_one_account"),
            models.UniqueConstraint(
                fields=["cluster", "name"], condition=Q(kind=UnitKind.PROJECT), name="unit_project_name"
            ),
            models.UniqueConstraint(
                fields=["parent", "name"], condition=~Q(kind=UnitKind.PROJECT), name="unit_sibling_name"
            ),
            models.CheckConstraint(
                condition=Q(kind=UnitKind.ACCOUNT, parent=None) | (~Q(kind=UnitKind.ACCOUNT) & Q(parent__isnull=False)),
                name="unit_account_is_root",
            ),
            models.CheckConstraint(condition=Q(kind__in=UnitKind.values), name="unit_kind_known"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def audit_entity(self) -> str:
        """What the audit log calls it: by its kind."""
        return UnitKind(self.kind).label

    @property
    def ancestor_ids(self) -> list[int]:
        """Ids on its path, the root first, its own last."""
        return [int(part) for part in self.path.split("/") if part]

    def contains(self, other: "OrgUnit") -> bool:
        """Whether `other` lies in this scope (a unit lies in its own)."""
        return other.path.startswith(self.path)
