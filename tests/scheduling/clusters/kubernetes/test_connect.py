"""What a kubeconfig that a person gives becomes."""

from pathlib import Path

import pytest
from django.test import override_settings
from pytest_django.fixtures import Settings

from portal.errors import Refused
from scheduling.clusters.kubernetes import connect, vet_kubeconfig
from tests.cluster.certificates import Authority

from .test_kubeconfig import config


def test_harmless_kubeconfig_becomes_address_and_credentials_that_connect() -> None:
    access = vet_kubeconfig(config())
    assert access.address == "https://192.0.2.10:6443"
    connect(access.credentials).close()


def test_refusal_belongs_to_the_form_field_and_names_the_place_in_it() -> None:
    with pytest.raises(Refused) as caught:
        vet_kubeconfig(config(user={"exec": {"command": "sh"}}))
    assert list(caught.value.message_dict) == ["kubeconfig"]
    assert "user.exec" in caught.value.message_dict["kubeconfig"][0]


def test_setting_admits_clusters_on_this_host() -> None:
    local = config(cluster={"server": "https://127.0.0.1:6443"})
    with override_settings(ALLOW_LOCAL_CLUSTERS=False), pytest.raises(Refused, match=r"cluster\.server"):
        vet_kubeconfig(local)
    with override_settings(ALLOW_LOCAL_CLUSTERS=True):
        assert vet_kubeconfig(local).address == "https://127.0.0.1:6443"


def test_credentials_that_cannot_be_read_are_a_value_error() -> None:
    with pytest.raises(ValueError, match="server"):
        connect("{}")


def test_in_the_cluster_that_bursar_runs_in_the_pod_has_what_it_takes(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SERVICE_ACCOUNT_FOLDER = str(tmp_path)
    with pytest.raises(Refused, match="does not run in a cluster"):
        vet_kubeconfig("in-cluster")
    (tmp_path / "token").write_text("s3cret")
    (tmp_path / "ca.crt").write_bytes(Authority("cluster").certificate)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "6443")
    access = vet_kubeconfig(" in-cluster\n")
    assert access.address == "https://[fd00::1]:6443"
    # The token is renewed: what is kept says where it stands.
    assert "s3cret" not in access.credentials
    connect(access.credentials).close()
