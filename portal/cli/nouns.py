"""The things that there are: where they lie in the API, how they show, and what of them can be typed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click

from portal.cli import values
from portal.cli.output import Column

TEXT = click.STRING
PLACEMENTS = click.Choice(["bin-pack", "spread", "fragmentation-aware"])
CPU_PLACEMENTS = click.Choice(["bin-pack", "spread"])
RANKS = click.Choice(["low", "medium", "high"])
WORDS = "description"


@dataclass(frozen=True, slots=True)
class Field:
    """What can be typed of a thing, behind a flag."""

    flag: str
    name: str
    """In the API."""
    kind: Any
    """A type of click, or the address of the things that it names (`clusters`)."""
    help: str
    needed: bool = False
    """To create it."""
    fixed: bool = False
    """Once it is there."""

    @property
    def variable(self) -> str:
        return self.flag.removeprefix("--").replace("-", "_")


@dataclass(frozen=True, slots=True)
class Noun:
    name: str
    many: str
    address: str
    columns: Sequence[Column]
    help: str
    examples: Sequence[str]
    fields: Sequence[Field] = ()
    filters: Sequence[Field] = ()
    named: bool = True
    """Whether it is created with a name."""


ID, NAME = Column("ID", "id"), Column("NAME", "name")
CREATED = Column("CREATED", "created_at", values.moment, wide=True)
SCOPE = Field("--scope", "scope", "units", "Only in this unit and below it.")
CLUSTER = Field("--cluster", "cluster", "clusters", "Only of this cluster.")
POOL = Field("--pool", "pool", "pools", "Only of this pool.")
UNIT_COLUMNS = (ID, NAME, Column("IN", "parent.name"), Column("CLUSTER", "cluster.name"))
DESCRIPTION = Column("DESCRIPTION", "description", wide=True)
DESCRIBED = Field("--description", "description", TEXT, "What it is for.")
RENAMED = Field("--name", "name", TEXT, "Another name.")

NOUNS = (
    Noun(
        "cluster",
        "clusters",
        "clusters",
        (
            ID,
            NAME,
            Column("MODE", "mode"),
            Column("STATE", "state"),
            Column("VERSION", "server_version", wide=True),
            Column("SEEN", "last_seen", values.moment, wide=True),
            DESCRIPTION,
        ),
        "Clusters: where the hardware is.",
        ("bursar cluster list",),
    ),
    Noun(
        "department",
        "departments",
        "departments",
        (*UNIT_COLUMNS, DESCRIPTION, CREATED),
        "Departments: units inside a cluster, or inside one another.",
        (
            "bursar department list --cluster north",
            "bursar department create speech --in north --description 'Voices'",
            "bursar department change speech --description 'Voices and ears'",
            "bursar department delete speech --yes",
        ),
        (Field("--in", "parent", "units", "The cluster or department that it lies in.", needed=True), DESCRIBED),
        (SCOPE, CLUSTER),
    ),
    Noun(
        "project",
        "projects",
        "projects",
        (
            *UNIT_COLUMNS,
            Column("NAMESPACE", "namespace", wide=True),
            Column("PHASE", "phase", wide=True),
            DESCRIPTION,
            CREATED,
        ),
        "Projects: what owns workloads.",
        (
            "bursar project list --scope vision -o wide",
            "bursar project create robotics --in vision",
            "bursar project get robotics -o yaml",
            "bursar project change robotics --name arms",
            "bursar project delete arms --dry-run",
        ),
        (Field("--in", "parent", "departments", "The department that it lies in.", needed=True), DESCRIBED),
        (SCOPE, CLUSTER),
    ),
    Noun(
        "pool",
        "pools",
        "pools",
        (
            ID,
            NAME,
            Column("CLUSTER", "cluster.name"),
            Column("LABEL", "label_key"),
            Column("VALUE", "label_value"),
            Column("GPUS", "gpu_placement", wide=True),
            Column("CPUS", "cpu_placement", wide=True),
            Column("MIN RUNTIME", "min_runtime_seconds", values.span, wide=True),
            Column("TOPOLOGY", "topology.name", wide=True),
        ),
        "Node pools: nodes with one label, and how work is placed on them.",
        (
            "bursar pool list --cluster north",
            "bursar pool create rack-7 --cluster north --label-key example.org/rack --label-value r07",
            "bursar pool change rack-7 --min-runtime 15m",
            "bursar pool delete rack-7 --yes",
        ),
        (
            Field("--cluster", "cluster", "clusters", "The cluster of its nodes.", needed=True, fixed=True),
            Field("--label-key", "label_key", TEXT, "The label of its nodes …", needed=True),
            Field("--label-value", "label_value", TEXT, "… and its value.", needed=True),
            Field("--gpu-placement", "gpu_placement", PLACEMENTS, "Of work with GPUs."),
            Field("--cpu-placement", "cpu_placement", CPU_PLACEMENTS, "Of work without."),
            Field("--min-runtime", "min_runtime_seconds", values.SPAN, "So long a workload is left to run."),
            Field("--staleness-grace", "staleness_grace_seconds", values.SPAN_OR_NONE, "So long below its minimum."),
            Field(
                "--disruptions-per-workload",
                "disruptions_per_workload",
                values.COUNT_OR_NONE,
                "So many pods are stopped for one workload.",
            ),
            Field(
                "--disruptions-per-cycle",
                "disruptions_per_cycle",
                values.COUNT_OR_NONE,
                "So many are stopped in one cycle.",
            ),
            Field(
                "--disruption-budget-delay",
                "disruption_budget_delay_seconds",
                values.SPAN_OR_NONE,
                "After so long a guaranteed quota overrides disruption budgets.",
            ),
            Field("--history-weight", "history_weight_milli", values.WEIGHT, "How much past use counts."),
            Field("--history-half-life-hours", "history_half_life_hours", values.COUNT_OR_NONE, "How fast it fades."),
            Field("--history-window-days", "history_window_days", click.INT, "How far back it goes."),
        ),
        (SCOPE, CLUSTER),
    ),
    Noun(
        "node",
        "nodes",
        "nodes",
        (
            ID,
            NAME,
            Column("POOL", "pool.name"),
            Column("STATE", "state"),
            Column("GPUS", "gpu_count"),
            Column("TYPE", "gpu_type"),
            Column("CORES", "cpu_millicores", values.thousandths, wide=True),
            Column("MEMORY", "memory_bytes", values.memory, wide=True),
            Column("CLUSTER", "cluster.name", wide=True),
        ),
        "Nodes: the machines of clusters.",
        ("bursar node list --pool a100",),
        (),
        (SCOPE, CLUSTER, POOL),
    ),
    Noun(
        "rule",
        "access rules",
        "access-rules",
        (
            ID,
            Column("WHO", "subject.name"),
            Column("ROLE", "role.name"),
            Column("ON", "scope.name"),
            Column("UNTIL", "expires_at", values.moment),
            Column("KIND", "subject.kind", wide=True),
            CREATED,
        ),
        "Access rules: who has which role where.",
        (
            "bursar rule list --scope vision",
            "bursar rule create --who l1@example.org --role 'L2 researcher' --on vision",
            "bursar rule change 7 --role Viewer",
            "bursar rule delete 7 --yes",
        ),
        (
            Field("--who", "subject", TEXT, "An address, or a group or application by name.", needed=True, fixed=True),
            Field("--role", "role", "roles", "What they become.", needed=True),
            Field("--on", "scope", "units", "The unit; it holds below it, too.", needed=True, fixed=True),
            Field(
                "--until", "expires_at", TEXT, "The moment that it ends: 2030-12-31T00:00:00Z; none: it holds for good."
            ),
        ),
        (SCOPE, Field("--who", "subject", TEXT, "Only theirs."), Field("--role", "role", "roles", "Only these.")),
        named=False,
    ),
)
"""Those with commands of the common kind. Quotas, workloads and roles are found by the same rules."""

AMOUNTS = (
    Field("--gpu", "gpu_milli", values.GPUS, "GPUs that are guaranteed."),
    Field("--cpu", "cpu_millicores", values.CORES_OR_NONE, "Cores that are guaranteed."),
    Field("--memory", "memory_bytes", values.BYTES_OR_NONE, "Memory that is guaranteed."),
    Field("--over-quota", "over_quota", values.YES, "Whether more may be used while nobody needs it."),
    Field("--limit-gpu", "limit_gpu_milli", values.GPUS_OR_NONE, "Never more than so many GPUs."),
    Field("--limit-cpu", "limit_cpu_millicores", values.CORES_OR_NONE, "Never more than so many cores."),
    Field("--limit-memory", "limit_memory_bytes", values.BYTES_OR_NONE, "Never more than so much memory."),
    Field("--rank", "rank", RANKS, "Who is served first when spare is divided."),
    Field("--weight", "weight_milli", values.WEIGHT, "Its part of what is divided."),
    Field("--reclaim-min-runtime", "reclaim_min_runtime_seconds", values.SPAN_OR_NONE, "Left to run before others."),
    Field("--preempt-min-runtime", "preempt_min_runtime_seconds", values.SPAN_OR_NONE, "The same inside the project."),
)
"""What a quota is made of."""
QUOTA_COLUMNS = (
    Column("UNIT", "unit.name"),
    Column("POOL", "pool.name"),
    Column("GPUS", "gpu_milli", values.thousandths),
    Column("OVER QUOTA", "over_quota", values.yes),
    Column("LIMIT", "limit_gpu_milli", values.thousandths),
    Column("RANK", "rank"),
    Column("WEIGHT", "weight_milli", values.thousandths),
    Column("CORES", "cpu_millicores", values.thousandths, wide=True),
    Column("MEMORY", "memory_bytes", values.memory, wide=True),
    Column("CORE LIMIT", "limit_cpu_millicores", values.thousandths, wide=True),
    Column("MEMORY LIMIT", "limit_memory_bytes", values.memory, wide=True),
    Column("VERSION", "version", wide=True),
)
