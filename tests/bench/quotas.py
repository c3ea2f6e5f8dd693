"""What the quota matrix costs on the server, in an organization of 1,000 projects (SQLite)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

from tests.bench.database import empty_database
from tests.bench.measure import Figure, measurement

DEPARTMENTS, PROJECTS = 20, 50
ROUNDS = 7
TARGET_MS = 300.0


@measurement
def quota_matrix() -> Iterator[Figure]:
    """A page of the matrix, and the effect of one and of 50 unsaved changes: the median request."""
    with empty_database():
        client, edits = _organization()
        yield Figure(
            "a page of the matrix, 200 of 1,021 rows", _median(lambda: client.get("/quotas/?size=200")), "ms", TARGET_MS
        )
        for number in (1, 50):
            yield Figure(f"effect of {number} unsaved, 1,020 units", _effect(client, edits[:number]), "ms", TARGET_MS)


def _effect(client: Any, edits: list[dict[str, str]]) -> float:
    body = json.dumps({"edits": edits})
    return _median(lambda: client.post("/quotas/effect/", body, content_type="application/json"))


def _median(ask: Callable[[], Any]) -> float:
    """Milliseconds; the first request is not counted."""
    seconds = []
    for _ in range(ROUNDS + 1):
        begun = time.perf_counter()
        assert ask().status_code == 200
        seconds.append(time.perf_counter() - begun)
    return sorted(seconds[1:])[ROUNDS // 2] * 1000


def _organization() -> tuple[Any, list[dict[str, str]]]:
    """An administrator's client, and an edit of every project."""
    from quotas.models import Quota, UnitUsage
    from tests import factories as make

    cluster = make.make_cluster("north")
    pool = make.make_pool("a100", cluster)
    make.make_node(pool=pool)
    projects = []
    for _ in range(DEPARTMENTS):
        department = make.make_department(parent=cluster)
        make.make_quota(department, pool, gpus=PROJECTS)
        projects += [make.make_project(department=department) for _ in range(PROJECTS)]
    Quota.objects.bulk_create(Quota(unit=project, pool=pool, gpu_milli=100) for project in projects)
    UnitUsage.objects.bulk_create(
        UnitUsage(unit=project, pool=pool, gpu_milli=90, requested_gpu_milli=500) for project in projects
    )
    edits = [
        {"cell": f"{project.pk}-{pool.pk}", "version": "1", "resource": "gpu", "show": "quota", "text": "0.2"}
        for project in projects
    ]
    client = make.signed_in(make.make_user(role=make.ADMIN))
    return client, edits
