"""Sending many binds or evictions at once, and saying of each what became of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import TypeVar

from ..gateway import GatewayError
from ..orders import BY_BUDGET, Bind, Eviction, Outcome, Result
from .errors import TOO_MANY_REQUESTS, ApiError, UnreachableError
from .window import Window

CALLS_IN_FLIGHT = 8
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
        """One result per order, in their order. `send` raises GatewayError; `keep_going` is asked in this thread."""
        sent: list[Future[Result]] = []
        for order in orders:
            future = self._begin(order, send, keep_going)
            if future is None:
                break
            sent.append(future)
        results = [future.result() for future in sent]
        return results + [Result(order.decision, Outcome.NOT_SENT) for order in orders[len(sent) :]]

    def close(self) -> None:
        self._executor.shutdown(wait=False)

    def _begin(
        self, order: Order, send: Callable[[Order], None], keep_going: Callable[[], bool]
    ) -> Future[Result] | None:
        """The call, once there is room for it; None when nothing more is to be sent."""
        self._window.acquire()
        with ExitStack() as unused:
            unused.callback(self._window.release)
            if not (self._window.is_open and keep_going()):
                return None
            # Closed meanwhile: whoever sends next does so by another gateway.
            with suppress(RuntimeError):
                future = self._executor.submit(self._send, order, send)
                unused.pop_all()
                return future
        return None

    def _send(self, order: Order, send: Callable[[Order], None]) -> Result:
        try:
            send(order)
        except GatewayError as error:
            if isinstance(error, ApiError) and error.budget:
                return Result(order.decision, Outcome.FAILED, f"{BY_BUDGET}: {error.budget}")
            return Result(order.decision, self._judge(error), str(error))
        else:
            self._window.succeeded()
            return Result(order.decision, Outcome.CONFIRMED)
        finally:
            self._window.release()

    def _judge(self, error: GatewayError) -> Outcome:
        """What the error means for the order, and for those that come after it."""
        if isinstance(error, ApiError):
            if error.status == TOO_MANY_REQUESTS:
                self._window.overloaded(error.retry_after_seconds or DEFAULT_WAIT_SECONDS)
                return Outcome.NOT_SENT
            if error.status >= 500 or error.status in (401, 403):
                self._window.failed()
            return Outcome.UNKNOWN if error.status >= 500 else Outcome.FAILED
        self._window.failed()
        is_unknown = not isinstance(error, UnreachableError) or error.may_have_arrived
        return Outcome.UNKNOWN if is_unknown else Outcome.NOT_SENT
