"""What an operator lets happen in a simulated cluster: with a right, told, and refused where it is nonsense."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from orgs.access import Forbidden
from orgs.models import ClusterInfo
from portal.errors import Refused
from portal.models import AuditEvent
from scheduling.models import SimObject
from scheduling.services.simulation import simulated_node_do, simulated_node_label, simulated_pods_do
from tests.factories import actor_of, make_user
from tests.scheduling.loops.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return World()


def node(name: str = "big-01") -> SimObject:
    return SimObject.objects.get(kind=SimObject.Kind.NODE, name=name)


def simulate(world: World, *words: str) -> str:
    out = StringIO()
    call_command("simulate", world.cluster.name, *words, stdout=out)
    return out.getvalue()


def test_only_who_may_change_the_cluster_may_do_it(world: World) -> None:
    viewer = make_user(role="Viewer", scope=world.cluster)
    for call in (
        lambda actor: simulated_node_do(actor=actor, cluster=world.cluster, node="big-01", act="vanish"),
        lambda actor: simulated_node_label(actor=actor, cluster=world.cluster, node="big-01", labels={"a": "b"}),
        lambda actor: simulated_pods_do(actor=actor, cluster=world.cluster, pods="a/b", act="delete"),
    ):
        with pytest.raises(Forbidden):
            call(actor_of(viewer))
    administrator = make_user(role="System administrator", scope=world.cluster.parent)
    simulated_node_do(actor=actor_of(administrator), cluster=world.cluster, node="big-01", act="vanish")
    assert node().deleted
    told = AuditEvent.objects.get(action="vanish")
    assert (told.actor_name, told.entity, told.entity_name, told.unit) == (
        administrator.name, "node", "big-01", world.cluster.pk
    )  # fmt: skip


def test_the_command_does_and_tells(world: World) -> None:
    assert simulate(world, "node", "big-01", "cordon") == "big-01: cordon\n"
    assert node().status == {"schedulable": False}
    simulate(world, "node", "big-01", "class=other", "example.org/rack=r1")
    simulate(world, "node", "big-01", "example.org/rack-")
    assert node().spec["labels"] == {"class": "other"}
    labelled = AuditEvent.objects.filter(action="update").earliest("id")
    assert (labelled.before, labelled.after) == (
        {"class": "gpu", "example.org/rack": None}, {"class": "other", "example.org/rack": "r1"}
    )  # fmt: skip
    assert labelled.actor_name == "Operator (manage.py)"


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (("node", "big-09", "fail"), "There is no node of that name."),
        (("node", "big-01", "return"), "big-01 is there already."),
        (("node", "big-01", "explode"), "explode is neither an act"),
        (("node", "big-01", "a=b c"), "This is no label value."),
        (("pod", "nobody/nothing", "fail"), "There is no such pod."),
    ],
)
def test_what_makes_no_sense_is_one_line_that_says_so(world: World, words: tuple[str, ...], answer: str) -> None:
    before = AuditEvent.objects.count()
    with pytest.raises(CommandError, match=answer):
        simulate(world, *words)
    assert AuditEvent.objects.count() == before


def test_away_twice_is_refused(world: World) -> None:
    for act, again in (("fail", "is away already"), ("vanish", "has vanished already"), ("return", "is there already")):
        simulate(world, "node", "big-01", act)
        with pytest.raises(CommandError, match=again):
            simulate(world, "node", "big-01", act)
    simulate(world, "node", "big-01", "vanish")
    for words in (("cordon",), ("uncordon",), ("a=b",), ("fail",)):
        with pytest.raises(CommandError, match="Let it return first"):
            simulate(world, "node", "big-01", *words)


def test_a_real_cluster_is_left_alone(world: World) -> None:
    ClusterInfo.objects.filter(pk=world.cluster.pk).update(mode=ClusterInfo.Mode.KUBERNETES)
    with pytest.raises(CommandError, match="is not simulated"):
        simulate(world, "node", "big-01", "vanish")
    with pytest.raises(Refused, match="is a department"):
        simulated_node_do(actor=actor_of(), cluster=world.department, node="big-01", act="vanish")
    with pytest.raises(CommandError, match="There is no cluster"):
        call_command("simulate", "nowhere", "node", "big-01", "vanish")
