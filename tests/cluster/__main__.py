"""A Kubernetes control plane with a few GPU nodes that only pretend, in the foreground: something to connect to."""

import signal
import sys
import threading

from tests.cluster.build import BuildError, cache_folder
from tests.cluster.control_plane import ControlPlane
from tests.cluster.kubelet import FakeKubelet


def main() -> None:
    kubeconfig = cache_folder() / "kubernetes" / "kubeconfig"
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    with ControlPlane() as control_plane, FakeKubelet(control_plane.api, termination_seconds=2) as kubelet:
        for index in range(4):
            kubelet.add_node(f"gpu-{index}", gpus=8, labels={"gpu": "a100" if index < 2 else "h100"})
        kubelet.add_node("cpu-0", gpus=0)
        kubeconfig.touch(mode=0o600)
        kubeconfig.write_text(control_plane.kubeconfig())
        print(f"Kubernetes is ready at {control_plane.address}; its kubeconfig is {kubeconfig}", flush=True)
        print("Four nodes of 8 GPUs (labels gpu=a100, gpu=h100) and one without. Ctrl-C stops it.")
        print("Bursar connects to a cluster on its own host with BURSAR_ALLOW_LOCAL_CLUSTERS=true.", flush=True)
        stopping.wait()
    kubeconfig.unlink()


if __name__ == "__main__":
    try:
        main()
    except BuildError as error:
        sys.exit(str(error))
