"""What a person waits for at Submit, in a demo of its own."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.measure import Figure, measurement
from tests.demo.running import Demo, Person, eventually, filled_in

SUBMISSIONS = 40
TARGET_SECONDS = 2.0
ANSWERS = 60
ANSWER_MILLISECONDS = 300


@measurement
def submit_to_bound() -> Iterator[Figure]:
    """A person submits small workloads one by one; each is timed from sending the form to the observed bind."""
    with tempfile.TemporaryDirectory() as folder, Demo(Path(folder)) as demo:
        demo.wait_until_ready()
        project = demo.rows("select id from orgs_orgunit where kind = 4 and name = 'chat'")[0][0]
        person = Person(demo.address, "noor@aldergrove.example")
        clicked: dict[str, datetime] = {}
        for number in range(SUBMISSIONS):
            name = f"bench-{number}"
            clicked[name] = datetime.now(UTC)
            person.submit(name, project=project, gpus="0.05", pool="l40s", minutes="60")
            time.sleep(0.2)
        found = eventually(lambda: bound(demo), 60, "not everything was bound")
        seconds = sorted((at - clicked[name]).total_seconds() for name, at in found.items())
    yield Figure("click on Submit to bound, median", seconds[len(seconds) // 2], "s")
    yield Figure("click on Submit to bound, p95", seconds[int(len(seconds) * 0.95) - 1], "s", TARGET_SECONDS)


@measurement
def live_answer() -> Iterator[Figure]:
    """A person changes the form; each change is timed from sending it to the answer."""
    with tempfile.TemporaryDirectory() as folder, Demo(Path(folder)) as demo:
        demo.wait_until_ready()
        project = demo.rows("select id from orgs_orgunit where kind = 4 and name = 'chat'")[0][0]
        person = Person(demo.address, "noor@aldergrove.example")
        path = f"/submit/?project={project}"
        page, times = person.get(path), []
        for number in range(ANSWERS):
            values = filled_in(project, name="bench", gpus=str(number % 16 + 1), minutes="60", pools="h100")
            begun = time.perf_counter()
            answer = person.post(path, values, page, **{"HX-Request": "true"})
            times.append((time.perf_counter() - begun) * 1000)
            assert 'id="answer-' in answer
            time.sleep(0.1)
        times.sort()
    yield Figure("live answer of Submit, median", times[len(times) // 2], "ms")
    yield Figure("live answer of Submit, p95", times[int(len(times) * 0.95) - 1], "ms", ANSWER_MILLISECONDS)


def bound(demo: Demo) -> dict[str, datetime] | None:
    """Workload -> when its pod was seen bound; None until all are."""
    rows = demo.rows(
        "select w.name, p.bound_at from scheduling_pod p join scheduling_workload w on w.id = p.workload_id"
        " where w.name like 'bench-%' and p.bound_at is not null"
    )
    if len(rows) < SUBMISSIONS:
        return None
    return {name: datetime.fromisoformat(at).replace(tzinfo=UTC) for name, at in rows}
