"""Fixtures for tests against a real Kubernetes API server; every test in this folder carries the marker `cluster`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scheduling.clusters.kubernetes.gateway import KubernetesGateway
from tests.cluster.build import CONTROL_PLANE, CONTROLLERS, BuildError, ensure_binaries
from tests.cluster.bursar import gateway_for
from tests.cluster.control_plane import ControlPlane
from tests.cluster.kubelet import FakeKubelet
from tests.cluster.shipped import shipped_kubeconfig
from tests.cluster.waiting import eventually

FOLDER = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker(pytest.mark.cluster)
            # Those of a file share a process and so its control plane, which the next file that comes there finds.
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


@contextmanager
def building() -> Iterator[None]:
    """What cannot be built is missing on this machine; in CI nothing may be."""
    try:
        yield
    except BuildError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"No Kubernetes control plane, or controllers: {error}")


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """One control plane for the whole run of a process; tests keep apart by namespaces and node names of their own."""
    with building():
        ensure_binaries(CONTROL_PLANE)
    with ControlPlane() as started:
        yield started


@pytest.fixture(scope="session")
def controllers() -> None:
    """Those of others can be started."""
    with building():
        ensure_binaries(CONTROLLERS)


@pytest.fixture(scope="session")
def kubeconfig(control_plane: ControlPlane) -> str:
    """Of the account that is shipped for Bursar, which has no other rights."""
    return shipped_kubeconfig(control_plane)


@pytest.fixture
def gateway(kubeconfig: str) -> Iterator[KubernetesGateway]:
    made = gateway_for(kubeconfig)
    yield made
    made.close()


@pytest.fixture
def kubelet(control_plane: ControlPlane) -> Iterator[FakeKubelet]:
    """Kubelets for the nodes that this test adds."""
    with FakeKubelet(control_plane.api) as running:
        yield running


@pytest.fixture
def namespace(control_plane: ControlPlane) -> str:
    """A new namespace in which pods can be created."""
    created = control_plane.api.create("/api/v1/namespaces", {"metadata": {"generateName": "test-"}})
    name: str = created["metadata"]["name"]
    eventually(lambda: control_plane.api.items(f"/api/v1/namespaces/{name}/serviceaccounts"))
    return name
