"""Keeps what people may do in a cluster itself equal to the access rules, and says of each rule how far it holds there.

Compares what is wanted with what the watch shows, never with what it did before: what somebody else changes is put
back, and so is what was not done while nobody looked.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

import structlog
from django.utils import timezone

from orgs.models import AccessRule, ClusterInfo, OrgUnit, RuleSync, UnitState
from scheduling.clusters.access import CLUSTER_ROLES
from scheduling.clusters.gateway import Gateway, GatewayError
from scheduling.clusters.seen import Seen, SeenBinding

from .rows import clean, update_rows
from .tenure import Tenure
from .wanted_access import Key, WantedAccess, rules_touched, wanted_access

LOOK_SECONDS = 1.0
"""Between two comparisons."""
READ_SECONDS = 5.0
"""Between two readings of the rules, or longer, so that these take at most a twentieth of the time."""
READ_SHARE = 20
SHIPPED_SECONDS = 60.0
"""Between two looks for the roles and policies; where some are missing, at each reading."""
WRITE_SECONDS = 0.25
"""Spent on writing in one comparison; the rest is the next one's."""
AGAIN_SECONDS = 5.0
LONGEST_PAUSE = 300.0
CALM_SECONDS = 600.0
"""What stayed right for so long is put back at once again."""
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Pause:
    """Before a binding is written as it was written before: somebody else may want it otherwise."""

    until: float
    seconds: float
    people: tuple[str, ...]

    def holds_up(self, people: tuple[str, ...], now: float) -> bool:
        return people == self.people and now < self.until


