"""The guard's arithmetic against a slow and obvious one, and: whatever is accepted, no excess ever grows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from quotas.guard import UNSET, Amounts, Book, Excess, Key, Level, Own, increased, tally, together
from tests.examples import examples

CLUSTER, DEFAULT = 1, 2


@dataclass(frozen=True)
class World:
    """Two pools of a cluster: parents by unit, quotas by (unit, pool), ready hardware and what runs."""

    parents: dict[int, int]
    quotas: dict[tuple[int, int], Own]
    ready: dict[int, Amounts]
    running: dict[tuple[int, int], Amounts] = field(default_factory=dict)

    def path(self, unit: int) -> tuple[int, ...]:
        return (CLUSTER,) if unit == CLUSTER else (*self.path(self.parents[unit]), unit)

    def books(self) -> Iterable[Book]:
        for pool, ready in self.ready.items():
            quotas = {unit: own for (unit, where), own in self.quotas.items() if where == pool}
            running = {unit: amounts for (unit, where), amounts in self.running.items() if where == pool}
            paths = {unit: self.path(unit) for unit in quotas}
            yield Book(pool, CLUSTER, quotas, paths, {DEFAULT}, ready, running)

    def excesses(self) -> dict[Key, Excess]:
        found: dict[Key, Excess] = {}
        for book in self.books():
            found |= book.excesses()
        return found | together(CLUSTER, found)


# --- the slow and obvious way: by recursion from the top, a resource and a pool at a time


def counts(world: World, unit: int, pool: int, resource: int) -> int:
    """What the unit counts as further up."""
    own = world.quotas.get((unit, pool), UNSET)[resource]
    if unit in (CLUSTER, DEFAULT) or own is None:
        return below(world, unit, pool, resource)
    return own


def below(world: World, unit: int, pool: int, resource: int) -> int:
    return sum(counts(world, one, pool, resource) for one, parent in world.parents.items() if parent == unit)


def oracle(world: World) -> dict[Key, Excess]:
    found = {}
    for pool, ready in world.ready.items():
        for resource in range(3):
            compared: list[tuple[int, Level, int, int | None]] = [
                (CLUSTER, Level.HARDWARE, below(world, CLUSTER, pool, resource), ready[resource])
            ]
            for unit in world.parents:
                own = world.quotas.get((unit, pool), UNSET)[resource]
                if unit != DEFAULT:
                    compared.append((unit, Level.CHILDREN, below(world, unit, pool, resource), own))
                    runs = world.running.get((unit, pool), Amounts())[resource]
                    compared.append((unit, Level.RUNNING, runs, own))
            for unit, level, total, ceiling in compared:
                if ceiling is not None and total > ceiling:
                    found[Key(unit, pool, resource, level)] = Excess(total, ceiling)
    for resource in range(3):
        over = [found.get(Key(CLUSTER, pool, resource, Level.HARDWARE)) for pool in world.ready]
        if all(over):
            total = sum(one.sum for one in over if one)
            ready_there = sum(amounts[resource] for amounts in world.ready.values())
            found[Key(CLUSTER, None, resource, Level.HARDWARE)] = Excess(total, ready_there)
    return found


# --- made-up organizations and changes

POOLS = (91, 92)
UNITS = range(DEFAULT, 9)
amounts = st.integers(0, 5)
owns = st.tuples(amounts, st.none() | amounts, st.none() | amounts)
hardware = st.builds(Amounts, st.integers(0, 15), st.integers(0, 15), st.integers(0, 15))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    parents = {DEFAULT: CLUSTER}
    for unit in UNITS[1:]:
        parents[unit] = draw(st.sampled_from([CLUSTER, *range(DEFAULT, unit)]))
    cells = [(unit, pool) for unit in UNITS[1:] for pool in POOLS]
    quotas = draw(st.dictionaries(st.sampled_from(cells), owns, max_size=10))
    running = draw(st.dictionaries(st.sampled_from(cells), st.builds(Amounts, amounts, amounts, amounts), max_size=3))
    return World(parents, quotas, {pool: draw(hardware) for pool in POOLS}, running)


@st.composite
def changes(draw: st.DrawFn, world: World) -> World:
    """A quota set or cleared, several at once, a unit moved, nodes going from one pool to the other."""
    kind = draw(st.sampled_from(["quota", "clear", "many", "move", "nodes"]))
    cell = (draw(st.sampled_from(UNITS[1:])), draw(st.sampled_from(POOLS)))
    if kind == "quota":
        return replace(world, quotas=world.quotas | {cell: draw(owns)})
    if kind == "clear":
        return replace(world, quotas={key: own for key, own in world.quotas.items() if key != cell})
    if kind == "many":
        other = (draw(st.sampled_from(UNITS[1:])), cell[1])
        return replace(world, quotas=world.quotas | {cell: draw(owns), other: draw(owns)})
    if kind == "move":
        inside = {unit for unit in UNITS if cell[0] in world.path(unit)}
        target = draw(st.sampled_from([CLUSTER, *(unit for unit in UNITS if unit not in inside)]))
        return replace(world, parents=world.parents | {cell[0]: target})
    one, two = (world.ready[pool] for pool in POOLS)
    gone = Amounts(*(min(draw(amounts), have) for have in one))
    left = Amounts(*(have - less for have, less in zip(one, gone, strict=True)))
    return replace(world, ready={POOLS[0]: left, POOLS[1]: two.plus(gone)})


@examples(150)
@given(worlds())
def test_it_agrees_with_the_obvious_way(world: World) -> None:
    assert world.excesses() == oracle(world)
    for book in world.books():
        added = book.tally()
        for unit in added.counts:
            expected = Amounts(*(counts(world, unit, book.pool, resource) for resource in range(3)))
            assert added.counts[unit] == expected
            for resource in range(3):
                below_it = sum(book.parts(unit, resource).values())
                assert below_it == added.given.get(unit, Amounts())[resource]


@examples(80)
@given(worlds(), st.data())
def test_no_sequence_of_accepted_changes_makes_any_excess_larger(world: World, data: st.DataObject) -> None:
    first = {key: excess.over for key, excess in oracle(world).items()}
    for _ in range(8):
        changed = data.draw(changes(world))
        worse = increased(world.excesses(), changed.excesses())
        assert worse == {
            key: excess
            for key, excess in oracle(changed).items()
            if excess.over > (oracle(world)[key].over if key in oracle(world) else 0)
        }
        if not worse:
            world = changed
        for key, excess in oracle(world).items():
            assert key in first
            assert excess.over <= first[key]
        first = {key: excess.over for key, excess in oracle(world).items()}


# --- by hand


def _book(quotas: dict[int, Own], paths: dict[int, tuple[int, ...]], ready: int = 16, **fields: object) -> Book:
    return Book(91, CLUSTER, quotas, paths, {DEFAULT}, Amounts(ready), **fields)  # type: ignore[arg-type]


def test_a_department_against_its_projects_and_all_against_the_hardware() -> None:
    book = _book(
        {3: (8, None, None), 4: (6, None, None), 5: (4, None, None)}, {3: (1, 3), 4: (1, 3, 4), 5: (1, 3, 5)}, 6
    )
    assert book.excesses() == {
        Key(3, 91, 0, Level.CHILDREN): Excess(10, 8),
        Key(1, 91, 0, Level.HARDWARE): Excess(8, 6),
    }


def test_what_is_not_set_is_counted_against_the_next_ceiling() -> None:
    """A department without CPU quota has no ceiling; without GPU quota it has nothing to give."""
    quotas: dict[int, Own] = {3: (0, 10, None), 4: (0, None, None), 5: (2, 12, 7)}
    paths = {3: (1, 3), 4: (1, 3, 4), 5: (1, 3, 4, 5)}
    assert _book(quotas, paths).excesses() == {
        Key(4, 91, 0, Level.CHILDREN): Excess(2, 0),
        Key(3, 91, 1, Level.CHILDREN): Excess(12, 10),
        Key(1, 91, 1, Level.HARDWARE): Excess(10, 0),
        Key(1, 91, 2, Level.HARDWARE): Excess(7, 0),
    }


def test_the_default_department_is_the_sum_of_its_projects() -> None:
    added = tally({4: (3, None, None), 5: (4, None, None)}, {4: (1, 2, 4), 5: (1, 2, 5)}, {DEFAULT})
    assert (added.counts[DEFAULT], added.counts[CLUSTER]) == (Amounts(7), Amounts(7))
    assert _book({4: (3, None, None)}, {4: (1, 2, 4)}).excesses() == {}


def test_a_quota_below_what_runs_non_preemptibly() -> None:
    book = _book({3: (4, None, None)}, {3: (1, 3)}, running={3: Amounts(6, 9), 1: Amounts(99), 2: Amounts(99)})
    assert book.excesses() == {Key(3, 91, 0, Level.RUNNING): Excess(6, 4)}


def test_the_cluster_over_its_pools_needs_several_that_are_over() -> None:
    one = {Key(1, 91, 0, Level.HARDWARE): Excess(10, 8)}
    two = {Key(1, 92, 0, Level.HARDWARE): Excess(6, 5)}
    assert together(1, one) == {}
    assert together(1, one | two) == {Key(1, None, 0, Level.HARDWARE): Excess(16, 13)}
