"""Pools as a table with filters, and the same as a file."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse

from orgs.views.base import Guarded, Page, searched
from portal.asked import page_size
from portal.csv import csv_response
from quotas.pool_words import pool_table_answer
from quotas.selectors.pool_table import KINDS, STATES, PoolRow, pool_table

SIZES = (25, 50, 100)
HEAD = (
    "Cluster", "Pool", "State", "Label", "Nodes", "Ready nodes", "GPU type", "Ready GPUs", "GPUs in use",
    "GPUs not ready", "GPUs guaranteed", "Ready millicores", "Millicores in use", "Ready memory bytes",
    "Memory bytes in use", "Workloads running", "Workloads waiting",
)  # fmt: skip


def rows_of(request: HttpRequest) -> list[PoolRow]:
    """What the address asks for."""
    asked = request.GET
    kinds = [kind for kind in asked.getlist("has") if kind in KINDS]
    return pool_table(request, searched(request).lower(), asked.getlist("state"), kinds, asked.get("sort", ""))


class PoolTable(Page):
    permission = "pool:read"
    template_name = "quotas/pool_table.html"
    fragment_template = "quotas/pool_table_live.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        asked, rows = self.request.GET, rows_of(self.request)
        found = Paginator(rows, page_size(asked, SIZES, usual=SIZES[1]))
        return super().get_context_data(
            page=found.get_page(asked.get("page")),
            answer=pool_table_answer(rows),
            several=len({row.pool.cluster_id for row in rows}) > 1,
            state_options=[(state, state.replace("-", " ")) for state in STATES],
            kind_options=[("gpu", "with GPUs"), ("cpu", "without GPUs")],
            narrowed=any(asked.get(name) for name in ("q", "state", "has")),
            kept=[(name, asked[name]) for name in ("scope", "sort", "size") if asked.get(name)],
            sizes=SIZES,
            **kwargs,
        )


class PoolsCsv(Guarded):
    """Numbers in the units of the API; what the reader may not know is empty."""

    permission = "pool:read"

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        return csv_response("node-pools.csv", HEAD, map(_cells, rows_of(request)))


def _cells(row: PoolRow) -> list[object]:
    machines, used, given = row.hardware, row.used, row.guaranteed
    return [
        row.pool.cluster.name,
        row.pool.name,
        row.state[1],
        row.label,
        machines.nodes,
        machines.ready_nodes,
        machines.gpu_type,
        machines.ready.gpu_milli / 1000,
        used.gpu_milli / 1000 if used else None,
        machines.lost_gpu_milli / 1000,
        given.gpu_milli / 1000 if given else None,
        machines.ready.cpu_millicores,
        used.cpu_millicores if used else None,
        machines.ready.memory_bytes,
        used.memory_bytes if used else None,
        row.running,
        row.waiting,
    ]
