"""Makes the organization as a file says it: all of it in one transaction, by the services that pages call."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.dateparse import parse_datetime

from orgs.access import as_of_now, require
from orgs.models import OrgUnit
from orgs.services.department import department_create
from orgs.services.locks import account_locked
from orgs.services.move import unit_move
from orgs.services.project import project_create
from orgs.services.rule import rule_create, rule_delete, rule_update
from orgs.services.unit import unit_delete, unit_rename
from portal.actor import Actor
from portal.errors import Refused
from quotas.declared import ACCOUNT, Change, Declared, Key, differences, digest
from quotas.models import Pool, Rank, Topology
from quotas.selectors.declared import (
    PLACEMENTS,
    Organization,
    organization_of,
    quota_values,
    role_called,
    subject_called,
)
from quotas.services.guard import guarded
from quotas.services.pool import pool_create, pool_delete, pool_update
from quotas.services.quota import QuotaChange, RefusedCells, quotas_save

MOST_CHANGES = 2000


class OtherChanges(Refused):
    """What would be done is not what was seen."""


@transaction.atomic
def organization_apply(
    *, actor: Actor, wanted: Declared, prune: bool = False, expected: str = "", reason: str = ""
) -> list[Change]:
    """Makes what the file has, and, with `prune`, takes away what it does not have. Returns what was done.

    `expected`: the digest of the changes that were seen; others are refused. Each change needs the right that it needs
    on its page; one that is refused refuses all. The guard looks at the result.
    """
    account_locked()
    actor = as_of_now(actor)
    now = organization_of(actor.user)
    wanted = wanted.resolved(now.declared)
    missing = sorted(wanted.clusters() - now.units.keys() - {ACCOUNT})
    if missing:
        raise Refused(f"There is no cluster called {missing[0]}, or you may not see it. Connect clusters first.")
    changes = differences(now.declared, wanted, prune=prune)
    if len(changes) > MOST_CHANGES:
        raise Refused(f"These are {len(changes):,} changes. Make at most {MOST_CHANGES:,} at once.")
    if expected and expected != digest(changes):
        raise OtherChanges("Something was changed meanwhile, so that other things would be done. Look at them again.")
    applying = _Applying(actor, now, wanted, reason)
    clusters = sorted({now.units[name].pk: now.units[name] for name in wanted.clusters() - {ACCOUNT}}.items())
    with ExitStack() as blocks:
        for _, cluster in clusters:
            blocks.enter_context(guarded(actor=actor, cluster=cluster))
        for change in changes:
            applying.make(change)
        applying.save_quotas()
        applying.take_away(changes)
    return changes


@dataclass(slots=True)
class _Applying:
    actor: Actor
    there: Organization
    wanted: Declared
    reason: str

    def make(self, change: Change) -> None:
        """What comes or changes; quotas follow together."""
        if change.action == "delete" or change.kind == "quota":
            return
        try:
            getattr(self, f"_{change.kind}")(change)
        except (ValidationError, PermissionDenied) as refusal:
            raise _named(change, refusal) from None

    def save_quotas(self) -> None:
        """In one save: what one unit gives up another may take."""
        changes, names = [], {}
        for key, values in sorted(self.wanted.of("quota").items()):
            quota = self.there.quotas.get(key)
            if quota is not None and quota_values(quota) == values:
                continue
            unit, pool = self._unit(key[0]), self.there.pools.get((key[0].partition("/")[0], key[1]))
            if pool is None:
                raise Refused(
                    f"quota {key[0].rstrip('/')} {key[1]}: There is no pool {key[1]} in its cluster. Declare it, too."
                )
            row = QuotaChange(unit, pool, values | {"rank": _rank(values["rank"])})
            names[row.cell] = key
            changes.append(row)
        try:
            quotas_save(actor=self.actor, changes=changes, reason=self.reason)
        except RefusedCells as refusal:
            cell, why = next(iter(refusal.cells.items()))
            raise _named(Change("change", "quota", names[cell]), why) from None

    def take_away(self, changes: list[Change]) -> None:
        """What goes."""
        for change in changes:
            if change.action != "delete":
                continue
            try:
                self._delete(change.kind, change.key)
            except (ValidationError, PermissionDenied) as refusal:
                raise _named(change, refusal) from None

    def _delete(self, kind: str, key: Key) -> None:
        if kind == "rule":
            rule_delete(actor=self.actor, rule=self.there.rules[key])
        elif kind == "quota":
            quota = self.there.quotas[key]
            change = QuotaChange(quota.unit, quota.pool, None)
            quotas_save(actor=self.actor, changes=[change], reason=self.reason)
        elif kind == "pool":
            pool_delete(actor=self.actor, pool=self.there.pools[key])
        else:
            unit_delete(actor=self.actor, unit=self.there.units[key[0]])

    def _department(self, change: Change) -> None:
        (path,) = change.key
        if change.action == "create":
            parent, name = self._parent(path)
            made = department_create(actor=self.actor, parent=parent, name=name, **change.after)
            self.there.units[path] = made
        else:
            unit = self._unit(path)
            unit_rename(actor=self.actor, unit=unit, name=unit.name, **change.after)

    def _project(self, change: Change) -> None:
        (path,) = change.key
        parent, name = self._parent(path)
        if change.action == "move":
            unit = self.there.units.pop(change.before["path"])
            self.there.units[path] = unit_move(actor=self.actor, unit=unit, parent=parent)
            self._follow(change.before["path"], path)
        elif change.action == "create":
            self.there.units[path] = project_create(actor=self.actor, parent=parent, name=name, **change.after)
        else:
            unit = self._unit(path)
            unit_rename(actor=self.actor, unit=unit, name=unit.name, **change.after)

    def _pool(self, change: Change) -> None:
        cluster, name = change.key
        values = dict(self.wanted.of("pool")[change.key])
        values |= {one: _placement(one, values[one]) for one in PLACEMENTS}
        topology = Topology.objects.filter(cluster=self.there.units[cluster], name=values["topology"] or "").first()
        if values["topology"] and topology is None:
            raise Refused({"topology": f"{cluster} has no topology called {values['topology']}. Make it first."})
        values["topology"] = topology
        if change.action == "create":
            made = pool_create(actor=self.actor, cluster=self.there.units[cluster], name=name, **values)
            self.there.pools[change.key] = made
        else:
            pool_update(actor=self.actor, pool=self.there.pools[change.key], **values)

    def _rule(self, change: Change) -> None:
        path, who, role = change.key
        scope = self._unit(path)
        # Asked before names are looked up, which would tell who is there.
        require(self.actor, "create", "access_rule", scope)
        end = change.after["expires_at"]
        expires_at = parse_datetime(end) if end else None
        if change.action == "change":
            rule = self.there.rules[change.key]
            rule_update(actor=self.actor, rule=rule, role=rule.role, expires_at=expires_at)
            return
        known, subject = role_called(role), subject_called(who)
        if known is None:
            raise Refused({"role": f"There is no role called {role}. Make it first, or take another."})
        if subject is None:
            raise Refused({"subject": f"Nobody is called {who}. Add people, groups and applications under Access."})
        rule_create(actor=self.actor, subject=subject, role=known, scope=scope, expires_at=expires_at)

    def _follow(self, old: str, new: str) -> None:
        """Quotas and rules go with a unit that moves."""
        self.there.quotas = {
            (new if key[0] == old else key[0], *key[1:]): row for key, row in self.there.quotas.items()
        }
        self.there.rules = {(new if key[0] == old else key[0], *key[1:]): row for key, row in self.there.rules.items()}

    def _parent(self, path: str) -> tuple[OrgUnit, str]:
        above, _, name = path.rstrip("/").rpartition("/")
        return self._unit(f"{above}/" if "/" in above else above), name

    def _unit(self, path: str) -> OrgUnit:
        unit = self.there.units.get(path)
        if unit is None:
            raise Refused(f"There is no {path.rstrip('/')}, or you may not see it. Declare it, too.")
        return unit


def _placement(name: str, word: Any) -> Pool.Placement:
    found = next((one for one in Pool.Placement if one.label == word), None)
    if found is None:
        raise Refused({name: f"There is no such placement. Give one of: {', '.join(Pool.Placement.labels)}."})
    return found


def _rank(word: Any) -> Rank:
    return next(one for one in Rank if one.label == word)


def _named(change: Change, refusal: ValidationError | PermissionDenied) -> Exception:
    """The refusal with the words which change it is about; who may not see something is told as anywhere."""
    where = f"{change.action} {change.kind} {change.told()['name']}"
    if isinstance(refusal, PermissionDenied):
        return PermissionDenied(f"{where}: {refusal}")
    return Refused([f"{where}: {words}" for words in refusal.messages])
