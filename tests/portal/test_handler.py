"""The web server's handler: a request's middleware and its view run in one thread, in one go."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import path
from pytest_django import Settings

from portal.handler import OneThread

threads: list[str] = []


def noting(get_response: Any) -> Any:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        threads.append(threading.current_thread().name)
        answer: HttpResponseBase = get_response(request)
        threads.append(threading.current_thread().name)
        return answer

    return middleware


def plain(request: HttpRequest) -> HttpResponse:
    threads.append(threading.current_thread().name)
    return HttpResponse("plain")


def stream(request: HttpRequest) -> StreamingHttpResponse:
    async def parts() -> Any:
        for part in (b"a", b"b"):
            threads.append(threading.current_thread().name)
            await asyncio.sleep(0)
            yield part

    return StreamingHttpResponse(parts())


urlpatterns = [path("plain/", plain), path("stream/", stream)]


@pytest.fixture(autouse=True)
def _urls(settings: Settings) -> None:
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = [f"{__name__}.noting"]
    threads.clear()


def asked(address: str) -> bytes:
    sent: list[dict[str, Any]] = []

    async def ask() -> None:
        gone = asyncio.Event()
        parts = iter([{"type": "http.request", "body": b""}])

        async def receive() -> dict[str, Any]:
            for part in parts:
                return part
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "GET", "path": address, "headers": [], "query_string": b""}
        await OneThread()(scope, receive, send)

    asyncio.run(ask())
    assert sent[0]["status"] == 200
    return b"".join(message.get("body", b"") for message in sent[1:])


def test_middleware_and_view_run_in_one_thread_that_is_not_the_loop_s() -> None:
    assert asked("/plain/") == b"plain"
    assert len(threads) == 3
    assert len(set(threads)) == 1
    assert threads[0] != threading.current_thread().name


def test_a_stream_is_read_in_the_loop() -> None:
    assert asked("/stream/") == b"ab"
    assert threads[0] == threads[1] != threads[2]
    assert threads[2:] == [threading.current_thread().name] * 2
