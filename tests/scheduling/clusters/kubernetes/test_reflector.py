"""What lines of a watch mean; the rest of following is tested against a real API server."""

from __future__ import annotations

import itertools
import queue
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from scheduling.clusters.gateway import GatewayError
from scheduling.clusters.kubernetes import patience
from scheduling.clusters.kubernetes import reflector as module
from scheduling.clusters.kubernetes.errors import ApiError, UnreachableError
from scheduling.clusters.kubernetes.kinds import KINDS, Kind
from scheduling.clusters.kubernetes.reflector import Change, Changed, Listed, Reflector
from scheduling.clusters.kubernetes.request import Request

PODS = next(kind for kind in KINDS if kind.name == "pods")
EXPIRED = ApiError(410, "too old resource version")
UNKNOWN = ApiError(404, "the server could not find the requested resource")

NO_STREAM = ApiError(422, "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled")
ERROR_500 = b'{"type":"ERROR","object":{"kind":"Status","code":500,"message":"storage is away"}}'


def event(type_: str, uid: str, version: str) -> bytes:
    metadata = '{"uid":"%s","resourceVersion":"%s"}' % (uid, version)  # noqa: UP031 - braces are JSON's
    return f'{{"type":"{type_}","object":{{"metadata":{metadata},"spec":{{"containers":null}}}}}}'.encode()


class Script:
    """Plays the transport: answers lists and watches from a list of what comes next, and notes what was asked."""

    server = "https://test"

    def __init__(self, *answers: Any) -> None:
        self.answers = iter(answers)
        self.asked: list[Mapping[str, str]] = []

    def send(self, request: Request) -> Any:
        return self._next(dict(request.query or {}))

    def stream(self, path: str, query: Mapping[str, str], *, read_seconds: float) -> Lines:
        return Lines(self._next(dict(query)))

    def _next(self, query: Mapping[str, str]) -> Any:
        self.asked.append(query)
        answer = next(self.answers, GatewayError("end of script"))
        if isinstance(answer, Exception):
            raise answer
        return answer


class Lines:
    def __init__(self, lines: list[Any]) -> None:
        self._lines = lines

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""

    def __iter__(self) -> Iterator[bytes]:
        for line in self._lines:
            if isinstance(line, Exception):
                raise line
            yield line


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHORTEST_WATCH_SECONDS", 0.0)
    monkeypatch.setattr(patience, "SHORTEST_PAUSE_SECONDS", 0.0)


def play(*answers: Any, kind: Kind[Any] = PODS) -> tuple[list[Change], list[Mapping[str, str]]]:
    """The changes told, and the queries asked, until the script is over; by a server that lists in pages."""
    told, asked = play_from_stream(NO_STREAM, *answers, kind=kind)
    return told, asked[1:]


def play_from_stream(*answers: Any, kind: Kind[Any] = PODS) -> tuple[list[Change], list[Mapping[str, str]]]:
    """The same, from the watch that is to begin with everything."""
    changes: queue.Queue[Change] = queue.Queue()
    script = Script(*answers)
    Reflector(script, kind, changes, threading.Event()).run()  # type: ignore[arg-type]
    told = list(changes.queue)
    assert isinstance(told[-1], GatewayError)
    return told, script.asked


def page(*uids: str, version: str = "10", more: str = "") -> bytes:
    items = ",".join(f'{{"metadata":{{"uid":"{uid}"}}}}' for uid in uids)
    return f'{{"metadata":{{"resourceVersion":"{version}","continue":"{more}"}},"items":[{items}]}}'.encode()


def test_pages_become_one_list_and_the_watch_begins_at_its_version() -> None:
    told, asked = play(page("a", more="next"), page("b", version="12"))
    assert isinstance(told[0], Listed)
    assert [item.uid for item in told[0].items] == ["a", "b"]
    assert [query.get("continue") for query in asked] == [None, "next", None]
    assert (asked[2]["resourceVersion"], asked[2]["allowWatchBookmarks"]) == ("12", "true")


