"""Gathering changes into what an observer is told at once."""

from __future__ import annotations

from typing import Any

from ..seen import Seen
from .kinds import KINDS, SeenItem
from .reflector import Changed, Listed


class Batch:
    """What was seen since the last batch; the newest word about an object counts."""

    def __init__(self) -> None:
        self._items: dict[str, dict[str, SeenItem]] = {kind.name: {} for kind in KINDS}
        self._gone: dict[str, dict[str, None]] = {kind.name: {} for kind in KINDS}
        self.complete: dict[str, float] = {}
        self._told_at: float | None = None

    def __len__(self) -> int:
        return sum(map(len, self._items.values())) + sum(map(len, self._gone.values()))

    def add(self, change: Listed | Changed) -> None:
        items, gone = self._items[change.kind], self._gone[change.kind]
        if isinstance(change, Listed):
            items.clear()
            gone.clear()
            items.update((item.uid, item) for item in change.items)
            self.complete[change.kind] = change.asked_at
            return
        self._told_at = self._told_at or change.told_at
        if change.gone:
            items.pop(change.item.uid, None)
            gone[change.item.uid] = None
        else:
            gone.pop(change.item.uid, None)
            items[change.item.uid] = change.item

    def seen(self) -> Seen:
        fields: dict[str, tuple[Any, ...]] = {}
        for kind in KINDS:
            found, gone = kind.field, f"gone_{kind.field}"
            fields[found] = (*fields.get(found, ()), *self._items[kind.name].values())
            fields[gone] = (*fields.get(gone, ()), *self._gone[kind.name])
        return Seen(**fields, complete=self.complete, told_at=self._told_at)
