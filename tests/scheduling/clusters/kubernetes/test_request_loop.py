"""Many requests in one thread, to a server that answers in every way it should not."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from scheduling.clusters.gateway import GatewayError
from scheduling.clusters.kubernetes.errors import ApiError, UnreachableError
from scheduling.clusters.kubernetes.request import Request, Steps
from scheduling.clusters.kubernetes.request_loop import RequestLoop
from scheduling.clusters.kubernetes.transport import Transport

from .bad_server import CUT, transport_to

Ended = dict[Any, Any]


@pytest.fixture
def transport(server: str) -> Iterator[Transport]:
    made = transport_to(server)
    yield made
    made.close()


async def ask(path: str, method: str = "GET", timeout_seconds: float = 5) -> bytes:
    return await Request(method, path, timeout_seconds, b"{}" if method == "POST" else None)


def ended(loop: RequestLoop) -> Ended:
    """All that was under way, by key."""
    found: Ended = {}
    while loop.under_way:
        found |= loop.wait()
    return found


def together(transport: Transport, *steps: Steps[Any]) -> list[Any]:
    with transport.loop() as loop:
        for number, one in enumerate(steps):
            loop.start(number, one)
        return [outcome for _, outcome in sorted(ended(loop).items())]


def port(answer: bytes) -> int:
    return int(json.loads(answer)["port"])


def test_all_are_under_way_at_once_and_end_under_their_keys(transport: Transport) -> None:
    assert together(transport, *(ask("/crowd?wanted=9") for _ in range(9))) == [b"9"] * 9


def test_each_fails_for_itself(transport: Transport) -> None:
    paths = ("/echo", "/forbidden", "/cut", "/part")
    echo, *failed = together(transport, *map(ask, paths), ask("/slow", timeout_seconds=1))
    assert json.loads(echo)["path"] == "/echo"
    forbidden, *lost = failed
    assert (type(forbidden), forbidden.status) == (ApiError, 403)
    assert all(isinstance(error, UnreachableError) and error.may_have_arrived for error in lost)


def test_steps_come_one_after_the_other_and_errors_to_where_they_are_awaited(transport: Transport) -> None:
    async def steps() -> list[Any]:
        first = await ask("/echo", "POST")
        with pytest.raises(ApiError) as caught:
            await ask("/forbidden")
        return [json.loads(first)["body"], caught.value.status, json.loads(await ask("/echo"))["path"]]

    assert together(transport, steps(), ask("/echo"))[0] == ["{}", 403, "/echo"]
    assert transport.run(steps()) == ["{}", 403, "/echo"]


def test_what_a_kept_connection_took_with_it_is_not_sent_again(transport: Transport) -> None:
    together(transport, ask("/echo"))
    CUT.clear()
    (error,) = together(transport, ask("/cut", "POST"))
    assert isinstance(error, UnreachableError)
    assert error.may_have_arrived
    assert CUT == ["POST"]


def test_connections_are_kept_but_not_over_a_silence(transport: Transport) -> None:
    (before,) = {port(answer) for _ in range(3) for answer in together(transport, ask("/echo"))}
    together(transport, ask("/slow", timeout_seconds=0.2))
    (after,) = together(transport, ask("/echo"))
    assert port(after) != before


def test_a_silence_elsewhere_counts_too(transport: Transport) -> None:
    (before,) = together(transport, ask("/echo"))
    with pytest.raises(UnreachableError):
        transport.send(Request("GET", "/slow", 0.2))
    (after,) = together(transport, ask("/echo"))
    assert port(after) != port(before)


def test_a_defect_is_raised_and_what_else_was_under_way_is_given_up(transport: Transport) -> None:
    was_closed = []

    async def waits() -> None:
        try:
            await ask("/slow")
        finally:
            was_closed.append(True)

    async def breaks() -> None:
        await ask("/echo")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        together(transport, waits(), breaks())
    assert was_closed
    assert len(together(transport, ask("/echo"))) == 1


def test_closed_meanwhile_nothing_more_is_sent(transport: Transport) -> None:
    async def steps() -> bytes:
        await ask("/echo")
        transport.close()
        return await ask("/echo")

    (error,) = together(transport, steps())
    assert isinstance(error, UnreachableError)
    assert not error.may_have_arrived
    with pytest.raises(GatewayError, match="no longer connected"):
        transport.run(ask("/echo"))