def test_reading_on_too_late_begins_the_list_anew() -> None:
    told, _ = play(page("a", more="next"), EXPIRED, page("b"))
    assert isinstance(told[0], Listed)
    assert [item.uid for item in told[0].items] == ["b"]


def test_list_of_nothing_is_told_too() -> None:
    told, _ = play(b'{"metadata":{"resourceVersion":"3"},"items":null}')
    assert isinstance(told[0], Listed)
    assert told[0].items == []


END = b'"annotations":{"k8s.io/initial-events-end":"true"},'


def all_told(version: str) -> bytes:
    return event("BOOKMARK", "", version).replace(b'"uid"', END + b'"uid"')


def spec(line: bytes) -> bytes:
    return line.replace(b'{"containers":null}', b"{}")


def test_a_watch_begins_with_everything_and_goes_on_with_what_changes() -> None:
    lines = [spec(event(what, uid, version)) for what, uid, version in FIRST]
    told, asked = play_from_stream(
        [*lines, event("BOOKMARK", "", "9"), all_told("10"), spec(event("ADDED", "d", "11"))]
    )
    assert isinstance(told[0], Listed)
    assert [item.uid for item in told[0].items] == ["c", "a"], "as it is at the end, each once"
    assert [change.item.uid for change in told[1:] if isinstance(change, Changed)] == ["d"]
    assert (asked[0]["sendInitialEvents"], asked[0]["resourceVersionMatch"]) == ("true", "NotOlderThan")
    assert "resourceVersion" not in asked[0]
    assert (asked[1]["resourceVersion"], "sendInitialEvents" in asked[1]) == ("11", False)


FIRST = [("ADDED", "a", "1"), ("ADDED", "b", "2"), ("ADDED", "c", "3"), ("DELETED", "b", "8"), ("MODIFIED", "a", "9")]


@pytest.mark.parametrize("cut", [[], [UnreachableError("cut", may_have_arrived=True)]])
def test_everything_is_asked_anew_when_it_was_not_told_to_the_end(cut: list[Any]) -> None:
    told, asked = play_from_stream(
        [spec(event("ADDED", "a", "1")), *cut], [spec(event("ADDED", "b", "2")), all_told("4")]
    )
    assert isinstance(told[0], Listed)
    assert [item.uid for item in told[0].items] == ["b"]
    assert ["sendInitialEvents" in query for query in asked] == [True, True, False]


@pytest.mark.parametrize("refused", [NO_STREAM, [ERROR_500]])
def test_a_server_that_cannot_is_asked_for_pages_from_then_on(refused: Any) -> None:
    told, asked = play_from_stream(refused, page("a"), EXPIRED, page("b"))
    assert [[item.uid for item in change.items] for change in told if isinstance(change, Listed)] == [["a"], ["b"]]
    assert ["sendInitialEvents" in query for query in asked] == [True, False, False, False, False]


def test_next_watch_begins_at_the_last_version_bookmarks_included() -> None:
    pod = event("ADDED", "a", "11").replace(b'{"containers":null}', b"{}")
    gone = pod.replace(b"ADDED", b"DELETED").replace(b'"11"', b'"12"')
    told, asked = play(page(), [pod, gone], [event("BOOKMARK", "", "20")], [])
    assert [(c.item.uid, c.gone) for c in told if isinstance(c, Changed)] == [("a", False), ("a", True)]
    assert [query["resourceVersion"] for query in asked[1:]] == ["10", "12", "20", "20"]


@pytest.mark.parametrize(
    "expired", [EXPIRED, [b'{"type":"ERROR","object":{"kind":"Status","status":"Failure","code":410}}']]
)
def test_expired_version_leads_to_a_new_list(expired: Any) -> None:
    told, asked = play(page("a"), expired, page("b", version="30"), [])
    assert [type(change) for change in told[:2]] == [Listed, Listed]
    assert asked[-1]["resourceVersion"] == "30"


