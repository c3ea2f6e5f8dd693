"""Whatever is created, renamed, moved and deleted in whatever order: the tree equals a dictionary, paths included."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from orgs.models import OrgUnit, ProjectInfo, UnitKind, UnitState
from orgs.services.department import department_create
from orgs.services.move import unit_move
from orgs.services.project import project_create
from orgs.services.unit import unit_delete, unit_rename, units_remove
from portal.errors import Refused
from tests.factories import actor_of, make_cluster

pytestmark = pytest.mark.django_db

WHAT = ["department", "project", "rename", "move", "delete", "remove"]
NAMES = st.sampled_from(["a", "b", "c", "default"])
STEPS = st.lists(
    st.tuples(st.sampled_from(WHAT), st.integers(0, 30), NAMES, st.integers(0, 30)),
    max_size=25,
)


@dataclass
class Known:
    """A unit as it ought to be."""

    pk: int
    parent: int | None
    kind: UnitKind
    name: str
    gone: bool = False
    namespace: str = ""


@dataclass
class Model:
    units: dict[int, Known] = field(default_factory=dict)

    def add(self, unit: OrgUnit) -> None:
        self.units[unit.pk] = Known(
            unit.pk, unit.parent_id, UnitKind(unit.kind), unit.name, namespace=namespace_of(unit.pk)
        )

    def path(self, pk: int) -> str:
        parent = self.units[pk].parent
        return f"{self.path(parent) if parent else '/'}{pk}/"

    def below(self, pk: int) -> list[int]:
        return [other for other in self.units if self.path(other).startswith(self.path(pk))]


def namespace_of(pk: int) -> str:
    return ProjectInfo.objects.filter(unit=pk).values_list("namespace", flat=True).first() or ""


def step(model: Model, what: str, target: OrgUnit, name: str, other: int) -> None:
    if what == "department":
        model.add(department_create(actor=actor_of(), parent=target, name=name))
    elif what == "project":
        model.add(project_create(actor=actor_of(), parent=target, name=name))
    elif what == "rename":
        unit_rename(actor=actor_of(), unit=target, name=name)
        model.units[target.pk].name = name
    elif what == "move":
        pks = sorted(model.units)
        parent = OrgUnit.objects.get(pk=pks[other % len(pks)])
        unit_move(actor=actor_of(), unit=target, parent=parent)
        model.units[target.pk].parent = parent.pk
    elif what == "delete" and target.kind != UnitKind.CLUSTER:
        unit_delete(actor=actor_of(), unit=target)
        for pk in model.below(target.pk):
            model.units[pk].gone = True
    elif what == "remove":
        units_remove()
        model.units = {pk: unit for pk, unit in model.units.items() if not unit.gone}


def compare(model: Model) -> None:
    rows = {unit.pk: unit for unit in OrgUnit.objects.all()}
    assert rows.keys() == model.units.keys()
    for pk, known in model.units.items():
        row = rows[pk]
        assert row.path == model.path(pk)
        assert (row.parent_id, row.kind, row.name) == (known.parent, known.kind, known.name)
        assert (row.state == UnitState.DELETING) == known.gone
        assert namespace_of(pk) == known.namespace


@given(steps=STEPS)
def test_any_sequence(steps: list[tuple[str, int, str, int]]) -> None:
    with transaction.atomic():
        model = Model()
        cluster = make_cluster()
        for unit in (cluster.parent, cluster, *cluster.children.all()):
            assert unit is not None
            model.add(unit)
        for what, number, name, other in steps:
            pks = sorted(pk for pk in model.units if model.units[pk].parent)
            target = OrgUnit.objects.get(pk=pks[number % len(pks)])
            with suppress(Refused):  # what is refused may have changed nothing: compared below
                step(model, what, target, name, other)
        compare(model)
        transaction.set_rollback(True)
