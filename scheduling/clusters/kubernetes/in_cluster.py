"""The cluster that Bursar itself runs in: its pod has a service account there."""

from __future__ import annotations

import os
from pathlib import Path

from .credentials import Credentials
from .kubeconfig import KubeconfigError

IN_CLUSTER = "in-cluster"
"""What is given instead of a kubeconfig."""


def in_cluster(folder: Path) -> Credentials:
    """From what Kubernetes puts into every pod: `folder`, and the environment. Raises KubeconfigError."""
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST", ""), os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    token, authority = folder / "token", folder / "ca.crt"
    try:
        ca_data = authority.read_bytes()
        if not host or not ca_data or not token.read_text().strip():
            raise OSError
    except OSError:
        raise KubeconfigError(
            "kubeconfig", "Bursar does not run in a cluster, or its pod has no service account. Paste a kubeconfig."
        ) from None
    host = f"[{host}]" if ":" in host else host
    # The token is renewed every hour or so, by the kubelet: it is read anew.
    return Credentials(server=f"https://{host}:{port}", ca_data=ca_data, token_file=str(token))
