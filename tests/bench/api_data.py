"""Half a million workloads on top of the organization of `rights`, written by the database itself."""

from __future__ import annotations

from typing import Any

COPIES = 25
"""Of each of the workloads that the organization has; all but one of them have ended."""
POOLS = 8
"""Of each cluster."""
COLUMNS = {
    "uid": "gen_random_uuid()",
    "name": "w.name || '-' || n",
    "created_at": "w.created_at - (n * 3600 + w.id) * interval '1 s'",
    "state_since": "w.created_at - (n * 3600 + w.id * 7 % 3600) * interval '1 s'",
    "ended_at": "w.created_at - n * 1800 * interval '1 s'",
    "is_active": "false",
    "state": "6 + (w.id + n) % 3",
    "desired": "case when (w.id + n) % 50 = 0 then 3 else 1 end",
    "kind": "1 + (w.id / 3 + n) % 4",
    "priority": "(array[25, 50, 50, 50, 75, 100])[1 + (w.id + n * 5) % 6]",
    "requested_gpu_milli": "(w.id + n * 3) % 17 * 1000",
    "submitted_by_id": "s.id",
    "pool_id": "p.id",
}
"""What one of the copies has; the rest is as in the first."""
BEGUN = """
update scheduling_workload w set state = 1 + w.id % 4, submitted_by_id = s.id, pool_id = p.id
from orgs_subject s, quotas_pool p
where s.id = (select min(id) from orgs_subject) + w.id % 5000
and p.cluster_id = w.cluster_id and p.name = 'pool-' || w.id % {pools}
"""
ENDED = """
insert into scheduling_workload ({columns}) select {values}
from scheduling_workload w cross join generate_series(1, {copies}) n
join orgs_subject s on s.id = (select min(id) from orgs_subject) + (w.id + n) % 5000
join quotas_pool p on p.cluster_id = w.cluster_id and p.name = 'pool-' || (w.id + n) % {pools}
"""


def fill() -> list[int]:
    """Everything; returns the ids of people who each head a department."""
    from django.db import connection

    from orgs.models import OrgUnit, UnitKind
    from quotas.models import Pool
    from scheduling.models import Workload
    from tests.bench import rights

    people = rights.fill()
    Pool.objects.bulk_create(
        Pool(cluster=cluster, name=f"pool-{number}", label_key="example.org/pool", label_value=str(number))
        for cluster in OrgUnit.objects.filter(kind=UnitKind.CLUSTER)
        for number in range(POOLS)
    )
    columns: dict[str, Any] = {field.column: f"w.{field.column}" for field in Workload._meta.fields} | COLUMNS
    del columns["id"]
    with connection.cursor() as cursor:
        cursor.execute(BEGUN.format(pools=POOLS))
        ended = ENDED.format(
            columns=", ".join(columns), values=", ".join(columns.values()), copies=COPIES - 1, pools=POOLS
        )
        cursor.execute(ended)
        cursor.execute("vacuum analyze")
    return people
