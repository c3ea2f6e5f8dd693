"""Who holds a pool: projects by name as far as the reader may see their quotas, the rest in one sum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Sum

from orgs.models import UnitKind
from orgs.scope import units_with
from quotas.models import Pool, UnitUsage

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Holder:
    """What one project has in the pool, or all others together."""

    name: str
    gpu_milli: int
    over_gpu_milli: int
    pk: int | None = None


def holders(pool: Pool, user: Any) -> list[Holder]:
    """The largest first, as the pool's loop last saw them. Two queries."""
    usages = UnitUsage.objects.filter(pool=pool, unit__kind=UnitKind.PROJECT, gpu_milli__gt=0)
    seen = usages.filter(unit__in=units_with(user, "quota:read", UnitKind.PROJECT).values("pk"))
    rows = seen.order_by("-gpu_milli", "unit__name").values_list("unit__name", "gpu_milli", "over_gpu_milli", "unit")
    found = [Holder(*row) for row in rows[:SHOWN]]
    all_of_them = usages.aggregate(held=Sum("gpu_milli", default=0), over=Sum("over_gpu_milli", default=0))
    rest = all_of_them["held"] - sum(one.gpu_milli for one in found)
    if rest > 0:
        over = all_of_them["over"] - sum(one.over_gpu_milli for one in found)
        found.append(Holder("other projects" if found else "projects you do not see", rest, over))
    return found
