"""What the guard compares, read from the database, and how it is set."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from django.db.models import Q

from orgs.hooks import Gift
from orgs.models import OrgUnit, UnitKind, UnitState
from orgs.names import DEFAULT_DEPARTMENT
from orgs.scope import below
from quotas.guard import NOTHING, Amounts, Book, Excess, Key, Level, Own
from quotas.models import GuardSetting, Pool, Quota, UnitUsage
from quotas.models.guard import SET_LEVELS
from quotas.resources import RESOURCES

from .pools import NO_HARDWARE, hardware
from .sums import line_of

Mode = GuardSetting.Mode
KEYS = tuple(RESOURCES)


@dataclass(frozen=True, slots=True)
class Watch:
    """How one level is guarded."""

    mode: Mode = Mode.WARN
    resources: tuple[str, ...] = KEYS

    @classmethod
    def of(cls, setting: GuardSetting) -> Watch:
        return cls(Mode(setting.mode), tuple(key for key in KEYS if key in setting.resources))

    def mode_for(self, key: str) -> Mode:
        """Of one resource, by its key."""
        return self.mode if key in self.resources else Mode.OFF

    @property
    def words(self) -> str:
        """Its resources: "GPU, CPU, Memory"."""
        return ", ".join(RESOURCES[key].label for key in self.resources)


Guard = Mapping[Level, Watch]
"""By level; what nobody has set warns of everything."""


def guard_of(cluster: OrgUnit) -> Guard:
    """As the cluster has it, else the account."""
    found = GuardSetting.objects.filter(Q(scope=cluster) | Q(scope__kind=UnitKind.ACCOUNT))
    settings = sorted(found, key=lambda setting: setting.scope_id == cluster.pk)
    return {level: Watch() for level in SET_LEVELS} | {Level(one.level): Watch.of(one) for one in settings}


def mode_of(guard: Guard, key: Key) -> Mode:
    """What happens to a change that makes `key` worse."""
    watch = guard[Level.CHILDREN if key.level == Level.RUNNING else key.level]
    return watch.mode_for(KEYS[key.resource])


@dataclass(frozen=True, slots=True)
class Books:
    """A cluster's guarantees, in all its pools or some."""

    cluster: int
    pools: tuple[int, ...] | None
    """None: all."""
    by_pool: Mapping[int, Book]
    names: Mapping[int, str]
    """Of the pools."""

    @classmethod
    def read(cls, cluster: int, pools: Collection[int] | None, running: Books | None = None) -> Books:
        """Call it under the cluster's lock. `running`: books to take from what runs, which knows no lock."""
        found = Pool.objects.filter(cluster=cluster)
        if pools is not None:
            found = found.filter(pk__in=pools)
        names = dict(found.values_list("pk", "name"))
        departments = OrgUnit.objects.filter(parent=cluster, kind=UnitKind.DEPARTMENT, name=DEFAULT_DEPARTMENT)
        summed = frozenset(departments.values_list("pk", flat=True))
        quotas, paths = _quotas(names)
        machines = hardware(names)
        runs = _running(names) if running is None else {pool: book.running for pool, book in running.by_pool.items()}
        books = {
            pool: Book(
                pool=pool,
                cluster=cluster,
                quotas=quotas[pool],
                paths=paths,
                summed=summed,
                ready=machines.get(pool, NO_HARDWARE).ready,
                running=runs.get(pool, {}),
            )
            for pool in names
        }
        return cls(cluster, None if pools is None else tuple(sorted(pools)), books, names)

    def again(self) -> Books:
        """As they are now, with what runs as it was: that changes with every cycle."""
        return Books.read(self.cluster, self.pools, running=self)

    def moved(self, unit: OrgUnit, parent: OrgUnit) -> Books:
        """As they would be with `unit`, and all below it, in `parent`."""
        old, new = line_of(unit.path), (*line_of(parent.path), unit.pk)

        def path(line: tuple[int, ...]) -> tuple[int, ...]:
            return (*new, *line[len(old) :]) if line[: len(old)] == old else line

        paths: dict[int, tuple[int, ...]] = {}
        for book in self.by_pool.values():
            paths |= {one: path(book.paths[one]) for one in book.quotas if one not in paths}
        return replace(self, by_pool={pool: replace(book, paths=paths) for pool, book in self.by_pool.items()})

    def with_gifts(self, gifts: Iterable[Gift]) -> Books:
        """As they would be with quotas of units that are not made yet, whose ids are below 0 here."""
        quotas: dict[int, dict[int, Own]] = defaultdict(dict)
        paths: dict[int, tuple[int, ...]] = {}
        for number, gift in enumerate(gifts, 1):
            assert gift.unit.parent is not None
            quotas[gift.pool][-number] = (gift.gpu_milli, None, None)
            paths[-number] = (*line_of(gift.unit.parent.path), -number)
        books = {
            pool: replace(book, quotas={**book.quotas, **quotas[pool]}, paths={**book.paths, **paths})
            for pool, book in self.by_pool.items()
        }
        return replace(self, by_pool=books)

    def with_ready(self, ready: Mapping[int, Amounts]) -> Books:
        """As they would be with other nodes; a pool that is not in `ready` has none."""
        books = {pool: replace(book, ready=ready.get(pool, NOTHING)) for pool, book in self.by_pool.items()}
        return replace(self, by_pool=books)

    def excesses(self) -> dict[Key, Excess]:
        return {key: excess for book in self.by_pool.values() for key, excess in book.excesses().items()}


def pools_of(unit: OrgUnit) -> set[int]:
    """Where the unit, or anything below it, has quotas."""
    return set(Quota.objects.filter(below(unit, "unit")).values_list("pool", flat=True))


def ready_in(cluster: int) -> dict[int, Amounts]:
    """Pool -> what its ready nodes have."""
    pools = Pool.objects.filter(cluster=cluster).values_list("pk", flat=True)
    return {pool: machines.ready for pool, machines in hardware(pools).items()}


def _quotas(pools: Collection[int]) -> tuple[dict[int, dict[int, Own]], dict[int, tuple[int, ...]]]:
    quotas: dict[int, dict[int, Own]] = defaultdict(dict)
    paths: dict[int, tuple[int, ...]] = {}
    rows = Quota.objects.filter(pool__in=pools, unit__state=UnitState.ACTIVE)
    for pool, unit, path, *own in rows.values_list("pool", "unit", "unit__path", *Amounts._fields):
        quotas[pool][unit] = (own[0], own[1], own[2])
        if unit not in paths:
            paths[unit] = line_of(path)
    return quotas, paths


def _running(pools: Collection[int]) -> dict[int, dict[int, Amounts]]:
    """Pool -> unit -> what its loop last saw of it that may not be stopped."""
    fields = [f"non_preemptible_{name}" for name in Amounts._fields]
    some = Q()
    for name in fields:
        some |= Q(**{f"{name}__gt": 0})
    found: dict[int, dict[int, Amounts]] = defaultdict(dict)
    rows = UnitUsage.objects.filter(some, pool__in=pools, unit__state=UnitState.ACTIVE)
    for pool, unit, *amounts in rows.values_list("pool", "unit", *fields):
        found[pool][unit] = Amounts(*amounts)
    return found
