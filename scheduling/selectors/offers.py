"""What Submit answers while the form is filled in: for each pool whether it would start there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orgs.models import OrgUnit
from portal.formats import counted, gpus, gpus_counted
from portal.quota_bar import QuotaBar
from quotas.models import Pool
from scheduling.asking import Ask, Room, Standing
from scheduling.forecast import Forecast, Outcome, forecast
from scheduling.models import Priority, Workload
from scheduling.quantities import amount
from scheduling.reasons import wait_reason

from .line import LAST, before
from .names import unit_namer
from .standing import rooms, standings

LENT = "What is over quota is lent: it may be stopped when the owner needs it, and starts again later."


@dataclass(frozen=True, slots=True)
class PoolAnswer:
    """What would happen in one pool."""

    pool: Pool
    outcome: Outcome
    sentence: str
    note: str
    short: str
    """For the list of pools."""
    bar: QuotaBar

    @property
    def starts(self) -> bool:
        return self.outcome is Outcome.NOW


class Outlook:
    """How a project stands in pools, and what room they have; read once for many forecasts, in eight queries."""

    def __init__(self, project: OrgUnit, pools: Sequence[Pool], node_labels: Mapping[str, str]) -> None:
        ids = [pool.pk for pool in pools]
        self.project = project
        self._standing, self._rooms = standings([project], ids), rooms(ids, node_labels)

    def forecast(self, pool: Pool, ask: Ask) -> Forecast:
        return forecast(ask, self._standing.chain(self.project, pool), self._rooms[pool.pk])

    def starts(self, pool: Pool, ask: Ask) -> bool:
        return self.forecast(pool, ask).outcome is Outcome.NOW

    def answer(
        self, pool: Pool, ask: Ask, priority: int = Priority.MEDIUM, workload: Workload | None = None
    ) -> PoolAnswer:
        """Two queries more where it would wait. `workload`: what asks, where it is in the line already."""
        found, room = self.forecast(pool, ask), self._rooms[pool.pk]
        usage = self._standing.usage(self.project, pool)
        place = usage.position if usage else LAST
        ahead = before(pool, place, priority, workload).count() if found.outcome is Outcome.WAITS else 0
        known = ask.inside(room)
        bar = _bar(known, self._standing.chain(self.project, pool)[0], room)
        return PoolAnswer(pool, found.outcome, *_words(found, known, pool, ahead), bar)


def _words(found: Forecast, ask: Ask, pool: Pool, ahead: int) -> tuple[str, str, str]:
    gpu_milli = ask.least.gpu_milli
    what = gpus_counted(gpu_milli) if gpu_milli else amount("cpu_millicores", ask.least.cpu_millicores)
    if found.outcome is Outcome.NOW:
        if not gpu_milli:
            return f"Starts now in {pool.name} with {what}.", "Nothing of others is stopped for it.", "starts now"
        if not found.over_milli:
            note = "Nothing of yours or of others is stopped for it."
            return (
                f"Starts now in {pool.name} with {what}, all guaranteed.",
                note,
                f"starts now, {gpus(gpu_milli)} guaranteed",
            )
        part = "all over quota"
        if found.guaranteed_milli:
            part = f"{gpus(found.guaranteed_milli)} guaranteed and {gpus(found.over_milli)} over quota"
        return f"Starts now in {pool.name} with {what}, {part}.", LENT, f"starts now, {part}"
    if found.outcome is Outcome.AFTER_RECLAIM:
        note = "GPUs that others hold over quota are taken back for it; that takes as long as their pods need to end."
        return f"Starts soon in {pool.name} with {what}, all guaranteed.", note, "starts when lent GPUs are back"
    if found.outcome is Outcome.NOT_KNOWN:
        note = f"Its loop does not tell nodes apart by {ask.unknown}. It is looked at within seconds of the submission."
        return f"Not known in {pool.name}: whether the nodes that it asks for are free.", note, "not known"
    assert found.code is not None
    reason = wait_reason(found.code, found.numbers, pool.name, unit_namer([found.numbers]))
    line = f"{counted(ahead, 'workload')} {'is' if ahead == 1 else 'are'} ahead of it. " if ahead else ""
    short = f"waits: {reason.short}" if found.outcome is Outcome.WAITS else reason.short
    return reason.sentence, line + reason.advice, short


def _bar(ask: Ask, project: Standing, room: Room) -> QuotaBar:
    """What the project has in the pool, and this workload as what waits."""
    column = 0 if room.largest_node.gpu_milli else 1
    name, used, quota = ("gpu", "cpu")[column], project.allocated[column], project.quota[column] or 0
    return QuotaBar.of(used, quota, max(quota, used + ask.least[column], 1), waiting=ask.least[column], resource=name)
