from __future__ import annotations

from django.db import transaction

from orgs import hooks
from orgs.access import require
from orgs.models import ClusterInfo, OrgUnit, UnitKind, UnitState
from orgs.names import DEFAULT_DEPARTMENT, checked_name, stripped
from orgs.secrets import encrypt
from orgs.services.locks import account_locked
from orgs.services.tree import unit_insert
from orgs.services.unit import unit_delete
from portal.actor import Actor
from portal.errors import Refused
from portal.services.audit import audit_record
from portal.services.feed import feed_tell


def cluster_create(*, actor: Actor, name: str, mode: ClusterInfo.Mode, kubeconfig: str = "") -> OrgUnit:
    """A cluster with its default department and pool: a Kubernetes one by its kubeconfig, or a simulated one."""
    account = OrgUnit.objects.filter(kind=UnitKind.ACCOUNT).first()
    if account is None:
        raise Refused("There is no account yet. Create it with `manage.py account_create`.")
    require(actor, "create", "cluster", account)
    name = checked_name(name, UnitKind.CLUSTER)
    if mode not in ClusterInfo.Mode.values:
        raise Refused({"mode": "A cluster is simulated or a Kubernetes cluster. Choose one of the two."})
    access = hooks.ClusterAccess("", "")
    if mode == ClusterInfo.Mode.KUBERNETES:
        # Looks up the host's name, so it comes before the transaction.
        access = hooks.cluster_credentials_vetted(stripped("kubeconfig", kubeconfig))
    with transaction.atomic():
        account = account_locked()
        cluster = unit_insert(kind=UnitKind.CLUSTER, name=name, parent=account)
        _refuse_connected(access.address)
        ClusterInfo.objects.create(
            unit=cluster,
            mode=mode,
            address=access.address,
            credentials=encrypt(access.credentials) if access.credentials else "",
        )
        unit_insert(kind=UnitKind.DEPARTMENT, name=DEFAULT_DEPARTMENT, parent=cluster)
        hooks.default_pool_create(cluster)
        if mode == ClusterInfo.Mode.SIMULATED:
            hooks.simulated_nodes_create(cluster)
        audit_record(
            actor=actor,
            action="create",
            entity=cluster,
            unit=account.pk,
            after={"name": name, "mode": ClusterInfo.Mode(mode).label, "address": access.address},
        )
        feed_tell(cluster=cluster.pk, config=True)
    return cluster


def cluster_reconnect(*, actor: Actor, cluster: OrgUnit, kubeconfig: str) -> None:
    """Other credentials, or another address, of the same cluster: its observer goes on with them within seconds, and
    refuses another cluster."""
    require(actor, "update", "cluster", cluster)
    if cluster.kind != UnitKind.CLUSTER or cluster.cluster_info.mode != ClusterInfo.Mode.KUBERNETES:
        raise Refused(f"{cluster.name} is not a Kubernetes cluster: there is nothing to sign in to.")
    access = hooks.cluster_credentials_vetted(stripped("kubeconfig", kubeconfig))
    with transaction.atomic():
        account_locked()
        info = ClusterInfo.objects.select_for_update().get(pk=cluster.pk)
        _refuse_connected(access.address, but=cluster.pk)
        before, info.address = info.address, access.address
        info.credentials = encrypt(access.credentials)
        info.save(update_fields=["address", "credentials"])
        audit_record(
            actor=actor,
            action="replace credentials",
            entity=cluster,
            unit=cluster.pk,
            before={"address": before},
            after={"address": access.address},
        )


def cluster_disconnect(*, actor: Actor, cluster: OrgUnit) -> None:
    """Forgets a cluster: a Kubernetes cluster within seconds, as it is, a simulated one once its workloads have ended
    or nobody has observed it for ten minutes."""
    if cluster.kind != UnitKind.CLUSTER:
        raise Refused({"cluster": f"{cluster.name} is a {cluster.get_kind_display()}. Choose a cluster."})
    unit_delete(actor=actor, unit=cluster)


def _refuse_connected(address: str, but: int = 0) -> None:
    others = ClusterInfo.objects.filter(address=address, unit__state=UnitState.ACTIVE).exclude(pk=but)
    other = others.select_related("unit").first()
    if address and other is not None:
        raise Refused({"kubeconfig": f"{address} is connected already, as {other.unit.name}. Give another cluster's."})
