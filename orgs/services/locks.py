"""The rows that writers queue at, always in this order: the account's, then a cluster's (DATA section 4).

The account's row is the lock of clusters, people and access rules, a cluster's that of everything inside it that has to
add up: tree, quotas, pools. Without key lock, so that inserts that refer to the row do not wait.
"""

from __future__ import annotations

from orgs.models import OrgUnit, UnitKind, UnitState
from portal.errors import Refused


def account_locked() -> OrgUnit:
    """The account's row, held until the transaction ends."""
    account = OrgUnit.objects.select_for_update(no_key=True).filter(kind=UnitKind.ACCOUNT).first()
    if account is None:
        raise Refused("There is no account yet. Create it with `manage.py account_create`.")
    return account


def cluster_locked(unit: OrgUnit) -> OrgUnit:
    """The row of the cluster that `unit` lies in (or is), held until the transaction ends."""
    cluster = OrgUnit.objects.select_for_update(no_key=True).filter(pk=unit.cluster_id or 0).first()
    if cluster is None:
        raise Refused(f"The cluster of {unit.name} is gone. Go back to the organization.")
    return cluster


def fresh(unit: OrgUnit) -> OrgUnit:
    """The unit as it is now, to be called under its lock. Refused when it went away meanwhile."""
    found = OrgUnit.objects.select_related("parent").filter(pk=unit.pk, state=UnitState.ACTIVE).first()
    if found is None:
        raise Refused(f"The {unit.get_kind_display()} {unit.name} was deleted meanwhile. Go back to the organization.")
    return found
