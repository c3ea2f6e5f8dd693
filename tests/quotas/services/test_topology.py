"""Topologies: who may make, change and delete them, and what keeps one from going."""

from __future__ import annotations

import pytest

from orgs.access import Forbidden
from orgs.models import OrgUnit
from portal.errors import Refused
from portal.models import AuditEvent
from quotas.models import Topology
from quotas.services.topology import topology_create, topology_delete, topology_update
from tests.factories import (
    DEPARTMENT_ADMIN,
    actor_of,
    make_cluster,
    make_department,
    make_pool,
    make_project,
    make_topology,
    make_user,
    make_workload,
)

pytestmark = pytest.mark.django_db
HALL, RACK = "example.org/hall", "example.org/rack"


@pytest.fixture
def north() -> OrgUnit:
    return make_cluster("north")


def test_making_one(north: OrgUnit) -> None:
    made = topology_create(actor=actor_of(), cluster=north, name="racks", levels=[HALL, RACK])
    assert Topology.objects.get().levels == [HALL, RACK]
    event = AuditEvent.objects.get(entity="topology")
    assert (event.action, event.entity_id, event.unit) == ("create", made.pk, north.pk)
    assert event.after == {"levels": [HALL, RACK]}
    with pytest.raises(Refused, match="already has a topology called racks"):
        topology_create(actor=actor_of(), cluster=north, name="racks", levels=[RACK])
    assert topology_create(actor=actor_of(), cluster=make_cluster(), name="racks", levels=[RACK])


def test_changing_its_levels(north: OrgUnit) -> None:
    racks = make_topology("racks", north, [RACK])
    topology_update(actor=actor_of(), topology=racks, levels=[HALL, RACK], expected_version=1)
    racks.refresh_from_db()
    assert (racks.levels, racks.version) == ([HALL, RACK], 2)
    assert AuditEvent.objects.get(entity="topology").before == {"levels": [RACK]}
    with pytest.raises(Refused, match="Somebody changed this topology meanwhile"):
        topology_update(actor=actor_of(), topology=racks, levels=[RACK], expected_version=1)
    topology_update(actor=actor_of(), topology=racks, levels=[HALL, RACK], expected_version=2)
    assert AuditEvent.objects.filter(entity="topology").count() == 1, "nothing changed"


def test_a_level_that_a_workload_asks_for_stays(north: OrgUnit) -> None:
    racks = make_topology("racks", north, [HALL, RACK])
    project = make_project(department=make_department(parent=north))
    workload = make_workload(project=project, near_topology=racks, near_required=HALL, near_preferred=RACK)
    with pytest.raises(Refused) as refusal:
        topology_update(actor=actor_of(), topology=racks, levels=[HALL])
    assert refusal.value.message_dict["levels"][0].startswith("1 workload asks for a level that would go.")
    with pytest.raises(Refused, match="1 workload asks for one of its levels"):
        topology_delete(actor=actor_of(), topology=racks)
    workload.near_preferred = ""
    workload.save()
    topology_update(actor=actor_of(), topology=racks, levels=[HALL])
    workload.delete()
    topology_delete(actor=actor_of(), topology=racks)
    assert not Topology.objects.exists()


def test_a_pool_keeps_its_topology(north: OrgUnit) -> None:
    racks = make_topology("racks", north)
    pool = make_pool("gpu", north, topology=racks)
    with pytest.raises(Refused, match=r"gpu has this topology\. Take it off that pool first"):
        topology_delete(actor=actor_of(), topology=racks)
    pool.topology = None
    pool.save()
    topology_delete(actor=actor_of(), topology=racks)
    assert AuditEvent.objects.get(entity="topology").action == "delete"
    with pytest.raises(Refused, match="deleted meanwhile"):
        topology_update(actor=actor_of(), topology=racks, levels=[RACK])


def test_it_takes_the_right_to_the_clusters_pools(north: OrgUnit) -> None:
    head = actor_of(make_user(role=DEPARTMENT_ADMIN, scope=make_department(parent=north)))
    racks = make_topology("racks", north)
    with pytest.raises(Forbidden):
        topology_create(actor=head, cluster=north, name="halls", levels=[HALL])
    with pytest.raises(Forbidden):
        topology_update(actor=head, topology=racks, levels=[HALL])
    with pytest.raises(Forbidden):
        topology_delete(actor=head, topology=racks)
