"""The template of a workload's pods: every field that is taken, and why others are not."""

from __future__ import annotations

from scheduling.clusters.kubernetes.manifests import SCHEDULER_NAME

from .checks import Check, fields, flag, listed, only, text, texts, whole
from .containers import container, first
from .names import ADDRESS, NAME, OPTION, TEMPLATE_METADATA
from .security import POD_SECURITY_CONTEXT
from .volumes import TOKEN, VOLUME

HOST = "A pod has no part in its node's network or processes. Remove it."
ACCOUNT = "Pods of projects use the service account default. Remove it."
BESIDE = "Priority is chosen beside the document. Remove it."
NEAR = "Bursar chooses nodes. Use nodeSelector and tolerations, and choose nearness beside the document."
NAMED = "Bursar names pods, so that they find each other. Remove it."
REFUSED = {
    "hostname": NAMED,
    "subdomain": NAMED,
    "setHostnameAsFQDN": NAMED,
    "nodeName": "Bursar chooses the node. Use nodeSelector.",
    "priorityClassName": BESIDE,
    "priority": BESIDE,
    "preemptionPolicy": BESIDE,
    "affinity": NEAR,
    "topologySpreadConstraints": NEAR,
    "runtimeClassName": "Containers run as the cluster runs them. Remove it.",
    "overhead": "Containers run as the cluster runs them. Remove it.",
    "resourceClaims": "Bursar does not know resource claims. Ask for nvidia.com/gpu.",
    "resources": "Bursar counts what each container requests. Move it into the containers.",
    "ephemeralContainers": "They are added to pods that run. Remove it.",
    "schedulingGates": "Bursar places pods when they are there. Remove it.",
}

DNS = fields(
    {
        "nameservers": listed(ADDRESS, 3),
        "searches": listed(text(253, r"\.|[a-z0-9_]([-a-z0-9._]*[a-z0-9_])?\.?"), 32),
        "options": listed(fields({"name": OPTION, "value": OPTION}, needed=["name"])),
    }
)


def template(restart: str, restart_words: str) -> Check:
    """`restart`: the one policy that the kind's pods have."""
    spec = fields(
        {
            "containers": listed(container, 20, 1),
            "initContainers": listed(first, 20),
            "volumes": listed(VOLUME),
            "nodeSelector": texts(text(), text()),
            "tolerations": listed(
                fields(
                    {
                        "key": text(),
                        "operator": only("Exists", "Equal"),
                        "value": text(),
                        "effect": text(),
                        "tolerationSeconds": whole(0, 2**31 - 1),
                    }
                )
            ),
            "securityContext": POD_SECURITY_CONTEXT,
            "imagePullSecrets": listed(fields({"name": NAME}, needed=["name"])),
            "terminationGracePeriodSeconds": whole(0, 86400),
            "activeDeadlineSeconds": whole(1, 2**31 - 1),
            "dnsPolicy": only("ClusterFirst", "Default", "None"),
            "dnsConfig": DNS,
            "hostAliases": listed(
                fields({"ip": ADDRESS, "hostnames": listed(NAME, least=1)}, needed=["ip", "hostnames"])
            ),
            "enableServiceLinks": flag,
            "shareProcessNamespace": flag,
            "restartPolicy": only(restart, words=restart_words),
            "schedulerName": only(SCHEDULER_NAME, words="Bursar places what is submitted to it. Remove it."),
            "serviceAccountName": only("default", words=ACCOUNT),
            "serviceAccount": only("default", words=ACCOUNT),
            "automountServiceAccountToken": only(False, words=TOKEN),
            **dict.fromkeys(("hostNetwork", "hostPID", "hostIPC"), only(False, words=HOST)),
        },
        REFUSED,
        needed=["containers"],
    )
    return fields({"metadata": TEMPLATE_METADATA, "spec": spec}, needed=["spec"])
