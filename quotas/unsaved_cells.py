"""Draws over the matrix what unsaved changes would make of it: cells, department sums, columns, totals."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from portal.matrix import MatrixCell
from quotas.cells import Head, Sum, Total, drawn_cell, drawn_head, drawn_sum, row_total, whole_total
from quotas.edits import Planned
from quotas.lens import Lens
from quotas.selectors.matrix import Column, Row
from quotas.selectors.unsaved import Side
from quotas.services.quota_versions import Cell


@dataclass(slots=True)
class Unsaved:
    """What looks different then; by the ids that the matrix gives its parts."""

    heads: list[Head] = field(default_factory=list)
    cells: list[MatrixCell] = field(default_factory=list)
    sums: list[Sum] = field(default_factory=list)
    totals: list[Total] = field(default_factory=list)


def draw_unsaved(now: Side, then: Side, plan: Planned, lens: Lens, scales: Mapping[int, int]) -> Unsaved:
    """`scales`: pool -> what bars show at full width in the matrix that it is drawn over."""
    found = Unsaved()
    touched = {change.pool.pk for change in plan.changes}
    typed = {cell for cell, edits in plan.edits.items() if any(edit.lens == lens for edit in edits)}
    columns = [pair for pair in zip(now.columns, then.columns, strict=True) if pair[0].pool.pk in touched]
    for rows in zip(now.rows, then.rows, strict=True):
        found.cells += _cells(rows, columns, lens, scales, typed)
    if lens.show != "quota":
        return found
    for rows in zip(now.rows, then.rows, strict=True):
        found.totals += _changed(row_total(rows[0], now.columns, lens), row_total(rows[1], then.columns, lens))
    if any(column.guaranteed is None for column in now.columns):
        return found
    found.totals += _changed(whole_total(now.columns, lens, True), whole_total(then.columns, lens, True))
    for was, column in columns:
        before, after = drawn_sum(was, lens, True), drawn_sum(column, lens, True)
        if before != after:
            found.sums.append(replace(after, before=before.total, unsaved=True))
            found.heads.append(drawn_head(column, lens, 0, True))
    return found


def _cells(
    rows: tuple[Row, Row],
    columns: list[tuple[Column, Column]],
    lens: Lens,
    scales: Mapping[int, int],
    typed: Collection[Cell],
) -> list[MatrixCell]:
    """Those that differ; where something was typed, the page puts that in place of the value itself."""
    cells = []
    for was, column in columns:
        scale = scales.get(column.pool.pk, 1)
        before, after = drawn_cell(rows[0], was, lens, scale, True), drawn_cell(rows[1], column, lens, scale, True)
        if before != replace(after, version=before.version):
            typed_over = (rows[1].unit.pk, column.pool.pk) in typed
            struck = before.value if before.value != after.value and not typed_over else ""
            cells.append(replace(after, state="then", before=struck))
    return cells


def _changed(before: Total, after: Total) -> list[Total]:
    return [replace(after, before=before.text)] if before != after else []
