"""HTTP to an API server that answers in every way it should not."""

import json
import socket
import threading
import time
from pathlib import Path

import pycurl
import pytest

from scheduling.clusters.kubernetes import connection as module
from scheduling.clusters.kubernetes.credentials import Credentials
from scheduling.clusters.kubernetes.errors import ApiError, UnreachableError
from scheduling.clusters.kubernetes.failures import Failure
from scheduling.clusters.kubernetes.official import OfficialClient
from scheduling.clusters.kubernetes.request import Request
from scheduling.clusters.kubernetes.transport import Transport
from tests.cluster.certificates import Authority

from .bad_server import AUTHORITY, CUT, transport_to

CLIENT = AUTHORITY.client("admin")


def get(transport: Transport, path: str, timeout_seconds: float = 5) -> bytes:
    return transport.send(Request("GET", path, timeout_seconds))


def test_request_carries_path_query_token_and_body(server: str) -> None:
    transport = transport_to(f"{server}")
    answer = transport.send(Request("POST", "/echo", 5, b"{}", query={"a": "b c"}, content_type="x/y"))
    told = json.loads(answer)
    assert (told["path"], told["body"], told["Content-Type"]) == ("/echo?a=b+c", "{}", "x/y")
    assert told["Authorization"] == "Bearer t0ken"


def test_connection_is_kept(server: str) -> None:
    transport = transport_to(server)
    assert len({json.loads(get(transport, "/echo"))["port"] for _ in range(3)}) == 1


def test_after_a_silence_no_connection_of_before_is_used(server: str) -> None:
    transport = transport_to(server)
    with transport._one() as one, transport._one() as other:
        for connection in (one, other):
            connection.prepare("GET", "/echo", [], None, 5)
            connection.perform()
        before = {json.loads(connection.answer())["port"] for connection in (one, other)}
    assert len(before) == 2
    assert json.loads(get(transport, "/echo"))["port"] in before
    with pytest.raises(UnreachableError):
        get(transport, "/slow", 0.2)
    assert json.loads(get(transport, "/echo"))["port"] not in before


def test_client_certificate_needs_no_file(server: str) -> None:
    credentials = Credentials(
        server=server,
        ca_data=AUTHORITY.certificate,
        client_certificate=CLIENT.certificate,
        client_key=CLIENT.key,
    )
    transport = Transport(credentials, connections=1, allow_local=True)
    assert "Authorization" not in json.loads(get(transport, "/echo"))


def test_refusals_of_the_server(server: str) -> None:
    transport = transport_to(server)
    errors = {}
    for path in ("/away", "/overload", "/budget", "/forbidden", "/broken"):
        with pytest.raises(ApiError) as caught:
            get(transport, path)
        errors[path] = caught.value
    assert [error.status for error in errors.values()] == [302, 429, 429, 403, 500]
    assert (errors["/overload"].retry_after_seconds, errors["/budget"].retry_after_seconds) == (7.0, None)
    assert "DisruptionBudget" in errors["/budget"].causes
    assert "pods is forbidden" in str(errors["/forbidden"])
    assert "deploy/kubernetes/bursar.yaml" in str(errors["/forbidden"])


@pytest.mark.parametrize(("path", "timeout"), [("/cut", 5), ("/slow", 0.2), ("/part", 5)])
def test_lost_answer_may_have_arrived(server: str, path: str, timeout: float) -> None:
    with pytest.raises(UnreachableError) as caught:
        get(transport_to(server), path, timeout)
    assert caught.value.may_have_arrived


def test_what_a_kept_connection_took_with_it_may_have_arrived_and_is_not_sent_again(server: str) -> None:
    transport = transport_to(server)
    get(transport, "/echo")
    CUT.clear()
    with pytest.raises(UnreachableError, match="ended before it answered") as caught:
        transport.send(Request("POST", "/cut", 5, b"{}"))
    assert caught.value.may_have_arrived
    assert CUT == ["POST"]


def test_kept_connection_that_the_server_closed_costs_no_call(server: str) -> None:
    transport = transport_to(server)
    get(transport, "/last-answer")
    # libcurl takes what was used within the last second for alive.
    time.sleep(1.2)
    assert json.loads(transport.send(Request("POST", "/echo", 5, b"{}")))["body"] == "{}"


