"""An organization as a file says it, and what has to change for it to be so. Nothing here asks the database."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

Key = tuple[str, ...]
Values = dict[str, Any]
KINDS = ("pool", "department", "project", "quota", "rule")
"""In the order in which they are made; what goes, goes the other way round."""
ACCOUNT = "/"
"""How a rule on the whole account names its place."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: `before` and `after` hold the fields that differ, all of them of what comes or goes."""

    action: str
    """`create`, `change`, `move` or `delete`."""
    kind: str
    key: Key
    before: Values = field(default_factory=dict)
    after: Values = field(default_factory=dict)

    def told(self) -> dict[str, Any]:
        """As programs read it."""
        name = " ".join(part.rstrip("/") or part for part in self.key)
        return {"action": self.action, "kind": self.kind, "name": name, "before": self.before, "after": self.after}


@dataclass(slots=True)
class Declared:
    """Things by kind and key with their fields. A kind that is missing is not looked at.

    The key of a unit is its path from the cluster, of a department with a slash at its end (`north/vision/`), as a
    project may have the name of a department beside it; of a pool cluster and name, of a quota unit and pool, of a rule
    place, who and role.
    """

    things: dict[str, dict[Key, Values]]
    fixed: set[Key] = field(default_factory=set)
    """Units and pools that nobody can take away."""

    def of(self, kind: str) -> dict[Key, Values]:
        return self.things.get(kind, {})

    def clusters(self) -> set[str]:
        """The clusters, and maybe the account, that it speaks of."""
        return {_cluster(key) for things in self.things.values() for key in things}

    def moved(self, new: dict[str, str]) -> Declared:
        """The same with some projects elsewhere."""
        things = {
            kind: {(new.get(key[0], key[0]), *key[1:]): values for key, values in rows.items()}
            for kind, rows in self.things.items()
        }
        return Declared(things, self.fixed)

    def resolved(self, there: Declared) -> Declared:
        """The same with what people write for a department, which may lack its slash. A project goes before a
        department of its name."""
        projects = {path for (path,) in [*self.of("project"), *there.of("project")]}

        def whole(path: str) -> str:
            plain = "/" not in path or path.endswith("/") or path in projects
            return path if plain else f"{path}/"

        things = dict(self.things)
        for kind in ("quota", "rule"):
            if kind in things:
                things[kind] = {(whole(key[0]), *key[1:]): values for key, values in things[kind].items()}
        return Declared(things)


def differences(now: Declared, wanted: Declared, *, prune: bool) -> list[Change]:
    """What has to change, in the order in which it is done.

    `prune`: what the file does not have, of the kinds and clusters that it speaks of, goes.
    """
    new = _moves(now, wanted)
    now = now.moved(new)
    rows: list[Change] = []
    for kind in KINDS:
        if kind == "project":
            rows += [Change("move", kind, (path,), {"path": old}, {"path": path}) for old, path in new.items()]
        # A path comes behind the one that it lies in.
        for key, values in sorted(wanted.of(kind).items()):
            there = now.of(kind).get(key)
            if there is None:
                rows.append(Change("create", kind, key, {}, values))
            elif changed := [name for name in values if values[name] != there[name]]:
                before, after = ({name: side[name] for name in changed} for side in (there, values))
                rows.append(Change("change", kind, key, before, after))
    return rows + (_gone(now, wanted) if prune else [])


def digest(changes: list[Change]) -> str:
    """The same for the same changes: whoever has seen them can ask for these and no others."""
    told = json.dumps([[change.key, change.told()] for change in changes], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def _moves(now: Declared, wanted: Declared) -> dict[str, str]:
    """Projects that are elsewhere in their cluster, where their name is unique: by the path that they leave."""
    places = {_in_cluster(path): path for (path,) in now.of("project")}
    found = {places.get(_in_cluster(path), path): path for (path,) in sorted(wanted.of("project"))}
    return {old: path for old, path in found.items() if old != path and (old,) not in wanted.of("project")}


def _gone(now: Declared, wanted: Declared) -> list[Change]:
    """What lies in a unit that goes, goes along with it, and is not said."""
    clusters, going, found = wanted.clusters(), set[str](), list[Change]()
    for kind in (kind for kind in KINDS if kind in wanted.things):
        for key, values in sorted(now.of(kind).items()):
            stays = key in wanted.of(kind) or key in now.fixed or _cluster(key) not in clusters
            if stays or any(key[0] == path or (path[-1] == "/" and key[0].startswith(path)) for path in going):
                continue
            if kind in ("department", "project"):
                going.add(key[0])
            found.append(Change("delete", kind, key, values, {}))
    return sorted(found, key=lambda change: -KINDS.index(change.kind))


def _cluster(key: Key) -> str:
    return ACCOUNT if key[0] == ACCOUNT else key[0].partition("/")[0]


def _in_cluster(path: str) -> tuple[str, str]:
    """A project's cluster and name."""
    return path.partition("/")[0], path.rpartition("/")[2]
