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
    """Its account, rights, kinds and checks, read from the manifests of its module, and a folder for its process."""

    def __init__(self, control_plane: ControlPlane, name: str, namespace: str, account: str) -> None:
        self.name, self.namespace, self.account = name, namespace, account
        self._control_plane, self.api = control_plane, control_plane.api
        binaries = ensure_binaries(CONTROLLERS)
        self.binary, self.manifests = binaries / name, binaries / f"{name}-manifests"
        self.folder = Path(tempfile.mkdtemp(prefix=f"bursar-{name}-"))
        self.webhook_port, self.health_port = free_ports(2)
        self.ready = f"http://127.0.0.1:{self.health_port}/readyz"
        self._made: list[str] = []

    def give_account(self, role: str) -> Path:
        """A kubeconfig of its service account, which holds the first ClusterRole in the file `role`."""
        with suppress(ApiError):
            self.api.create("/api/v1/namespaces", {"metadata": {"name": self.namespace}})
        accounts = f"/api/v1/namespaces/{self.namespace}/serviceaccounts"
        self.make(accounts, {"metadata": {"name": self.account}})
        rules = next(each["rules"] for each in self._read(role) if each["kind"] == "ClusterRole")
        self.make(f"{RBAC}/clusterroles", {"metadata": {"name": self.account}, "rules": rules})
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": self.account}
        who = {"kind": "ServiceAccount", "namespace": self.namespace, "name": self.account}
        binding = {"metadata": {"name": self.account}, "roleRef": reference, "subjects": [who]}
        self.make(f"{RBAC}/clusterrolebindings", binding)
        answer = self.api.create(f"{accounts}/{self.account}/token", {"spec": {"expirationSeconds": 24 * 3600}})
        config = self.folder / "kubeconfig"
        config.write_text(self._control_plane.token_kubeconfig(answer["status"]["token"]))
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

    def make_checks(self, file: str, bundle: str, selectors: dict[str, Object]) -> None:
        """Its webhooks, at the address at which it runs here. `selectors`: of objects, by name of the webhook."""
        for configuration in self._read(file):
            kind = configuration["kind"]
            configuration["metadata"]["name"] = f"{self.name}-{kind.lower()}"
            for webhook in configuration["webhooks"]:
                path = webhook["clientConfig"]["service"]["path"]
                webhook["clientConfig"] = {
                    "url": f"https://127.0.0.1:{self.webhook_port}{path}",
                    "caBundle": bundle,
                }
                if webhook["name"] in selectors:
                    webhook["objectSelector"] = selectors[webhook["name"]]
            self.make(f"{ADMISSION}/{kind.lower()}s", configuration)

    def write_config(self, version: str, certificates: Path) -> Path:
        """As JobSet and what was made after it are configured."""
        config = {
            "apiVersion": version,
            "kind": "Configuration",
            "leaderElection": {"leaderElect": False},
            "internalCertManagement": {"enable": False},
            "health": {"healthProbeBindAddress": f"127.0.0.1:{self.health_port}"},
            "metrics": {"bindAddress": "0"},
            "webhook": {"host": "127.0.0.1", "port": self.webhook_port, "certDir": str(certificates)},
        }
        (self.folder / "config.yaml").write_text(yaml.safe_dump(config))
        return self.folder / "config.yaml"

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

    def remove(self) -> None:
        """Everything that was made for it, the last first: a check that nobody answers would stop the rest."""
        for path in reversed(self._made):
            with suppress(ApiError):
                self.api.delete(path)
        shutil.rmtree(self.folder)

    def _read(self, file: str) -> list[Object]:
        return [document for document in yaml.safe_load_all((self.manifests / file).read_text()) if document]

    def make(self, path: str, body: Object) -> None:
        self.api.create(path, body)
        self._made.append(f"{path}/{body['metadata']['name']}")

    def _end_of_log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-3000:]


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
