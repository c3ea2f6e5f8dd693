"""What people read of a workload straight from its cluster, on the real API server."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from scheduling.clusters.gateway import GatewayError
from scheduling.clusters.kubernetes.gateway import KubernetesGateway
from tests.cluster.api import Api
from tests.cluster.certificates import Authority
from tests.cluster.control_plane import ControlPlane
from tests.cluster.kubelet import FakeKubelet
from tests.cluster.test_gateway import bound_pod, workload

WRITTEN = (
    "2036-01-01T01:00:00.000000001+01:00 step 1\rstep 2\n"
    "2036-01-01T00:00:00.5Z \x1b[31mred\x1b[0m \u202egnirts <script>alert(1)</script>\n"
    "2036-01-01T00:00:01Z " + "x" * 5000 + "\n"
)


class KubeletServer(BaseHTTPRequestHandler):
    """Answers as a kubelet whom the API server asks for logs."""

    asked: list[str] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        body = WRITTEN.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Says nothing."""


@contextmanager
def serving_logs(api: Api, node: str, folder: Path) -> Iterator[None]:
    pair = Authority("kubelets").server(["kubelet"], ["127.0.0.1"])
    (folder / "kubelet.pem").write_bytes(pair.certificate + pair.key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), KubeletServer)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "kubelet.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    status = {
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": server.server_port}},
    }
    api.patch(f"/api/v1/nodes/{node}/status", {"status": status})
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def test_logs_events_and_manifest(
    control_plane: ControlPlane, gateway: KubernetesGateway, kubelet: FakeKubelet, namespace: str, tmp_path: Path
) -> None:
    kubelet.add_node("writes")
    wanted = workload(namespace, env={"TOKEN": "s3cret-value"})
    pod = bound_pod(control_plane, gateway, wanted, "writes")
    name = pod["metadata"]["name"]

    with serving_logs(control_plane.api, "writes", tmp_path):
        lines = gateway.read_log(namespace, name, 300)
        later = gateway.read_log(namespace, name, 300, lines[0].at_ns)
    assert [line.text for line in lines] == ["step 2", "red  gnirts <script>alert(1)</script>", "x" * 2000]
    begun = lines[0].at_ns - 1
    assert [line.at_ns - begun for line in lines] == [1, 500_000_000, 1_000_000_000]
    assert later == lines[1:]
    first, second = KubeletServer.asked
    assert first.startswith(f"/containerLogs/{namespace}/{name}/main?")
    assert ("tailLines=300" in first, "sinceTime" in first) == (True, False)
    assert "sinceTime=2036-01-01T00%3A00%3A00Z" in second
    with pytest.raises(GatewayError, match="404"):
        gateway.read_log(namespace, "gone", 300)

    about = {"kind": "Pod", "name": name, "namespace": namespace}
    event = {
        "metadata": {"name": f"{name}.1"},
        "involvedObject": about,
        "reason": "BackOff",
        "message": "Back-off\nrestarting",
        "type": "Warning",
        "count": 3,
        "lastTimestamp": "2036-01-01T00:00:00Z",
    }
    control_plane.api.create(f"/api/v1/namespaces/{namespace}/events", event)
    other = event | {"metadata": {"name": "other.1"}, "involvedObject": about | {"name": "other"}}
    control_plane.api.create(f"/api/v1/namespaces/{namespace}/events", other)
    first, *rest = gateway.read_events(wanted.key)
    assert (first.about, first.reason, first.message) == (f"Pod {name}", "BackOff", "Back-off restarting")
    assert (first.times, first.is_warning) == (3, True)
    assert all("other" not in told.about for told in rest)

    text = gateway.read_manifest(wanted.key)
    assert "kind: Job" in text
    assert "name: TOKEN\n" in text
    assert "s3cret-value" not in text
    assert "managedFields" not in text
