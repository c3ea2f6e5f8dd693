"""Rules of pods about other pods: to be in one domain with some, and in another than others.

A domain is all nodes with one value of a label. Pods count where they are bound or have a reserved room, those that are
stopping do not. As in Kubernetes, a pod that asks for company of its own kind may be the first one anywhere, and a rule
to be apart holds for who comes later, too.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from .classes import RequestClass
from .nodes import Nodes
from .types import PodRule


class Neighbours:
    """How many pods each rule is about, by domain. Knows the rules of the classes that it is made with."""

    def __init__(self, nodes: Nodes, kinds: Iterable[RequestClass]) -> None:
        rules = {rule for kind in kinds for rule in (*kind.request.together, *kind.request.apart)}
        self._values: dict[str, list[str | None]] = {}
        self._nodes: dict[str, dict[str, int]] = {}
        for key in {rule.topology_key for rule in rules}:
            values = self._values[key] = [dict(node.labels).get(key) for node in nodes.all]
            table: dict[str, int] = defaultdict(int)
            for index, value in enumerate(values):
                if value is not None:
                    table[value] |= nodes.bit[index]
            self._nodes[key] = dict(table)
        self._rules = sorted(rules)
        self._meant: dict[int, list[PodRule]] = {}
        """By class: rules that are about it."""
        self._there: dict[PodRule, Counter[str]] = {rule: Counter() for rule in rules}
        """By rule and domain: pods that it is about."""
        self._apart: dict[PodRule, Counter[str]] = {rule: Counter() for rule in rules}
        """By rule and domain: pods that have it, as one to be apart."""

    def _about(self, kind: RequestClass) -> list[PodRule]:
        found = self._meant.get(kind.index)
        if found is None:
            labels = set(kind.request.labels)
            found = self._meant[kind.index] = [rule for rule in self._rules if set(rule.labels) <= labels]
        return found

    def count(self, kind: RequestClass, node: int, sign: int) -> None:
        """One pod more or less on a node."""
        for rule in self._about(kind):
            self._add(self._there[rule], rule, node, sign)
        for rule in kind.request.apart:
            self._add(self._apart[rule], rule, node, sign)

    def _add(self, counts: Counter[str], rule: PodRule, node: int, sign: int) -> None:
        value = self._values[rule.topology_key][node]
        if value is not None:
            counts[value] += sign

    def mask(self, kind: RequestClass) -> int:
        """The nodes that the rules allow for one more pod of the class, as a bit set."""
        allowed = -1
        for rule in kind.request.together:
            there = self._there[rule]
            if rule not in self._about(kind) or any(there.values()):
                allowed &= self._domains(rule, there)
        for rule in kind.request.apart:
            allowed &= ~self._domains(rule, self._there[rule])
        for rule in self._about(kind):
            allowed &= ~self._domains(rule, self._apart[rule])
        return allowed

    def _domains(self, rule: PodRule, counts: Counter[str]) -> int:
        found = 0
        for value, count in counts.items():
            if count > 0:
                found |= self._nodes[rule.topology_key][value]
        return found
