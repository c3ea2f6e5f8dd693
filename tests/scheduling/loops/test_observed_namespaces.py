"""A project whose namespace is lost in the cluster is not ready."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from orgs.models import ProjectInfo
from scheduling.clusters.seen import Seen, SeenNamespace
from scheduling.loops.observed_namespaces import LOST, NamespaceWriter
from tests.factories import make_cluster, make_department, make_project

pytestmark = pytest.mark.django_db
Phase = ProjectInfo.Phase
BEFORE = {"namespaces": 0.0}


@pytest.fixture
def project() -> ProjectInfo:
    made = make_project("vision", department=make_department(parent=make_cluster())).project_info
    ProjectInfo.objects.update(phase=Phase.READY)
    return made


@pytest.fixture
def writer(project: ProjectInfo) -> NamespaceWriter:
    return NamespaceWriter(project.cluster_id)


def there(project: ProjectInfo, uid: str = "1", owner: str = "vision") -> SeenNamespace:
    return SeenNamespace(uid, project.namespace, owner)


def is_ready(project: ProjectInfo) -> bool:
    project.refresh_from_db()
    assert project.phase_message == ("" if project.phase == Phase.READY else LOST)
    return project.phase == Phase.READY


def test_deleted_while_it_is_watched(writer: NamespaceWriter, project: ProjectInfo) -> None:
    writer.write(Seen(namespaces=(there(project),), complete=BEFORE))
    writer.write(Seen())
    assert is_ready(project)
    writer.write(Seen(gone_namespaces=("another",)))
    assert is_ready(project)
    writer.write(Seen(gone_namespaces=("1",)))
    assert not is_ready(project)


def test_deleted_while_nobody_looked(writer: NamespaceWriter, project: ProjectInfo) -> None:
    writer.write(Seen(complete=BEFORE))
    assert not is_ready(project)


def test_given_to_another_project(writer: NamespaceWriter, project: ProjectInfo) -> None:
    writer.write(Seen(namespaces=(there(project, owner="speech"),), complete=BEFORE))
    assert is_ready(project), "a project may have been renamed"
    writer.write(Seen(namespaces=(there(project, owner="vision"),)))
    assert not is_ready(project)


def test_just_made_is_not_missing_in_a_listing_from_before(writer: NamespaceWriter, project: ProjectInfo) -> None:
    asked_at = time.monotonic()
    writer.applied(project.namespace)
    writer.write(Seen(complete={"namespaces": asked_at}))
    assert is_ready(project)
    writer.write(Seen(complete={"namespaces": time.monotonic()}))
    assert not is_ready(project)


def test_of_a_cluster_that_has_no_namespaces_nothing_is_missing(writer: NamespaceWriter, project: ProjectInfo) -> None:
    writer.write(Seen(complete={"nodes": 0.0}))
    assert is_ready(project)


def test_the_level_of_a_namespace_is_followed(writer: NamespaceWriter, project: ProjectInfo) -> None:
    other = make_project("speech", department=project.unit.parent).project_info
    for restricted in (True, False, True):
        writer.write(Seen(namespaces=(replace(there(project), restricted=restricted),), complete=BEFORE))
        project.refresh_from_db()
        assert project.restricted is restricted
    other.refresh_from_db()
    assert not other.restricted


def test_of_another_cluster_nothing_is_said(project: ProjectInfo) -> None:
    restricted = replace(there(project), restricted=True)
    NamespaceWriter(make_cluster("other").pk).write(Seen(namespaces=(restricted,), complete=BEFORE))
    assert is_ready(project)
    assert not project.restricted
