"""Draws the quota matrix: its cells, sums and heads, through a lens."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from portal.matrix import MatrixCell
from portal.quota_bar import QuotaBar
from quotas.lens import Lens
from quotas.models import Quota, Rank
from quotas.selectors.matrix import Column, Entry, Matrix, Row
from quotas.selectors.sums import Amounts

LOCKED = "Quotas are changed with the right on the unit above, which you do not have there."


@dataclass(frozen=True, slots=True)
class Sum:
    """What a pool's quotas add up to, against its hardware that is ready."""

    id: str
    total: str
    ready: str
    sign: Literal["check", "over", ""]
    words: str
    bar: QuotaBar | None
    label: str
    before: str = ""
    """What is saved, where unsaved changes make something else of it."""
    unsaved: bool = False


@dataclass(frozen=True, slots=True)
class Head:
    id: str
    name: str
    note: str
    over: str
    """By how much more is guaranteed than is ready; empty: it is not."""
    scale: int
    """What its bars show at full width."""


@dataclass(frozen=True, slots=True)
class Total:
    """Over all pools."""

    id: str
    text: str
    ready: str = ""
    before: str = ""
    """What is saved, where unsaved changes make something else of it."""


@dataclass(frozen=True, slots=True)
class DrawnRow:
    row: Row
    cells: list[MatrixCell]
    total: Total


@dataclass(frozen=True, slots=True)
class Drawn:
    heads: list[Head]
    rows: list[DrawnRow]
    sums: list[Sum]
    """Empty: the whole cluster is not for this reader, or not in this scope."""
    total: Total
    """Of the cluster."""
    adds_up: bool
    """The lens shows quotas, which add up to rows and columns."""


def draw(matrix: Matrix, lens: Lens) -> Drawn:
    """The matrix as the template shows it."""
    scales = _scales(matrix, lens)
    quotas = lens.show == "quota"
    whole = quotas and matrix.is_whole
    rows = [
        DrawnRow(
            row=row,
            cells=[_as_of(row, column, lens, scales[column.pool.pk], matrix.at) for column in matrix.columns],
            total=row_total(row, matrix.columns, lens),
        )
        for row in matrix.rows
    ]
    return Drawn(
        heads=[drawn_head(column, lens, scales[column.pool.pk], matrix.at is None) for column in matrix.columns],
        rows=rows,
        sums=[drawn_sum(column, lens, matrix.at is None) for column in matrix.columns] if whole else [],
        total=whole_total(matrix.columns, lens, matrix.at is None),
        adds_up=quotas,
    )


def row_total(row: Row, columns: Sequence[Column], lens: Lens) -> Total:
    amount = sum(_of(lens, row.entries[column.pool.pk].guaranteed) for column in columns)
    return Total(f"total-{row.unit.pk}", lens.resource.words(amount))


def whole_total(columns: Sequence[Column], lens: Lens, live: bool) -> Total:
    """`live`: as it is now, so with what is ready."""
    words = lens.resource.words
    ready = words(sum(_of(lens, column.hardware.ready) for column in columns)) if live else ""
    return Total("sum-all", words(sum(_of(lens, column.guaranteed or Amounts()) for column in columns)), ready)


def _of(lens: Lens, amounts: Amounts) -> int:
    return int(getattr(amounts, lens.resource.field))


def _scales(matrix: Matrix, lens: Lens) -> dict[int, int]:
    """Pool -> what its bars show at full width: the most that a project has or uses there."""
    scales: dict[int, int] = defaultdict(lambda: 1)
    for row in matrix.rows:
        if row.is_group:
            continue
        for pool, entry in row.entries.items():
            scales[pool] = max(scales[pool], _of(lens, entry.guaranteed), _of(lens, entry.used))
    return scales


def _as_of(row: Row, column: Column, lens: Lens, scale: int, at: datetime | None) -> MatrixCell:
    """Of now, or of a moment, when the unit or the pool may not have been there yet."""
    cell = drawn_cell(row, column, lens, scale, at is None)
    if at is None or max(row.unit.created_at, column.pool.created_at) <= at:
        return cell
    return replace(cell, value="", note="", default="not there yet", problem="")