class AccessSync:
    """One cluster's; of simulated ones, which never list bindings, there is nothing to keep."""

    def __init__(self, cluster: int, gateway: Gateway) -> None:
        self.cluster = cluster
        self.gateway = gateway
        self._there: dict[Key, SeenBinding] = {}
        self._listed = False
        self._wanted = WantedAccess({}, [])
        self._missing: tuple[str, ...] = ()
        self._settled: dict[Key, tuple[str, ...]] = {}
        """What was wanted and has been there."""
        self._pauses: dict[Key, Pause] = {}
        self._problems: dict[Key, str] = {}
        self._drift = ""
        self._states: dict[int, tuple[int, str]] | None = None
        """As the rows have them."""
        self._pending: int | None = None
        self._next_look = self._next_read = self._next_shipped = 0.0

    def see(self, seen: Seen) -> None:
        if "bindings" in seen.complete:
            self._there, self._listed = {}, True
        gone = set(seen.gone_bindings)
        if gone:
            self._there = {key: found for key, found in self._there.items() if found.uid not in gone}
        for found in seen.bindings:
            key = (found.namespace, found.name)
            if found.name in CLUSTER_ROLES:
                self._there[key] = found
            if _holds(found, people := self._wanted.bindings.get(key, ())):
                self._settled[key] = people

    def tick(self, tenure: Tenure) -> None:
        now = time.monotonic()
        if not self._listed or now < self._next_look:
            return
        self._next_look = now + LOOK_SECONDS
        if now >= self._next_read:
            wanted = wanted_access(self.cluster)
            if OrgUnit.objects.filter(pk=self.cluster, state=UnitState.DELETING).exists():
                # It is being disconnected, and left as it is.
                return
            self._wanted = wanted
            took = time.monotonic() - now
            self._next_read = now + max(READ_SECONDS, READ_SHARE * took)
            self._look_for_shipped(tenure, now)
        different = self._different()
        self._notice_drift(different)
        self._mend(tenure, different)
        self._write(tenure, different)

    def _look_for_shipped(self, tenure: Tenure, now: float) -> None:
        if (now < self._next_shipped and not self._missing) or not self._wanted.bindings or not tenure.may_call():
            return
        self._missing = self.gateway.access_missing()
        self._next_shipped = now + SHIPPED_SECONDS

    def _different(self) -> dict[Key, tuple[str, ...]]:
        """Bindings that are not as they are to be, with the people that they are to hold."""
        wanted, there = self._wanted.bindings, self._there
        found = {key: people for key, people in wanted.items() if not _holds(there.get(key), people)}
        return found | {key: () for key in there if key not in wanted}

    def _notice_drift(self, different: dict[Key, tuple[str, ...]]) -> None:
        """What was right and is not, although nothing else is wanted, somebody else has changed."""
        for key, people in different.items():
            if people and self._settled.get(key) == people:
                namespace, role = key
                what = "changed" if key in self._there else "removed"
                self._drift = f"The binding {role} in {namespace} was {what} in the cluster, and is put back."
                log.warning("access_drifted", cluster=self.cluster, namespace=namespace, role=role, what=what)
        self._settled = {key: people for key, people in self._wanted.bindings.items() if key not in different}

    def _mend(self, tenure: Tenure, different: dict[Key, tuple[str, ...]]) -> None:
        now = time.monotonic()
        self._pauses = {key: pause for key, pause in self._pauses.items() if pause.until > now - CALM_SECONDS}
        self._problems = {key: text for key, text in self._problems.items() if key in different}
        # Withdrawing comes first.
        for key, people in sorted(different.items(), key=lambda item: (bool(item[1]), item[0])):
            before = self._pauses.get(key)
            if before and before.holds_up(people, now):
                continue
            if time.monotonic() > now + WRITE_SECONDS or not tenure.may_call():
                return
            is_again = before is not None and before.people == people
            seconds = min(before.seconds * 2, LONGEST_PAUSE) if before and is_again else AGAIN_SECONDS
            self._pauses[key] = Pause(now + seconds, seconds, people)
            try:
                self._put(key, people)
                self._problems.pop(key, None)
            except GatewayError as problem:
                self._problems[key] = str(problem)
                log.warning("access_not_written", cluster=self.cluster, binding=key, problem=str(problem))

    def _put(self, key: Key, people: tuple[str, ...]) -> None:
        """As it is to be; where what ships is missing, nobody gets more than they have."""
        there = self._there.get(key)
        if self._missing:
            had = there.people if there and there.intact else ()
            people = tuple(person for person in people if person in had)
        if people:
            self.gateway.apply_binding(*key, people)
        elif there:
            self.gateway.delete_binding(*key)
        if self._missing:
            raise GatewayError(_missing_words(self._missing))

    def _write(self, tenure: Tenure, different: dict[Key, tuple[str, ...]]) -> None:
        """How far each rule holds, where that differs from its row."""
        states = self._rule_states(different)
        if self._states is None:
            rows = RuleSync.objects.filter(cluster=self.cluster).values_list("rule", "state", "message")
            self._states = {rule: (state, message) for rule, state, message in rows}
        changed = {pk: value for pk, value in states.items() if self._states.get(pk) != value}
        # A rule that is no longer wanted keeps its row until everything has been withdrawn.
        ended = set() if different else self._states.keys() - states.keys()
        if not (changed or ended or self._drift or self._pending != len(different)):
            return
        with tenure.recording():
            _write_states(self.cluster, changed, ended)
            ClusterInfo.objects.filter(pk=self.cluster).update(access_pending=len(different))
            if self._drift:
                ClusterInfo.objects.filter(pk=self.cluster).update(
                    access_drift=clean(self._drift, 500), access_drift_at=timezone.now()
                )
        self._states = {pk: value for pk, value in (self._states | changed).items() if pk not in ended}
        self._pending, self._drift = len(different), ""

    def _rule_states(self, different: dict[Key, tuple[str, ...]]) -> dict[int, tuple[int, str]]:
        states: dict[int, tuple[int, str]] = {rule.pk: (RuleSync.State.IN_FORCE, "") for rule in self._wanted.rules}
        # Failures last: they count.
        for key in sorted(different, key=lambda key: (key in self._problems, key)):
            there = self._there.get(key)
            had = there.people if there and there.intact else ()
            state, message = RuleSync.State.PENDING, ""
            if key in self._problems:
                state, message = RuleSync.State.FAILED, clean(f"{key[0]}: {self._problems[key]}", 500)
            for pk in rules_touched(self._wanted.rules, key, set(different[key]).symmetric_difference(had)):
                states[pk] = (state, message)
        return states


def _holds(there: SeenBinding | None, people: tuple[str, ...]) -> bool:
    return there is not None and there.intact and there.people == people


def _missing_words(missing: tuple[str, ...]) -> str:
    more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
    return (
        f"The cluster lacks {missing[0]}{more}. Apply deploy/kubernetes/access.yaml and policies.yaml there; the "
        "policies need Kubernetes 1.30 or newer."
    )


def _write_states(cluster: int, changed: dict[int, tuple[int, str]], ended: Iterable[int]) -> None:
    now = timezone.now()
    # Locked, so that none of them goes before its row is written.
    rules = AccessRule.objects.select_for_update(no_key=True).filter(pk__in=changed).order_by("pk")
    there = set(rules.values_list("pk", flat=True))
    rows = dict(RuleSync.objects.filter(cluster=cluster, rule__in=there).values_list("rule", "pk"))
    new = sorted(there - rows.keys())
    RuleSync.objects.bulk_create(
        RuleSync(rule_id=pk, cluster_id=cluster, state=changed[pk][0], message=changed[pk][1], since=now) for pk in new
    )
    fields = ("state", "message", "since")
    update_rows(RuleSync, fields, [(row, *changed[rule], now) for rule, row in rows.items()])
    RuleSync.objects.filter(cluster=cluster, rule__in=ended).delete()
