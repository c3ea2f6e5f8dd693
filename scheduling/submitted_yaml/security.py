"""What a pod may be allowed: the level `baseline` of Kubernetes' Pod Security Standards, in words."""

from __future__ import annotations

from .checks import fields, flag, listed, only, text, whole

ID = whole(0, 2**31 - 1)
CAPABILITIES = (
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
)
SYSCTLS = (
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
)
SELINUX_TYPES = ("container_t", "container_init_t", "container_kvm_t", "container_engine_t")
WINDOWS = "Bursar runs on Linux nodes. Remove it."
SELINUX = fields(
    {
        "type": only(*SELINUX_TYPES, words=f"Projects may use {', '.join(SELINUX_TYPES)} only. Take one."),
        "level": text(100),
    },
    dict.fromkeys(("user", "role"), "Projects may not choose an SELinux user or role. Remove it."),
)
PROFILE = fields(
    {
        "type": only("RuntimeDefault", "Localhost", words="Pods of projects are confined. Use RuntimeDefault."),
        "localhostProfile": text(253),
    },
    needed=["type"],
)
FOR_BOTH = {
    "runAsUser": ID,
    "runAsGroup": ID,
    "runAsNonRoot": flag,
    "seLinuxOptions": SELINUX,
    "seccompProfile": PROFILE,
    "appArmorProfile": PROFILE,
}
"""Fields that pods and containers have."""

POD_SECURITY_CONTEXT = fields(
    FOR_BOTH
    | {
        "fsGroup": ID,
        "fsGroupChangePolicy": only("Always", "OnRootMismatch"),
        "supplementalGroups": listed(ID),
        "supplementalGroupsPolicy": only("Merge", "Strict"),
        "sysctls": listed(
            fields(
                {"name": only(*SYSCTLS, words=f"Projects may set {', '.join(SYSCTLS)} only."), "value": text(100)},
                needed=["name", "value"],
            )
        ),
    },
    {"windowsOptions": WINDOWS},
)

SECURITY_CONTEXT = fields(
    FOR_BOTH
    | {
        "privileged": only(False, words="A privileged container has its whole node. Remove it."),
        "allowPrivilegeEscalation": only(
            False, words="Processes may not gain more rights than they began with. Set it to false, or remove it."
        ),
        "readOnlyRootFilesystem": flag,
        "procMount": only("Default", words="The container sees its own /proc masked. Remove it."),
        "capabilities": fields(
            {
                "add": listed(
                    only(*CAPABILITIES, words=f"Projects may add {', '.join(CAPABILITIES)} only. Remove it.")
                ),
                "drop": listed(text(60, r"[A-Z_]+")),
            }
        ),
    },
    {"windowsOptions": WINDOWS},
)
