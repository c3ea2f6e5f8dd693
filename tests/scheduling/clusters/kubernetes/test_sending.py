"""What becomes of orders when the cluster answers well, badly, late or not at all."""

import threading
from collections.abc import Callable, Iterator
from itertools import count

import pytest

from scheduling.clusters.gateway import GatewayError
from scheduling.clusters.kubernetes.errors import ApiError, UnreachableError
from scheduling.clusters.kubernetes.sending import CALLS_IN_FLIGHT, Sender
from scheduling.clusters.orders import BY_BUDGET, Bind, Outcome


def orders(count: int) -> list[Bind]:
    return [Bind(decision=n, namespace="ns", pod=f"p{n}", uid=f"u{n}", node="n1") for n in range(count)]


def failing(error: GatewayError) -> Callable[[Bind], None]:
    def send(order: Bind) -> None:
        raise error

    return send


def api_error(status: int, cause: str = "", retry_after_seconds: float | None = None) -> ApiError:
    return ApiError(status, "no", {cause: "no budget left"} if cause else {}, retry_after_seconds)


@pytest.fixture
def sender() -> Iterator[Sender]:
    made = Sender()
    yield made
    made.close()


def test_every_order_gets_its_result_in_order_with_a_bounded_number_at_once(sender: Sender) -> None:
    lock, in_flight, most = threading.Lock(), 0, 0
    all_busy = threading.Barrier(CALLS_IN_FLIGHT)

    def send(order: Bind) -> None:
        nonlocal in_flight, most
        with lock:
            in_flight += 1
            most = max(most, in_flight)
        if order.decision < CALLS_IN_FLIGHT:
            all_busy.wait(5)
        with lock:
            in_flight -= 1

    results = sender.send_all(orders(50), send, lambda: True)
    assert [(r.decision, r.outcome) for r in results] == [(n, Outcome.CONFIRMED) for n in range(50)]
    assert most == CALLS_IN_FLIGHT


def test_nothing_is_sent_after_keep_going_said_no(sender: Sender) -> None:
    sent: list[int] = []
    asked = count()
    results = sender.send_all(orders(5), lambda order: sent.append(order.decision), lambda: next(asked) < 2)
    assert len(sent) == 2
    assert sorted(sent) == [r.decision for r in results if r.outcome is Outcome.CONFIRMED]
    assert [r.outcome for r in results].count(Outcome.NOT_SENT) == 3


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (api_error(404), Outcome.FAILED),
        (api_error(409), Outcome.FAILED),
        (api_error(403), Outcome.FAILED),
        (api_error(422), Outcome.FAILED),
        (api_error(429, "DisruptionBudget"), Outcome.FAILED),
        (api_error(429), Outcome.NOT_SENT),
        (api_error(500), Outcome.UNKNOWN),
        (api_error(504), Outcome.UNKNOWN),
        (UnreachableError("lost", may_have_arrived=True), Outcome.UNKNOWN),
        (UnreachableError("refused", may_have_arrived=False), Outcome.NOT_SENT),
        (GatewayError("nonsense"), Outcome.UNKNOWN),
    ],
)
def test_error_decides_the_outcome(sender: Sender, error: GatewayError, outcome: Outcome) -> None:
    (result,) = sender.send_all(orders(1), failing(error), lambda: True)
    budget = f"{BY_BUDGET}: no budget left" if isinstance(error, ApiError) and error.budget else ""
    assert (result.outcome, result.message) == (outcome, budget or str(error))


def test_overload_stops_what_follows_until_the_time_is_over(sender: Sender) -> None:
    sender.send_all(orders(1), failing(api_error(429, retry_after_seconds=60)), lambda: True)
    (result,) = sender.send_all(orders(1), lambda order: None, lambda: True)
    assert result.outcome is Outcome.NOT_SENT


def test_protected_pod_stops_nothing_else(sender: Sender) -> None:
    sender.send_all(orders(1), failing(api_error(429, "DisruptionBudget")), lambda: True)
    (result,) = sender.send_all(orders(1), lambda order: None, lambda: True)
    assert result.outcome is Outcome.CONFIRMED


def test_a_defect_in_sending_is_not_swallowed(sender: Sender) -> None:
    def send(order: Bind) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        sender.send_all(orders(CALLS_IN_FLIGHT * 3), send, lambda: True)
    (result,) = sender.send_all(orders(1), lambda order: None, lambda: True)
    assert result.outcome is Outcome.CONFIRMED


def test_error_in_keep_going_leaves_room_for_others(sender: Sender) -> None:
    def keep_going() -> bool:
        raise ZeroDivisionError

    for _ in range(CALLS_IN_FLIGHT + 1):
        with pytest.raises(ZeroDivisionError):
            sender.send_all(orders(1), lambda order: None, keep_going)


def test_closed_sender_sends_nothing(sender: Sender) -> None:
    sender.close()
    outcomes = [result.outcome for result in sender.send_all(orders(20), lambda order: None, lambda: True)]
    assert outcomes == [Outcome.NOT_SENT] * 20
