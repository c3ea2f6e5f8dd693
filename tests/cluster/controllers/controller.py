"""A controller that others build and ship, at work on the control plane with the account and rights it ships with."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import urllib3
import yaml

from tests.cluster.api import Api, ApiError, Object
from tests.cluster.build import CONTROLLERS, ensure_binaries
from tests.cluster.certificates import Authority
from tests.cluster.control_plane import ControlPlane, free_ports
from tests.cluster.shipped import ADMISSION, RBAC
from tests.cluster.waiting import eventually

KINDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
START_SECONDS = 60


class Shipped:
    """Its account, rights, kinds and checks, read from the manifests of its module, and a folder for its process. What
    was made for it goes with the `with` block."""

    def __init__(self, control_plane: ControlPlane, name: str, namespace: str, account: str) -> None:
        self.name, self.namespace, self.account = name, namespace, account
        self._control_plane, self.api = control_plane, control_plane.api
        binaries = ensure_binaries(CONTROLLERS)
        self.binary, self.manifests = binaries / name, binaries / f"{name}-manifests"
        self.webhook_port, self.health_port = free_ports(2)
        self.ready = f"http://127.0.0.1:{self.health_port}/readyz"
        self._made: list[str] = []

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix=f"bursar-{self.name}-"))
        return self

    def __exit__(self, *problem: object) -> None:
        # The last first: a check that nobody answers would stop the rest.
        for path in reversed(self._made):
            with suppress(ApiError):
                self.api.delete(path)
        shutil.rmtree(self.folder)

    def give_account(self, role: str) -> Path:
        """A kubeconfig of its service account, which holds the first ClusterRole in the file `role`."""
        with suppress(ApiError):
            self.api.create("/api/v1/namespaces", {"metadata": {"name": self.namespace}})
        rules = next(each["rules"] for each in self._read(role) if each["kind"] == "ClusterRole")
        accounts = f"/api/v1/namespaces/{self.namespace}/serviceaccounts"
        self._made += [f"{kinds}/{self.account}" for kinds in (accounts, f"{RBAC}/clusterroles")]
        self._made.append(f"{RBAC}/clusterrolebindings/{self.account}")
        made = self._control_plane.service_account_kubeconfig(self.account, rules, self.namespace)
        config = self.folder / "kubeconfig"
        config.write_text(made)
        return config

    def make_kind(self, file: str) -> None:
        (kind,) = self._read(file)
        forget_kind(self.api, kind["metadata"]["name"])
        self.make(KINDS, kind)

        def is_served() -> bool:
            status = self.api.get(f"{KINDS}/{kind['metadata']['name']}").get("status", {})
            conditions = {each["type"]: each["status"] for each in status.get("conditions") or []}
            return conditions.get("Established") == "True"

        eventually(is_served)

    def make_certificates(self) -> tuple[Path, str]:
        """Where its webhooks find key and certificate, and the bundle by which the API server knows them."""
        authority, folder = Authority(self.name), self.folder / "k8s-webhook-server/serving-certs"
        pair = authority.server(["localhost"], ["127.0.0.1"])
        folder.mkdir(parents=True)
        (folder / "tls.crt").write_bytes(pair.certificate)
        (folder / "tls.key").write_bytes(pair.key)
        return folder, base64.b64encode(authority.certificate).decode()

    def make_checks(self, file: str, bundle: str, label: str) -> None:
        """Its webhooks, at the address at which it runs here; those of pods for pods with this label."""
        for configuration in self._read(file):
            kind = configuration["kind"]
            configuration["metadata"]["name"] = f"{self.name}-{kind.lower()}"
            for webhook in configuration["webhooks"]:
                path = webhook["clientConfig"]["service"]["path"]
                webhook["clientConfig"] = {
                    "url": f"https://127.0.0.1:{self.webhook_port}{path}",
                    "caBundle": bundle,
                }
                if any("pods" in rule["resources"] for rule in webhook["rules"]):
                    webhook["objectSelector"] = {"matchExpressions": [{"key": label, "operator": "Exists"}]}
            self.make(f"{ADMISSION}/{kind.lower()}s", configuration)

    @contextmanager
    def running(self, *flags: str) -> Iterator[None]:
        """Its process, once it says that it is ready."""
        environment = os.environ | {"TMPDIR": str(self.folder)}
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [self.binary, *flags],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

        def is_ready() -> bool:
            assert process.poll() is None, f"{self.name} has ended: {self._end_of_log()}"
            with suppress(urllib3.exceptions.HTTPError):
                return urllib3.request("GET", self.ready, retries=False, timeout=2).status == 200
            return False

        try:
            eventually(is_ready, START_SECONDS)
            yield
        finally:
            process.kill()
            process.wait()

    def make(self, path: str, body: Object) -> None:
        self.api.create(path, body)
        self._made.append(f"{path}/{body['metadata']['name']}")

    def _read(self, file: str) -> list[Object]:
        return [document for document in yaml.safe_load_all((self.manifests / file).read_text()) if document]

    def _end_of_log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-3000:]


@contextmanager
def with_webhooks(shipped: Shipped, *, kind: str, config_version: str, label: str) -> Iterator[None]:
    """JobSet, and what is built as it is, at work. `kind`: the file of its manifest; `label`: what its pods have: of
    no others its webhooks are asked."""
    with shipped:
        shipped.make_kind(kind)
        kubeconfig = shipped.give_account("rbac/role.yaml")
        certificates, bundle = shipped.make_certificates()
        written = {
            "apiVersion": config_version,
            "kind": "Configuration",
            "leaderElection": {"leaderElect": False},
            "internalCertManagement": {"enable": False},
            "health": {"healthProbeBindAddress": f"127.0.0.1:{shipped.health_port}"},
            "metrics": {"bindAddress": "0"},
            "webhook": {"host": "127.0.0.1", "port": shipped.webhook_port, "certDir": str(certificates)},
        }
        file = shipped.folder / "config.yaml"
        file.write_text(yaml.safe_dump(written))
        with shipped.running(f"--kubeconfig={kubeconfig}", f"--config={file}"):
            shipped.make_checks("webhook/manifests.yaml", bundle, label)
            yield


def forget_kind(api: Api, name: str) -> None:
    """The server knows the kind no more, whoever made it known."""
    with suppress(ApiError):
        api.delete(f"{KINDS}/{name}")

    def is_gone() -> bool:
        try:
            api.get(f"{KINDS}/{name}")
        except ApiError as error:
            return error.status == 404
        return False

    eventually(is_gone)
