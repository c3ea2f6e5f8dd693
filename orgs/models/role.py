from django.db import models

from portal.fields import AsciiField


class Role(models.Model):
    """A named bundle of permissions. Predefined ones are kept equal to the table in `orgs.access.table`."""

    name = models.CharField(max_length=60, unique=True)
    built_in = models.BooleanField(default=False)
    """Predefined: it can be copied, and neither changed nor deleted."""
    version = models.PositiveIntegerField(default=1)

    def __str__(self) -> str:
        return self.name


class RolePermission(models.Model):
    """One cell of the permission table: `entity:action`."""

    role = models.ForeignKey(Role, models.CASCADE, related_name="permissions")
    permission = AsciiField(max_length=60)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["permission", "role"], name="role_permission")]

    def __str__(self) -> str:
        return self.permission
