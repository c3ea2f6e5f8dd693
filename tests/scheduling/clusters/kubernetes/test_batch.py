"""The newest word about an object counts."""

from dataclasses import replace

import pytest

from scheduling.clusters.kubernetes import batch as module
from scheduling.clusters.kubernetes.batch import Batch
from scheduling.clusters.kubernetes.kinds import KINDS
from scheduling.clusters.kubernetes.reflector import Changed, Listed
from scheduling.clusters.seen import ObjectState, Seen, SeenNode, SeenObject


def node(uid: str, name: str = "n") -> SeenNode:
    return SeenNode(uid=uid, name=name, labels={})


def test_later_change_replaces_an_earlier_one() -> None:
    batch = Batch()
    batch.add(Changed("nodes", node("a", "old"), gone=False, told_at=1.0))
    batch.add(Changed("nodes", node("b"), gone=False, told_at=1.0))
    batch.add(Changed("nodes", node("a", "new"), gone=False, told_at=1.0))
    assert len(batch) == 2
    assert batch.seen() == Seen(nodes=(node("a", "new"), node("b")))


def test_what_went_is_told_as_gone_and_what_came_back_is_not() -> None:
    batch = Batch()
    batch.add(Changed("nodes", node("a"), gone=False, told_at=1.0))
    batch.add(Changed("nodes", node("a"), gone=True, told_at=1.0))
    batch.add(Changed("nodes", node("b"), gone=True, told_at=1.0))
    batch.add(Changed("nodes", node("b"), gone=False, told_at=1.0))
    assert batch.seen() == Seen(nodes=(node("b"),), gone_nodes=("a",))


def test_list_makes_its_kind_complete_and_forgets_what_was_before() -> None:
    batch = Batch()
    batch.add(Changed("nodes", node("a"), gone=False, told_at=1.0))
    batch.add(Changed("nodes", node("b"), gone=True, told_at=1.0))
    batch.add(Listed("nodes", [node("c")], 7.0))
    batch.add(Changed("nodes", node("d"), gone=False, told_at=1.0))
    assert batch.seen() == Seen(nodes=(node("c"), node("d")), complete={"nodes": 7.0}, told_at=1.0)


def test_kinds_that_share_a_field_are_listed_each_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = next(kind for kind in KINDS if kind.name == "jobs")
    monkeypatch.setattr(module, "KINDS", (jobs, replace(jobs, name="others")))
    one, two = (SeenObject(uid, "o", "ns", "w", ObjectState.ACTIVE, kind=uid) for uid in ("jobs", "others"))
    batch = Batch()
    batch.add(Changed("jobs", one, gone=False, told_at=1.0))
    batch.add(Listed("others", [two], 7.0))
    batch.add(Changed("others", two, gone=True, told_at=1.0))
    assert batch.seen() == Seen(objects=(one,), gone_objects=("others",), complete={"others": 7.0})
