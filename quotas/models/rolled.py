from django.db import models

from orgs.models import OrgUnit, UnitKind
from portal.fields import AsciiField

from .pool import Pool


class Rolled(models.Model):
    """How a unit stood in a pool over a longer time: the sums of its hours. Written once, by the roll-up.

    Names and place are those of then: what is moved, renamed or deleted later changes no past.
    """

    unit = models.ForeignKey(OrgUnit, models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False)
    kind = models.PositiveSmallIntegerField(choices=UnitKind)
    unit_name = AsciiField(max_length=63)
    path = AsciiField(max_length=200)
    """Of the unit: who may see the scope that it lay in, may see it."""
    pool = models.ForeignKey(Pool, models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False)
    pool_name = AsciiField(max_length=63)
    at = models.DateField()
    """The day, or the first day of the month (UTC)."""
    gpu_milli_seconds = models.BigIntegerField(default=0)
    cpu_millicore_seconds = models.BigIntegerField(default=0)
    memory_mib_seconds = models.BigIntegerField(default=0)
    over_gpu_milli_seconds = models.BigIntegerField(default=0)
    idle_gpu_milli_seconds = models.BigIntegerField(default=0)
    waiting_gpu_milli_seconds = models.BigIntegerField(default=0)
    lent_gpu_milli_seconds = models.BigIntegerField(default=0)
    """Of what was idle: lent to others."""

    class Meta:
        abstract = True


class UsageDay(Rolled):
    """Kept 25 months."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["pool", "at", "unit"], name="usage_day_once")]
        indexes = [models.Index(fields=["kind", "at"], name="usage_day_kind")]

    def __str__(self) -> str:
        return f"{self.unit_name} in {self.pool_name}, {self.at:%d %b %Y}"


class UsageMonth(Rolled):
    """Kept for ever."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["pool", "at", "unit"], name="usage_month_once")]
        indexes = [models.Index(fields=["kind", "at"], name="usage_month_kind")]

    def __str__(self) -> str:
        return f"{self.unit_name} in {self.pool_name}, {self.at:%b %Y}"


class LendingDay(models.Model):
    """What projects of one department lent to those of another in a pool on one day. Written with `UsageDay`."""

    pool = models.ForeignKey(Pool, models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False)
    at = models.DateField()
    lender = models.BigIntegerField()
    """A department; 0 = capacity that nobody was guaranteed. So the name."""
    lender_name = AsciiField(max_length=63, blank=True)
    lender_path = AsciiField(max_length=200, blank=True)
    borrower = models.BigIntegerField()
    borrower_name = AsciiField(max_length=63)
    borrower_path = AsciiField(max_length=200)
    gpu_milli_seconds = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["at", "pool", "lender", "borrower"], name="lending_day_once")]

    def __str__(self) -> str:
        return f"{self.lender_name or 'unassigned'} to {self.borrower_name}, {self.at:%d %b %Y}"


class RolledUp(models.Model):
    """Up to which day the hours of a pool have been rolled up. Written by the roll-up."""

    pool = models.OneToOneField(Pool, models.CASCADE, primary_key=True, related_name="rolled_up")
    until = models.DateField()
    """The first day that has not."""
    months_until = models.DateField()
    """The first day of the first month that has not."""

    def __str__(self) -> str:
        return f"pool {self.pool_id} until {self.until:%d %b %Y}"
