"""What ships for a cluster, applied to one: Bursar's account with its rights, roles for people, and policies."""

import base64
from collections.abc import Sequence
from pathlib import Path

import yaml

from tests.cluster.control_plane import ControlPlane
from tests.cluster.waiting import eventually

FOLDER = Path(__file__).parents[2] / "deploy/kubernetes"
ACCOUNT, *MORE = "bursar", "access", "policies"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
ADMISSION = "/apis/admissionregistration.k8s.io/v1"
PATHS = {
    "Namespace": "/api/v1/namespaces",
    "ServiceAccount": "/api/v1/namespaces/bursar-system/serviceaccounts",
    "Secret": "/api/v1/namespaces/bursar-system/secrets",
    "ClusterRole": f"{RBAC}/clusterroles",
    "ClusterRoleBinding": f"{RBAC}/clusterrolebindings",
    "ValidatingAdmissionPolicy": f"{ADMISSION}/validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": f"{ADMISSION}/validatingadmissionpolicybindings",
}


def shipped_kubeconfig(control_plane: ControlPlane, more: Sequence[str] = MORE) -> str:
    """A kubeconfig of the account that is shipped for Bursar, which has no other rights. Applies it, and these."""
    for name in (ACCOUNT, *more):
        for document in yaml.safe_load_all((FOLDER / f"{name}.yaml").read_text()):
            control_plane.api.create(PATHS[document["kind"]], document)
    secret = f"{PATHS['Secret']}/bursar-token"
    token = eventually(lambda: control_plane.api.get(secret).get("data", {}).get("token"))
    return control_plane.token_kubeconfig(base64.b64decode(token).decode())