def test_broken_watch_is_taken_up_again_and_an_absent_server_ends_it() -> None:
    broken = UnreachableError("lost", may_have_arrived=True)
    away = UnreachableError("refused", may_have_arrived=False)
    told, asked = play(page(), [event("BOOKMARK", "", "15"), broken], away, [])
    assert told[-1] is away
    assert [query.get("resourceVersion") for query in asked] == [None, "10", "15"]


def test_kind_that_the_server_does_not_know_counts_as_none_until_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ABSENT_SECONDS", 0.0)
    told, asked = play(UNKNOWN, UNKNOWN, page("a"), [], kind=replace(PODS, optional=True))
    assert [len(change.items) for change in told if isinstance(change, Listed)] == [0, 1]
    assert asked[-1]["resourceVersion"] == "10"
    told, _ = play(UNKNOWN)
    assert told == [UNKNOWN]


@pytest.mark.parametrize(
    ("answers", "followed"),
    [([], None), ([UNKNOWN], None), ([page()], 0), ([UNKNOWN, page("a")], 1), ([page("a"), EXPIRED, UNKNOWN], None)],
)
def test_what_is_followed_is_known_only_where_the_cluster_has_said_so(
    monkeypatch: pytest.MonkeyPatch, answers: list[Any], followed: int | None
) -> None:
    monkeypatch.setattr(module, "ABSENT_SECONDS", 0.0)
    reflector = Reflector(
        Script(NO_STREAM, *answers),
        replace(PODS, optional=True),
        queue.Queue(),
        threading.Event(),  # type: ignore[arg-type]
    )
    reflector.run()
    assert reflector.followed == followed


PASSING = [
    ApiError(429, "too many requests", frozenset(), 0),
    ApiError(503, "starting", frozenset(), None),
    UnreachableError("lost", may_have_arrived=True),
]


@pytest.mark.parametrize("error", [*PASSING, [ERROR_500]])
def test_what_passes_is_tried_again_from_where_it_was(error: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    told, asked = play(page("a"), error, error, [])
    assert [type(change) for change in told[:-1]] == [Listed]
    assert [query.get("resourceVersion") for query in asked] == [None, "10", "10", "10", "10"]
    monkeypatch.setattr(patience, "PATIENCE_SECONDS", -1.0)
    told, asked = play(page("a"), error, [])
    assert len(asked) == 2
    assert any(words in str(told[-1]) for words in ("too many", "starting", "lost", "storage is away"))


def test_a_quiet_watch_may_be_cut_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """As by a proxy that ends what is quiet for a minute."""
    now = itertools.count(0.0, 60.0)
    monkeypatch.setattr(module.time, "monotonic", lambda: next(now))
    cut = [UnreachableError("lost", may_have_arrived=True)]
    told, asked = play(page("a"), *[cut] * 5)
    assert len(asked) == 7
    assert "end of script" in str(told[-1])
    told, asked = play_from_stream(*[cut] * 5)
    assert len(asked) == 2, "nothing was told in all that time"


@pytest.mark.parametrize("error", PASSING)
def test_list_that_fails_half_way_goes_on_there(error: GatewayError) -> None:
    told, asked = play(page("a", more="next"), error, page("b"))
    assert isinstance(told[0], Listed)
    assert [item.uid for item in told[0].items] == ["a", "b"]
    assert [query.get("continue") for query in asked] == [None, "next", "next", None]


@pytest.mark.parametrize(
    "line",
    [
        b'{"type":"ERROR","object":{"kind":"Status","code":403,"message":"storage is away"}}',
        b"{nonsense",
        b'{"type":"ADDED","object":{"metadata":{"uid":7}}}',
        b'{"type":"ADDED","object":{"metadata":{},"spec":{"containers":[{"resources":{"requests":{"cpu":"x"}}}]}}}',
    ],
)
def test_what_cannot_be_followed_ends_it_with_the_reason(line: bytes) -> None:
    told, _ = play(page(), [line])
    assert any(words in str(told[-1]) for words in ("storage is away", "cannot be read"))
