"""What becomes of orders when the cluster answers well, badly, late or not at all."""

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from scheduling.clusters.gateway import GatewayError
from scheduling.clusters.kubernetes.errors import ApiError, UnreachableError
from scheduling.clusters.kubernetes.request import Request, Steps
from scheduling.clusters.kubernetes.sending import CALLS_IN_FLIGHT, Sender
from scheduling.clusters.orders import BY_BUDGET, Bind, Outcome

from .bad_server import transport_to


def orders(count: int) -> list[Bind]:
    return [Bind(decision=n, namespace="ns", pod=f"p{n}", uid=f"u{n}", node="n1") for n in range(count)]


async def succeeding(order: Bind) -> None:
    """Without a call."""


def failing(error: Exception) -> Callable[[Bind], Steps[None]]:
    async def send(order: Bind) -> None:
        raise error

    return send


def api_error(status: int, cause: str = "", retry_after_seconds: float | None = None) -> ApiError:
    return ApiError(status, "no", {cause: "no budget left"} if cause else {}, retry_after_seconds)


@pytest.fixture
def sender(server: str) -> Iterator[Sender]:
    transport = transport_to(server)
    yield Sender(transport)
    transport.close()


def test_every_order_gets_its_result_in_order_with_a_bounded_number_at_once(sender: Sender) -> None:
    together: list[int] = []

    async def send(order: Bind) -> None:
        together.append(int(await Request("GET", f"/crowd?wanted={CALLS_IN_FLIGHT}", 5)))

    results = sender.send_all(orders(50), send, lambda: True)
    assert [(r.decision, r.outcome) for r in results] == [(n, Outcome.CONFIRMED) for n in range(50)]
    assert set(together) == {CALLS_IN_FLIGHT}


def test_nothing_is_sent_after_keep_going_said_no(sender: Sender) -> None:
    sent: list[int] = []
    asked = count()

    async def send(order: Bind) -> None:
        sent.append(order.decision)

    results = sender.send_all(orders(5), send, lambda: next(asked) < 2)
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
    (result,) = sender.send_all(orders(1), succeeding, lambda: True)
    assert result.outcome is Outcome.NOT_SENT


def test_protected_pod_stops_nothing_else(sender: Sender) -> None:
    sender.send_all(orders(1), failing(api_error(429, "DisruptionBudget")), lambda: True)
    (result,) = sender.send_all(orders(1), succeeding, lambda: True)
    assert result.outcome is Outcome.CONFIRMED


def test_a_defect_in_sending_is_not_swallowed(sender: Sender) -> None:
    with pytest.raises(ZeroDivisionError):
        sender.send_all(orders(CALLS_IN_FLIGHT * 3), failing(ZeroDivisionError()), lambda: True)
    (result,) = sender.send_all(orders(1), succeeding, lambda: True)
    assert result.outcome is Outcome.CONFIRMED
    assert sender.is_idle


def test_error_in_keep_going_leaves_room_for_others(sender: Sender) -> None:
    def keep_going() -> bool:
        raise ZeroDivisionError

    for _ in range(CALLS_IN_FLIGHT + 1):
        with pytest.raises(ZeroDivisionError):
            sender.send_all(orders(1), succeeding, keep_going)
    assert sender.is_idle


def test_nothing_is_sent_once_the_connection_is_closed(server: str) -> None:
    transport = transport_to(server)
    transport.close()
    outcomes = [result.outcome for result in Sender(transport).send_all(orders(20), succeeding, lambda: True)]
    assert outcomes == [Outcome.NOT_SENT] * 20
