"""A cluster that is overloaded or away is left alone for a while."""

import threading
from types import SimpleNamespace

import pytest

from scheduling.clusters.kubernetes import window as module
from scheduling.clusters.kubernetes.window import LONGEST_PAUSE_SECONDS, Window


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, in seconds, in its only element; chance always takes its upper end."""
    now = [100.0]
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(module.CHANCE, "uniform", lambda low, high: high)
    return now


def test_pause_is_as_long_as_the_cluster_asked_and_half_more_at_most(clock: list[float]) -> None:
    window = Window(8)
    window.overloaded(2.0)
    clock[0] += 2.9
    assert not window.is_open
    clock[0] += 0.2
    assert window.is_open


def test_pause_doubles_with_each_failure_up_to_a_bound_and_begins_anew_after_a_success(clock: list[float]) -> None:
    window = Window(8)

    def pause() -> float:
        began = clock[0]
        window.failed(began)
        while not window.is_open:
            clock[0] += 0.1
        return round(clock[0] - began, 1)

    assert [pause() for _ in range(4)] == pytest.approx([0.2, 0.4, 0.8, 1.6], abs=0.11)
    assert max(pause() for _ in range(8)) == pytest.approx(LONGEST_PAUSE_SECONDS, abs=0.11)
    window.succeeded()
    assert pause() == pytest.approx(0.2, abs=0.11)


def test_calls_that_fail_together_count_once(clock: list[float]) -> None:
    window = Window(8)
    began = clock[0]
    clock[0] += 4
    for _ in range(8):
        window.failed(began)
    clock[0] += 0.3
    assert window.is_open


def test_overload_halves_what_is_in_flight_and_success_brings_it_back() -> None:
    window = Window(8)
    for _ in range(5):
        window.overloaded(0)
    sizes = [window._size]
    for _ in range(10):
        window.succeeded()
        sizes.append(window._size)
    assert sizes == [1, 2, 3, 4, 5, 6, 7, 8, 8, 8, 8]


def test_those_who_send_at_once_have_equal_shares() -> None:
    window = Window(8)
    with window.share() as one:
        assert [one.take() for _ in range(9)] == [True] * 8 + [False]
        with window.share() as other:
            one.give_back(5)
            assert [one.take() for _ in range(2)] == [True, False]
            assert [other.take() for _ in range(5)] == [True] * 4 + [False]
        assert [one.take() for _ in range(5)] == [True] * 4 + [False]
    assert window.is_idle


def test_who_has_none_waits_for_room() -> None:
    window = Window(1)
    with window.share() as one, window.share() as other:
        assert one.take()
        threading.Timer(0.1, one.give_back).start()
        assert other.take()
        assert (one.taken, other.taken) == (0, 1)
