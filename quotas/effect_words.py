"""What the panel beside the matrix says of unsaved changes."""

from __future__ import annotations

from collections.abc import Sequence

from portal.formats import counted
from quotas.resources import Resource
from quotas.selectors.effect import Effect, FairShare, Line, Total

NAMED = 2
"""So many units that gain or lose are named in the sentence; more are counted."""


def sentence(effect: Effect) -> str:
    """Who loses and who gains, and what of the running work changes sides."""
    parts = _moves(effect.lines) or [*_parts(effect.lines, "loses", "lose"), *_parts(effect.lines, "gains", "gain")]
    if effect.others:
        parts.append(f"{'other settings change' if parts else 'settings change'} in {counted(effect.others, 'cell')}")
    over = sum(work.over for work in effect.moved)
    if over:
        parts.append(f"{counted(over, 'running workload')} {'becomes' if over == 1 else 'become'} over quota")
    back = len(effect.moved) - over
    if back:
        parts.append(f"{counted(back, 'running workload')} {'comes' if back == 1 else 'come'} back inside quota")
    text = "; ".join(parts) or "nothing changes"
    return f"{text[0].upper()}{text[1:]}."


def promised(resource: Resource, amount: int) -> str:
    """ "4 guaranteed GPUs", "64 GiB of guaranteed memory"."""
    words = resource.words(amount)
    if resource.key == "memory":
        return f"{words} of guaranteed memory"
    one = amount == 1000
    return f"{words} guaranteed {'GPU' if resource.key == 'gpu' else 'core'}{'' if one else 's'}"


def _moves(lines: Sequence[Line]) -> list[str]:
    """Where one has as much more as another has less, that is said as one thing."""
    if len(lines) != 2:
        return []
    loser, gainer = lines
    same = (loser.pool, loser.resource) == (gainer.pool, gainer.resource)
    if not same or loser.change >= 0 or loser.change + gainer.change:
        return []
    amount = promised(loser.resource, gainer.change)
    return [f"moves {amount} in {loser.pool.name} from {loser.unit.name} to {gainer.unit.name}"]


def _parts(lines: Sequence[Line], one: str, many: str) -> list[str]:
    side = [line for line in lines if (line.change < 0) == (many == "lose")]
    if len({line.unit.pk for line in side}) <= NAMED and len(side) <= NAMED:
        return [
            f"{line.unit.name} {one} {promised(line.resource, abs(line.change))} in {line.pool.name}" for line in side
        ]
    found = []
    for resource in {line.resource.key: line.resource for line in side}.values():
        own = [line for line in side if line.resource == resource]
        units = len({line.unit.pk for line in own})
        amount = promised(resource, sum(abs(line.change) for line in own))
        found.append(f"{counted(units, 'unit')} {one if units == 1 else many} {amount}")
    return found


def remark(line: Line) -> tuple[str, str]:
    """Tone, and what becomes of what the unit has in use."""
    words = line.resource.counted
    if line.safer > 0:
        return "ok", f"{words(line.safer)} become{'s' if line.safer == 1000 else ''} safe"
    if line.safer < 0:
        return "danger", f"{words(-line.safer)} could be taken back"
    return "", ""


def note(line: Line) -> str:
    """How it stands then."""
    words = line.resource.words
    over, idle = max(line.used - line.after, 0), max(line.after - line.used, 0)
    if not line.used:
        return f"{words(line.before)} now, {words(line.after)} then; nothing of it is in use."
    if over:
        return (
            f"{words(line.before)} now, {words(line.after)} then; {words(over)} of {words(line.used)} in use over it."
        )
    rest = f"; {words(idle)} stay idle" if idle else ""
    return f"{words(line.before)} now, {words(line.after)} then; all {words(line.used)} in use are inside it{rest}."


def total_words(total: Total) -> str:
    """Whether it adds up then: "a100 still adds up: 96 of 96"."""
    words = total.resource.words
    where = total.pool.name if total.whose is None else f"{total.whose.name} in {total.pool.name}"
    sums = f"{words(total.after)} of {words(total.available)}"
    if total.after <= total.available:
        return f"{where} {'adds' if total.before > total.available else 'still adds'} up: {sums}."
    return f"{where} does not add up: {sums}, {words(total.after - total.available)} over."


def signed(resource: Resource, share: FairShare) -> str:
    """A change with its sign."""
    return f"{'+' if share.change > 0 else '−'}{resource.words(abs(share.change))}"


def effect_rows(effect: Effect) -> list[dict[str, object]]:
    """The panel in lines, for programs: the sentence, who gains and loses, whether it adds up, fair shares."""
    rows: list[dict[str, object]] = [{"text": sentence(effect), "figure": None, "tone": "change"}]
    for line in effect.lines:
        tone, remarked = remark(line)
        text = f"{line.unit.name} in {line.pool.name}, {line.resource.label}"
        figure = f"{line.resource.words(line.before)} → {line.resource.words(line.after)}"
        rows.append({"text": text, "figure": figure, "tone": tone or "change", "names": remarked or note(line)})
    for total in effect.totals:
        over = total.after > total.available
        rows.append({"text": total_words(total), "figure": None, "tone": "over" if over else "kept"})
    for pool, resource, shares in effect.fair:
        for share in shares:
            text = f"Fair share of {share.unit.name} in {pool.name}, {resource.label}"
            figure = f"{resource.words(share.now)} → {resource.words(share.then)}"
            rows.append({"text": text, "figure": figure, "tone": "danger" if share.change < 0 else "change"})
    return rows
