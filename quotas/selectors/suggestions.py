"""Pools that the labels of the nodes suggest: by hardware, by where the nodes stand, and nodes without GPUs apart."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from orgs.models import OrgUnit
from quotas.models import Node, Pool

_HARDWARE = re.compile(r"(gpu|accelerator)", re.IGNORECASE)
_KIND = re.compile(r"(product|product-name|type|class|model|family|name|accelerator)", re.IGNORECASE)
_PLACE = re.compile(r"(region|zone|site|datacenter|building|hall|room|row|block|rack)", re.IGNORECASE)
_OWN_NAME = "kubernetes.io/hostname"
MOST_POOLS = 20
"""A label with more values than that suggests none: so many schedulers would cut the hardware into crumbs."""
LONGEST_NAME = 63
ALL, CPU = "all", "cpu"


@dataclass(frozen=True, slots=True)
class Proposed:
    """A pool that a suggestion makes."""

    name: str
    value: str
    nodes: int
    gpus: int


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Pools by the values of one label, out of the default pool."""

    cluster: OrgUnit
    title: str
    key: str
    pools: tuple[Proposed, ...]
    of_cpu: bool = False

    @property
    def nodes(self) -> int:
        return sum(pool.nodes for pool in self.pools)

    @property
    def gpus(self) -> int:
        return sum(pool.gpus for pool in self.pools)

    @property
    def what(self) -> str:
        """Tells it from another one by the same label."""
        return CPU if self.of_cpu else ALL


Rows = list[tuple[int, Mapping[str, str]]]
"""GPUs and labels of nodes."""


@dataclass(slots=True)
class _Labels:
    """Of the nodes of a cluster."""

    cluster: OrgUnit
    names: set[str] = field(default_factory=set)
    """Of its pools."""
    free: Rows = field(default_factory=list)
    """The nodes in the default pool."""
    taken: set[tuple[str, str]] = field(default_factory=set)
    """Labels of nodes in other pools, and of those pools."""


def suggestions(clusters: Sequence[OrgUnit]) -> list[Suggestion]:
    """What the labels of the nodes in the default pools offer: by hardware, without GPUs, by place. Two queries.

    Only labels whose nodes all lie in the default pool: what is suggested is never refused as an overlap.
    """
    known = {cluster.pk: _Labels(cluster) for cluster in clusters}
    of_pool: dict[int, _Labels] = {}
    default = set()
    for pool in Pool.objects.filter(cluster__in=known):
        of_pool[pool.pk] = labels = known[pool.cluster_id]
        labels.names.add(pool.name)
        if pool.is_default:
            default.add(pool.pk)
        else:
            labels.taken.add((pool.label_key, pool.label_value))
    rows = Node.objects.filter(cluster__in=known, removed_at=None).order_by("name")
    for lies_in, gpus, found in rows.values_list("pool_id", "gpu_count", "labels"):
        if lies_in in default:
            of_pool[lies_in].free.append((gpus, found))
        else:
            of_pool[lies_in].taken.update(found.items())
    return [suggestion for labels in known.values() for suggestion in _of(labels)]


def _of(labels: _Labels) -> Iterator[Suggestion]:
    hardware, places = _keys(labels, _is_hardware), _keys(labels, _is_place)
    found = [_by_key(f"By {_last(key)} of GPU", key, labels) for key in hardware]
    found.append(_of_cpu(labels))
    found += [_by_key(f"By {_last(key)}", key, labels) for key in places]
    yield from filter(None, found)


def _last(key: str) -> str:
    """The word at the end of a label key."""
    return re.split(r"[/._]", key)[-1].lower()


def _is_hardware(key: str) -> bool:
    return bool(_HARDWARE.search(key) and _KIND.fullmatch(_last(key)))


def _is_place(key: str) -> bool:
    return bool(_PLACE.fullmatch(_last(key)))


def _keys(labels: _Labels, wanted: Callable[[str], bool]) -> list[str]:
    return sorted(filter(wanted, {key for _, found in labels.free for key in found}))


def _by_key(title: str, key: str, labels: _Labels) -> Suggestion | None:
    """A pool for each value of the label; by hardware only for those with GPUs."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for gpus, found in labels.free:
        if key in found and (key, found[key]) not in labels.taken:
            counts[found[key]][0] += 1
            counts[found[key]][1] += gpus
    chosen = {value: count for value, count in counts.items() if count[1] or not _is_hardware(key)}
    if not chosen or len(chosen) > MOST_POOLS:
        return None
    return Suggestion(labels.cluster, title, key, tuple(_named(key, chosen, labels.names)))


def _of_cpu(labels: _Labels) -> Suggestion | None:
    """The label that most nodes without GPUs have and no other node has; where there are both kinds of nodes."""
    plain = [found for gpus, found in labels.free if not gpus]
    if len(plain) == len(labels.free) and not labels.taken:
        return None
    others = {item for gpus, found in labels.free if gpus for item in found.items()} | labels.taken
    own = (item for found in plain for item in found.items() if item[0] != _OWN_NAME)
    counts = Counter(item for item in own if item not in others)
    if not counts:
        return None
    (key, value), nodes = min(counts.items(), key=lambda found: (-found[1], not _HARDWARE.search(found[0][0]), found))
    if nodes == 1 < len(plain):
        return None  # its own name, or the like
    pools = _named(key, {value: (nodes, 0)}, labels.names, "cpu")
    return Suggestion(labels.cluster, "Nodes without GPUs", key, tuple(pools), of_cpu=True)


def _named(key: str, counts: Mapping[str, Sequence[int]], names: Collection[str], name: str = "") -> Iterator[Proposed]:
    """With names that are free, made from the values; the largest pool first."""
    used = set(names)
    for value, (nodes, gpus) in sorted(counts.items(), key=lambda item: (-max(item[1]), item[0])):
        free = _free_name(name or _name(key, value), used)
        used.add(free)
        yield Proposed(free, value, nodes, gpus)


def _name(key: str, value: str) -> str:
    """A legal name of a pool that tells of the label."""
    level = _last(key)
    text = re.sub(r"[^a-z0-9]+", "-", value.lower()).strip("-").removeprefix("nvidia-") or level
    if _is_place(key) and not text.startswith(level):
        text = f"{level}-{text}"
    return text[:LONGEST_NAME].strip("-")


def _free_name(name: str, used: Collection[str]) -> str:
    if name not in used:
        return name
    number = 2
    while f"{name[: LONGEST_NAME - 4]}-{number}" in used:
        number += 1
    return f"{name[: LONGEST_NAME - 4]}-{number}"
