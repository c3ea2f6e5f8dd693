"""A real Kubernetes control plane without nodes: etcd, API server and controllers on this machine's loopback."""

import base64
import contextlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import urllib3
import yaml

from tests.cluster.api import Api, ApiError, Object
from tests.cluster.build import CONTROL_PLANE, ensure_binaries
from tests.cluster.certificates import Authority, KeyPair, service_account_keys

SERVICE_ADDRESSES = "10.96.0.0/16"
FIRST_SERVICE_ADDRESS = "10.96.0.1"
START_SECONDS = 60
ETCD, API_SERVER, CONTROLLER_MANAGER = "etcd", "kube-apiserver", "kube-controller-manager"


class ControlPlane:
    """Starts on entering the `with` block and leaves nothing behind.

    `api_server_flags` are added to the API server's own, for example to make it refuse more than a few requests.
    """

    def __init__(self, api_server_flags: Sequence[str] = ()) -> None:
        self._api_server_flags = api_server_flags
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._etcd_port, self._etcd_peer_port, self._api_port, self._manager_port = free_ports(4)
        self.address = f"https://127.0.0.1:{self._api_port}"
        self.etcd_address = f"http://127.0.0.1:{self._etcd_port}"

    def __enter__(self) -> Self:
        self._binaries = ensure_binaries(CONTROL_PLANE)
        self.folder = Path(tempfile.mkdtemp(prefix="bursar-cluster-"))
        try:
            self._write_keys()
            self.api = Api(self.address, *(self.folder / name for name in ("ca.crt", "admin.crt", "admin.key")))
            self.start_etcd()
            self.start_api_server()
            self.start_controller_manager()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop()

    def start_api_server(self) -> None:
        """Start the API server, for the first time or on the data it had, and wait until it is ready."""
        self._start(
            API_SERVER,
            f"--etcd-servers=http://127.0.0.1:{self._etcd_port}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={self._api_port}",
            f"--cert-dir={self.folder}",
            f"--tls-cert-file={self.folder}/server.crt",
            f"--tls-private-key-file={self.folder}/server.key",
            f"--client-ca-file={self.folder}/ca.crt",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={self.folder}/service-accounts.pub",
            f"--service-account-signing-key-file={self.folder}/service-accounts.key",
            f"--service-cluster-ip-range={SERVICE_ADDRESSES}",
            "--authorization-mode=RBAC",
            "--endpoint-reconciler-type=none",
            *self._api_server_flags,
        )
        self._wait_for(API_SERVER, lambda: self.api.text("/readyz") == "ok")

    def stop_api_server(self) -> None:
        """Kill the API server as a crash would; `start_api_server` brings it back at the same address."""
        self.kill(API_SERVER)

    def send(self, name: str, number: signal.Signals) -> None:
        self._processes[name].send_signal(number)

    def kill(self, name: str) -> None:
        process = self._processes.pop(name)
        # A polite stop would wait for every open watch.
        process.kill()
        process.wait()

    def start_scheduler(self) -> int:
        """Start kube-scheduler, held back by nothing of its own; its process id."""
        (self.folder / "admin.kubeconfig").write_text(self.kubeconfig())
        config = {
            "apiVersion": "kubescheduler.config.k8s.io/v1",
            "kind": "KubeSchedulerConfiguration",
            "clientConnection": {"kubeconfig": f"{self.folder}/admin.kubeconfig", "qps": 5000, "burst": 5000},
            "leaderElection": {"leaderElect": False},
        }
        (self.folder / "scheduler.yaml").write_text(yaml.safe_dump(config))
        (port,) = free_ports(1)
        access = f"kubeconfig={self.folder}/admin.kubeconfig"
        self._start(
            "kube-scheduler",
            f"--config={self.folder}/scheduler.yaml",
            f"--authentication-{access}",
            f"--authorization-{access}",
            "--bind-address=127.0.0.1",
            f"--secure-port={port}",
            f"--cert-dir={self.folder}/scheduler",
        )
        return self._processes["kube-scheduler"].pid

    def stop_scheduler(self) -> None:
        self.kill("kube-scheduler")

    def kubeconfig(self) -> str:
        """A kubeconfig of an administrator, everything inline, as a person would paste it."""
        return self._kubeconfig(
            {
                "client-certificate-data": _base64(self.folder / "admin.crt"),
                "client-key-data": _base64(self.folder / "admin.key"),
            }
        )

    def service_account_kubeconfig(self, name: str, rules: list[Object], namespace: str = "default") -> str:
        """A kubeconfig with the token of a new service account that holds `rules` everywhere, by a ClusterRole and a
        ClusterRoleBinding of its name."""
        rbac, accounts = "/apis/rbac.authorization.k8s.io/v1", f"/api/v1/namespaces/{namespace}/serviceaccounts"
        self.api.create(accounts, {"metadata": {"name": name}})
        self.api.create(f"{rbac}/clusterroles", {"metadata": {"name": name}, "rules": rules})
        self.api.create(
            f"{rbac}/clusterrolebindings",
            {
                "metadata": {"name": name},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
                "subjects": [{"kind": "ServiceAccount", "namespace": namespace, "name": name}],
            },
        )
        answer = self.api.create(f"{accounts}/{name}/token", {"spec": {"expirationSeconds": 24 * 3600}})
        return self.token_kubeconfig(answer["status"]["token"])

    def token_kubeconfig(self, token: str) -> str:
        return self._kubeconfig({"token": token})

    def _kubeconfig(self, user: Object) -> str:
        cluster = {"server": self.address, "certificate-authority-data": _base64(self.folder / "ca.crt")}
        return yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "test", "cluster": cluster}],
                "users": [{"name": "admin", "user": user}],
                "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
                "current-context": "test",
            }
        )

    def _write_keys(self) -> None:
        authority = Authority("bursar tests")
        (self.folder / "ca.crt").write_bytes(authority.certificate)
        names = ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"]
        self._write_pair("server", authority.server(names, ["127.0.0.1", FIRST_SERVICE_ADDRESS]))
        self._write_pair("admin", authority.client("admin", "system:masters"))
        self._write_pair("manager", authority.client("system:kube-controller-manager"))
        private, public = service_account_keys()
        (self.folder / "service-accounts.key").write_bytes(private)
        (self.folder / "service-accounts.pub").write_bytes(public)
        manager = {
            "client-certificate-data": _base64(self.folder / "manager.crt"),
            "client-key-data": _base64(self.folder / "manager.key"),
        }
        (self.folder / "manager.kubeconfig").write_text(self._kubeconfig(manager))

    def _write_pair(self, name: str, pair: KeyPair) -> None:
        (self.folder / f"{name}.crt").write_bytes(pair.certificate)
        (self.folder / f"{name}.key").write_bytes(pair.key)

    def start_etcd(self) -> None:
        """With the data it had, and wait until it is ready."""
        client, peer = self.etcd_address, f"http://127.0.0.1:{self._etcd_peer_port}"
        self._start(
            ETCD,
            f"--data-dir={self.folder}/etcd",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync",
        )
        health = f"{client}/health"
        self._wait_for(ETCD, lambda: urllib3.request("GET", health, retries=False, timeout=2).status == 200)

    def start_controller_manager(self) -> None:
        config = self.folder / "manager.kubeconfig"
        self._start(
            CONTROLLER_MANAGER,
            f"--kubeconfig={config}",
            f"--authentication-kubeconfig={config}",
            f"--authorization-kubeconfig={config}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self._manager_port}",
            f"--cert-dir={self.folder}/manager",
            f"--service-account-private-key-file={self.folder}/service-accounts.key",
            f"--root-ca-file={self.folder}/ca.crt",
            "--use-service-account-credentials=true",
            "--leader-elect=false",
            # Nobody sends heartbeats for the nodes of the tests: this controller would take them for lost.
            "--controllers=*,-node-lifecycle-controller",
            "--kube-api-qps=500",
            "--kube-api-burst=1000",
        )
        account = "/api/v1/namespaces/default/serviceaccounts/default"
        self._wait_for(CONTROLLER_MANAGER, lambda: bool(self.api.get(account)))

    def _start(self, name: str, *flags: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            # A session of its own keeps Ctrl-C away from it: the order in which things stop is decided here.
            self._processes[name] = subprocess.Popen(
                [self._binaries / name, *flags],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _wait_for(self, name: str, is_ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._processes[name].poll() is None:
            with contextlib.suppress(ApiError, urllib3.exceptions.HTTPError):
                if is_ready():
                    return
            time.sleep(0.05)
        end = (self.folder / f"{name}.log").read_text(errors="replace")[-3000:]
        raise RuntimeError(f"{name} did not become ready in {START_SECONDS} s. The end of its log:\n{end}")

    def _stop(self) -> None:
        for name in reversed(list(self._processes)):
            self.kill(name)
        shutil.rmtree(self.folder)


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for opened in sockets:
            opened.bind(("127.0.0.1", 0))
        return [opened.getsockname()[1] for opened in sockets]


def _base64(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()
