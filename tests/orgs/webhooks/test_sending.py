"""One attempt, against a real server: receivers that are slow, lead elsewhere or lie where nobody may go."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from orgs.webhooks import addresses, sending
from orgs.webhooks.addresses import checked_address, may_go_to
from orgs.webhooks.sending import send
from portal.errors import Refused
from tests.receiver import Answer, Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


HEADERS = {"Content-Type": "application/json", "webhook-id": "7"}


def test_what_is_taken(receiver: Receiver) -> None:
    outcome = send(f"{receiver.url}?a=1", HEADERS, b"{}")
    assert (outcome.status, outcome.problem, outcome.answer) == (200, "", "taken")
    (got,) = receiver.got
    assert (got.path, got.body, got.headers["content-type"]) == ("/in?a=1", b"{}", "application/json")


@pytest.mark.parametrize("status", [301, 302, 307, 400, 404, 410, 429, 500, 503])
def test_everything_but_2xx_is_a_problem_and_nothing_is_followed(receiver: Receiver, status: int) -> None:
    receiver.answer = lambda got: Answer(status, "x" * 5000, {"Location": f"{receiver.url}/elsewhere"})
    outcome = send(receiver.url, HEADERS, b"{}")
    assert outcome.status == status
    assert str(status) in outcome.problem
    assert len(outcome.answer) == sending.LONGEST_ANSWER
    assert len(receiver.got) == 1


def test_how_long_it_is_asked_to_wait(receiver: Receiver) -> None:
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    for text, least, most in (("30", 30, 30), (moment, 80, 90), ("soon", None, None), ("-5", None, None)):
        receiver.answer = lambda got, text=text: Answer(429, headers={"Retry-After": text})  # type: ignore[misc]
        asked = send(receiver.url, HEADERS, b"{}").retry_after
        assert asked == least if least is None or most is None else least <= (asked or 0) <= most


@pytest.mark.parametrize("answer", [Answer(seconds=2), Answer(text="x" * 100, drips=True)])
def test_the_slow_are_hung_up_on(receiver: Receiver, answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those that send a byte at a time."""
    monkeypatch.setattr(sending, "TOTAL_SECONDS", 0.4)
    receiver.answer = lambda got: answer
    began = time.monotonic()
    outcome = send(receiver.url, HEADERS, b"{}")
    assert time.monotonic() - began < 1.5
    assert outcome.problem.startswith("No whole answer came within")


def test_who_is_not_there_or_speaks_something_else(receiver: Receiver) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    assert send(f"http://127.0.0.1:{port}/", HEADERS, b"").problem == "Nobody listens at its address."
    assert send("http://no-such-name.invalid/", HEADERS, b"").problem == "Its name is not known."
    port = receiver.server.server_port
    assert send(f"https://127.0.0.1:{port}/", HEADERS, b"").problem == "It speaks no TLS that this server does."
    assert not receiver.got


@pytest.mark.parametrize("networks", [[], ["10.0.0.0/8"]])
def test_nothing_goes_where_it_may_not(receiver: Receiver, settings: Any, networks: list[str]) -> None:
    """Looked at when it connects: a name may have led elsewhere before."""
    settings.WEBHOOK_NETWORKS = networks
    for address in (receiver.url, f"https://localhost:{receiver.server.server_port}/"):
        outcome = send(address, HEADERS, b"{}")
        assert outcome.problem == "Its name leads into a private network, where webhooks may not go."
    assert not receiver.got


def test_a_name_with_one_address_that_is_not_allowed_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[Any] = []
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 443)) for ip in ("93.184.216.34", "169.254.169.254")]
    monkeypatch.setattr(addresses.socket, "getaddrinfo", lambda *args, **named: found)
    monkeypatch.setattr(addresses.socket, "create_connection", lambda *args, **named: tried.append(args))
    assert "private network" in send("https://rebound.example.org/", HEADERS, b"").problem
    assert not tried


def test_which_addresses_are_allowed(settings: Any) -> None:
    settings.WEBHOOK_NETWORKS = ["10.1.0.0/16", "169.254.0.0/16", "fd00::/8"]
    public = ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"]
    assert [may_go_to(ip, plain=False) for ip in public] == [True, True]
    assert [may_go_to(ip, plain=True) for ip in public] == [False, False]
    assert all(
        may_go_to(ip, plain=plain) for ip in ("10.1.2.3", "::ffff:10.1.2.3", "fd00::7") for plain in (True, False)
    )
    private = ["10.2.0.1", "127.0.0.1", "::1", "192.168.1.1", "172.16.0.1", "100.64.0.1", "0.0.0.0", "224.0.0.1"]
    private += ["169.254.169.254", "fe80::1", "fd00:ec2::254", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"]
    assert [ip for ip in private if may_go_to(ip, plain=False)] == []


@pytest.mark.parametrize(
    "text",
    ["", "ftp://a.example/", "https://", "https://a b/", "https://user:word@a.example/", "https://a.example/#x", "//a",
     "https://a.example:99999/", "https://a.example:0/", "https://[::1", "https://a\\b.example/", "https://é.example/",
     "https://169.254.169.254/", "https://metadata.google.internal/", "https://127.0.0.1/", "https://[::1]/",
     "https://10.0.0.1/", "https://0x7f.1/", "https://2130706433/", "http://a.example/", "https://localhost/", 7, None],
)  # fmt: skip
def test_addresses_that_are_refused(settings: Any, text: object) -> None:
    settings.WEBHOOK_NETWORKS = []
    with pytest.raises(Refused) as refusal:
        checked_address(text)
    assert set(refusal.value.message_dict) == {"address"}


def test_addresses_that_are_taken() -> None:
    for text in ("https://hooks.example.org/a/b?c=d", " https://a.example:8443 ", "http://127.0.0.1:8000/"):
        assert checked_address(text) == text.strip()
