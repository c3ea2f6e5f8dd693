"""Sending many binds or evictions at once, and saying of each what became of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TypeVar

from ..gateway import GatewayError
from ..orders import BY_BUDGET, Bind, Eviction, Outcome, Result
from .errors import TOO_MANY_REQUESTS, ApiError, UnreachableError
from .window import Window

CALLS_IN_FLIGHT = 16
DEFAULT_WAIT_SECONDS = 1.0

Order = TypeVar("Order", Bind, Eviction)


class Sender:
    """Shared by everybody who sends orders to one cluster; thread-safe."""

    def __init__(self) -> None:
        self._window = Window(CALLS_IN_FLIGHT)
        self._executor = ThreadPoolExecutor(CALLS_IN_FLIGHT, thread_name_prefix="kubernetes call")

    @property
    def is_idle(self) -> bool:
        """No order is under way, and the cluster is not to be left alone."""
        return self._window.is_idle

    def send_all(
        self, orders: Sequence[Order], send: Callable[[Order], None], keep_going: Callable[[], bool]
    ) -> list[Result]:
        """One result per order, in their order. `send` raises GatewayError."""
        results = [Result(order.decision, Outcome.NOT_SENT) for order in orders]
        next_one = SimpleQueue[int]()
        for number in range(len(orders)):
            next_one.put(number)

        def call_on() -> None:
            while (number := _taken(next_one)) is not None and self._begin(keep_going):
                results[number] = self._send(orders[number], send)

        callers: list[Future[None]] = []
        # Closed meanwhile: whoever sends next does so by another gateway.
        with suppress(RuntimeError):
            callers.extend(self._executor.submit(call_on) for _ in orders[:CALLS_IN_FLIGHT])
        for caller in callers:
            caller.result()
        return results

    def close(self) -> None:
        self._executor.shutdown(wait=False)

    def _begin(self, keep_going: Callable[[], bool]) -> bool:
        """Waits until there is room for a call; False, and none is to be made, when nothing more is to be sent."""
        self._window.acquire()
        may_call = False
        try:
            may_call = self._window.is_open and keep_going()
        finally:
            if not may_call:
                self._window.release()
        return may_call

    def _send(self, order: Order, send: Callable[[Order], None]) -> Result:
        began = time.monotonic()
        try:
            send(order)
        except GatewayError as error:
            if isinstance(error, ApiError) and error.budget:
                return Result(order.decision, Outcome.FAILED, f"{BY_BUDGET}: {error.budget}")
            return Result(order.decision, self._judge(error, began), str(error))
        else:
            self._window.succeeded()
            return Result(order.decision, Outcome.CONFIRMED)
        finally:
            self._window.release()

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


def _taken(numbers: SimpleQueue[int]) -> int | None:
    try:
        return numbers.get_nowait()
    except Empty:
        return None
