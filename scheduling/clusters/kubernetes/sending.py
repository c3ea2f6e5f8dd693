"""Sending many binds or evictions at once, and saying of each what became of it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from ..gateway import GatewayError
from ..orders import BY_BUDGET, Bind, Eviction, Outcome, Result
from .errors import TOO_MANY_REQUESTS, ApiError, UnreachableError
from .request import Steps
from .transport import Transport
from .window import Window

CALLS_IN_FLIGHT = 16
DEFAULT_WAIT_SECONDS = 1.0

Order = TypeVar("Order", Bind, Eviction)


class Sender:
    """Shared by everybody who sends orders to one cluster; thread-safe."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._window = Window(CALLS_IN_FLIGHT)

    @property
    def is_idle(self) -> bool:
        """No order is under way, and the cluster is not to be left alone."""
        return self._window.is_idle

    def send_all(
        self, orders: Sequence[Order], send: Callable[[Order], Steps[None]], keep_going: Callable[[], bool]
    ) -> list[Result]:
        """One result per order, in their order. `send` raises GatewayError."""
        results = [Result(order.decision, Outcome.NOT_SENT) for order in orders]
        waiting = deque(range(len(orders)))
        # Closed meanwhile: whoever sends next does so by another gateway.
        with suppress(UnreachableError), self._transport.loop() as loop, self._window.share() as share:
            while True:
                while waiting and share.take():
                    if not (self._window.is_open and keep_going()):
                        share.give_back()
                        waiting.clear()
                        break
                    number = waiting.popleft()
                    loop.start((number, time.monotonic()), send(orders[number]))
                if not loop.under_way:
                    break
                for (number, began), error in loop.wait():
                    share.give_back()
                    results[number] = self._result(orders[number], error, began)
        return results

    def _result(self, order: Order, error: GatewayError | None, began: float) -> Result:
        if error is None:
            self._window.succeeded()
            return Result(order.decision, Outcome.CONFIRMED)
        if isinstance(error, ApiError) and error.budget:
            return Result(order.decision, Outcome.FAILED, f"{BY_BUDGET}: {error.budget}")
        return Result(order.decision, self._judge(error, began), str(error))

    def _judge(self, error: GatewayError, began: float) -> Outcome:
        """What the error means for the order, and for those that come after it."""
        if isinstance(error, ApiError):
            if error.status == TOO_MANY_REQUESTS:
                self._window.overloaded(error.retry_after_seconds or DEFAULT_WAIT_SECONDS)
                return Outcome.NOT_SENT
            if error.status >= 500 or error.status in (401, 403):
                self._window.failed(began)
            return Outcome.UNKNOWN if error.status >= 500 else Outcome.FAILED
        self._window.failed(began)
        is_unknown = not isinstance(error, UnreachableError) or error.may_have_arrived
        return Outcome.UNKNOWN if is_unknown else Outcome.NOT_SENT