def drawn_cell(row: Row, column: Column, lens: Lens, scale: int, live: bool) -> MatrixCell:
    """`live`: as it is now, so with what is used."""
    entry, pool, unit = row.entries[column.pool.pk], column.pool, row.unit
    editable = row.editable and not row.is_default
    quota = entry.quota or (Quota() if row.is_default else row.unset)
    return MatrixCell(
        id=f"cell-{unit.pk}-{pool.pk}",
        label=f"{unit.name} in {pool.name}, {lens.label}",
        value=_value(row, entry, quota, lens),
        note=_note(row, entry, quota, lens, live),
        default=_default(row, entry, quota, lens),
        problem=_problem(row, entry, lens),
        bar=_bar(entry, quota, lens, scale) if live and lens.has_bars and not row.is_group else None,
        state="blocked" if quota.blocked else "",
        editable=editable,
        version=str(entry.quota.version if entry.quota else 0),
        locked="" if row.editable or row.is_default or not live else LOCKED,
        over_quota=quota.over_quota if lens.has_bars else None,
        rank=Rank(quota.rank).label if lens.show == "weight" else "",
        strong=row.is_group,
    )


def _value(row: Row, entry: Entry, quota: Quota, lens: Lens) -> str:
    if not row.is_default:
        return lens.words(quota)
    return lens.resource.words(_of(lens, entry.guaranteed)) if lens.show == "quota" else ""


def _note(row: Row, entry: Entry, quota: Quota, lens: Lens, live: bool) -> str:
    if lens.show == "weight":
        return "" if row.is_default else f"{Rank(quota.rank).label} rank"
    if lens.is_runtime:
        return ""
    words = lens.resource.words
    parts = [f"{words(_of(lens, entry.used))} used"] if live else []
    left = _of(lens, entry.guaranteed) - _of(lens, entry.given)
    if row.is_group and not row.is_default and lens.show == "quota":
        parts += [f"{words(left)} left"] if left > 0 else []
    if not quota.over_quota:
        parts.append("capped")
    elif lens.show == "quota" and getattr(quota, lens.resource.limit_field) is not None:
        parts.append(f"up to {words(getattr(quota, lens.resource.limit_field))}")
    return ", ".join(parts)


def _problem(row: Row, entry: Entry, lens: Lens) -> str:
    """Of a department that has given out more than it has."""
    if not row.is_group or row.is_default or lens.show != "quota":
        return ""
    over = _of(lens, entry.given) - _of(lens, entry.guaranteed)
    return f"{lens.resource.words(over)} too many given" if over > 0 else ""


def _default(row: Row, entry: Entry, quota: Quota, lens: Lens) -> str:
    """Words for what holds where nothing is set."""
    if quota.blocked:
        return "" if entry.quota else "blocked"
    if row.is_default or lens.show == "weight":
        return ""
    if getattr(quota, lens.field) is None:
        if lens.is_runtime:
            return "as the pool" if row.unit.parent_id == row.unit.cluster_id else "as above"
        if lens.show == "quota":
            return "not set"
        return "no limit" if quota.over_quota else ""
    none = lens.show == "quota" and lens.resource.key == "gpu" and not quota.gpu_milli
    return "best effort" if none and quota.over_quota and not row.is_group else ""


def _bar(entry: Entry, quota: Quota, lens: Lens, scale: int) -> QuotaBar | None:
    used, value = _of(lens, entry.used), getattr(quota, lens.resource.field)
    if value is None:
        return None  # not bounded by a quota, so what is used is neither inside nor over one
    return QuotaBar.of(used, value, scale, resource=lens.resource.key)


def drawn_head(column: Column, lens: Lens, scale: int, live: bool) -> Head:
    over = _of(lens, column.guaranteed or Amounts()) - _of(lens, column.hardware.ready)
    words = f"{lens.resource.words(over)} over" if live and lens.show == "quota" and over > 0 else ""
    return Head(f"head-{column.pool.pk}", column.pool.name, column.hardware.gpu_type, words, scale)


def drawn_sum(column: Column, lens: Lens, live: bool) -> Sum:
    words = lens.resource.words
    if not live:  # what was ready then, nobody knows
        return Sum(f"sum-{column.pool.pk}", words(_of(lens, column.guaranteed or Amounts())), "", "", "", None, "")
    total, ready = _of(lens, column.guaranteed or Amounts()), _of(lens, column.hardware.ready)
    over = total > ready
    remark = "adds up" if total == ready else f"{words(abs(ready - total))} {'over' if over else 'to give'}"
    return Sum(
        id=f"sum-{column.pool.pk}",
        total=words(total),
        ready=words(ready),
        sign="over" if over else "check" if total == ready else "",
        words=remark,
        bar=QuotaBar(
            inside=min(total, ready),
            free=max(ready - total, 0),
            guaranteed=total if over else None,
            scale=max(total, ready, 1),
            resource=lens.resource.key,
        ),
        label=f"{words(total)} guaranteed of {words(ready)} ready",
    )
