"""How over-subscription is guarded, in the account and where a cluster has it otherwise."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from orgs.access import require
from orgs.models import OrgUnit, UnitKind, UnitState
from orgs.services.locks import account_locked, cluster_locked, fresh
from portal.actor import Actor
from portal.errors import Refused
from portal.services.audit import audit_record
from quotas.guard import Level
from quotas.models import GuardSetting
from quotas.models.guard import SET_LEVELS
from quotas.selectors.guard import KEYS, Books, guard_of

from .finding import findings_write

STALE = "Somebody changed this meanwhile. Look at it, then choose again."


@transaction.atomic
def guard_set(
    *,
    actor: Actor,
    scope: OrgUnit,
    level: Level,
    mode: GuardSetting.Mode | None,
    resources: Sequence[str] = KEYS,
    expected_version: int | None = None,
) -> None:
    """Guards `level` in the account or a cluster so; None, of a cluster: as the account has it.

    Nothing that is wrong already is changed or refused: it is found. `expected_version`: the one that was seen, 0 for
    none. Needs `settings:update` on the account; for a cluster `quota:update` there, which is what its parent is.
    """
    account = account_locked()
    if scope.kind not in (UnitKind.ACCOUNT, UnitKind.CLUSTER):
        raise Refused({"scope": f"{scope.name} has no guard of its own. Choose the account or a cluster."})
    require(actor, "update", "settings" if scope.kind == UnitKind.ACCOUNT else "quota", account)
    clusters = [scope] if scope.kind == UnitKind.CLUSTER else _clusters()
    for cluster in clusters:
        cluster_locked(cluster)
    scope = fresh(scope)
    _check(scope, level, mode, resources)
    setting = GuardSetting.objects.filter(scope=scope, level=level).first()
    if expected_version is not None and expected_version != (setting.version if setting else 0):
        raise Refused({"expected_version": STALE})
    before = _told(setting)
    if mode is None:
        GuardSetting.objects.filter(scope=scope, level=level).delete()
        after = None
    else:
        after = setting or GuardSetting(scope=scope, level=level, version=0)
        after.mode, after.resources = mode, [key for key in KEYS if key in resources]
        if _told(after) != before:
            after.version += 1
            after.save()
    if _told(after) != before:
        audit_record(
            actor=actor,
            action="update",
            entity=scope,
            unit=scope.pk,
            before={f"guard {Level(level).label}": before},
            after={f"guard {Level(level).label}": _told(after)},
        )
        for cluster in clusters:
            findings_write(guard_of(cluster), Books.read(cluster.pk, None))


def _clusters() -> list[OrgUnit]:
    return list(OrgUnit.objects.filter(kind=UnitKind.CLUSTER, state=UnitState.ACTIVE).order_by("pk"))


def _check(scope: OrgUnit, level: Level, mode: GuardSetting.Mode | None, resources: Sequence[str]) -> None:
    if level not in SET_LEVELS:
        raise Refused({"level": "There is no such comparison. Choose departments or hardware."})
    if mode is None and scope.kind == UnitKind.ACCOUNT:
        raise Refused({"mode": "The account has nothing above it. Choose off, warn or enforce."})
    if mode is not None and mode not in GuardSetting.Mode.values:
        raise Refused({"mode": "There is no such mode. Choose off, warn or enforce."})
    if not isinstance(resources, list | tuple) or not all(key in KEYS for key in resources):
        raise Refused({"resources": "There is no such resource. Choose GPU, CPU or memory."})
    if not resources and mode not in (None, GuardSetting.Mode.OFF):
        raise Refused({"resources": "Nothing would be guarded. Choose at least one resource, or switch the guard off."})


def _told(setting: GuardSetting | None) -> str:
    """As the audit log holds it."""
    if setting is None:
        return "not set"
    return f"{GuardSetting.Mode(setting.mode).label}: {', '.join(setting.resources) or 'nothing'}"