def test_proxies_of_the_environment_are_not_asked(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    assert json.loads(get(transport_to(server), "/echo"))["path"] == "/echo"


def test_certificate_may_bear_another_name_than_the_host(server: str) -> None:
    host = server.replace("127.0.0.1", "127.0.0.2").removeprefix("https://")
    credentials = Credentials(f"https://{host}", AUTHORITY.certificate, tls_server_name="localhost")
    assert json.loads(get(Transport(credentials, connections=1, allow_local=True), "/echo"))["Host"] == host
    with pytest.raises(UnreachableError, match="not trusted"):
        get(transport_to(f"https://{host}"), "/echo")


def test_after_its_end_nothing_is_sent(server: str) -> None:
    transport = transport_to(server)
    transport.close()
    with pytest.raises(UnreachableError) as caught:
        get(transport, "/echo")
    assert not caught.value.may_have_arrived


def test_closed_port_was_never_reached() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"https://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(UnreachableError, match="connection refused") as caught:
        get(transport_to(address), "/")
    assert not caught.value.may_have_arrived


def test_unknown_name_was_never_reached() -> None:
    with pytest.raises(UnreachableError, match="name is not known") as caught:
        get(transport_to("https://no-such-name.invalid"), "/")
    assert not caught.value.may_have_arrived


def test_server_with_a_foreign_certificate_gets_no_request(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whatever else this machine trusts.
    (tmp_path / "trusted").write_bytes(AUTHORITY.certificate)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted"))
    with pytest.raises(UnreachableError, match="certificate-authority-data") as caught:
        get(transport_to(server, authority=Authority("other")), "/echo")
    assert not caught.value.may_have_arrived
    assert "not signed by the authority" in str(caught.value)
    assert "give it new credentials" in str(caught.value)


def test_certificate_whose_time_is_over_is_no_foreign_one() -> None:
    failure = Failure(pycurl.E_PEER_FAILED_VERIFICATION, "expired", verify_code=10, os_code=0, has_sent=False)
    assert "has expired; renew it there" in str(failure.error("https://192.0.2.10"))


def test_without_an_authority_no_other_is_trusted() -> None:
    with pytest.raises(ValueError, match="name no authority"):
        Transport(Credentials(server="https://192.0.2.10", token="t0ken"), connections=1, allow_local=True)


def test_address_is_looked_at_again_when_connected(server: str) -> None:
    with pytest.raises(UnreachableError, match="belongs to this server") as caught:
        get(transport_to(server, allow_local=False), "/echo")
    assert not caught.value.may_have_arrived


def test_official_client_has_no_other_way_to_the_server(server: str) -> None:
    with pytest.raises(UnreachableError, match="belongs to this server"):
        OfficialClient(transport_to(server, allow_local=False), 5).version()
    with pytest.raises(UnreachableError, match="certificate-authority-data"):
        OfficialClient(transport_to(server, authority=Authority("other")), 5).require_rights()


@pytest.mark.parametrize("path", ["/huge", "/stream"])
def test_answer_is_bounded_whether_its_size_is_told_or_not(
    server: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_ANSWER_BYTES", 10)
    with pytest.raises(UnreachableError, match="far too much"):
        get(transport_to(server), path)


def test_stream_gives_lines_however_they_are_cut(server: str) -> None:
    with transport_to(server).stream("/stream", {}, read_seconds=5) as stream:
        assert list(stream) == [b"one", b"two", b"three"]


def test_stream_that_breaks_says_so_after_its_lines(server: str) -> None:
    lines: list[bytes] = []
    with (
        transport_to(server).stream("/stream", {"cut": "1"}, read_seconds=5) as stream,
        pytest.raises(UnreachableError),
    ):
        lines.extend(stream)
    assert lines == [b"one", b"two", b"three"]


def test_quiet_stream_is_broken_after_its_time(server: str) -> None:
    with (
        transport_to(server).stream("/stream", {"quiet": "1"}, read_seconds=0.2) as stream,
        pytest.raises(UnreachableError, match="in time"),
    ):
        list(stream)


def test_another_thread_ends_a_quiet_stream(server: str) -> None:
    with transport_to(server).stream("/stream", {"quiet": "1"}, read_seconds=30) as stream:
        lines = iter(stream)
        assert [next(lines) for _ in range(3)] == [b"one", b"two", b"three"]
        threading.Timer(0.1, stream.interrupt).start()
        began = time.monotonic()
        with pytest.raises(UnreachableError):
            next(lines)
        assert time.monotonic() - began < 5
    stream.interrupt()
