"""What a namespace of the Pod Security level `restricted` asks of a document, in words."""

from __future__ import annotations

import pytest

from scheduling.submitted_yaml import Wrong, read
from tests.documents import RESTRICTED, Document, container, job, job_set

from .test_reading import EVERYTHING, FIRST, NAMESPACE, POD, changed

POD_WAY = "spec/template/spec"
MAIN = f"{POD_WAY}/containers/0/securityContext"
CONTEXT = f"{POD}.securityContext"
SATISFIES = job(**RESTRICTED)
OWN = {"runAsNonRoot": True, "seccompProfile": {"type": "Localhost", "localhostProfile": "a.json"}}


def problems(document: Document) -> dict[str, str]:
    read(document, NAMESPACE)
    with pytest.raises(Wrong) as caught:
        read(document, NAMESPACE, restricted=True)
    return dict(caught.value.problems)


def test_what_satisfies_it_is_taken_as_it_is() -> None:
    assert read(SATISFIES, NAMESPACE, restricted=True) == read(SATISFIES, NAMESPACE)


def test_what_says_nothing_is_told_all_of_it() -> None:
    assert list(problems(job())) == [
        f"{CONTEXT}.runAsNonRoot",
        f"{CONTEXT}.seccompProfile.type",
        f"{FIRST}.securityContext.allowPrivilegeEscalation",
        f"{FIRST}.securityContext.capabilities.drop",
    ]


def test_each_group_of_a_job_set_is_told_by_its_path() -> None:
    document = changed(job_set(a=1, b=1), "spec/replicatedJobs/0/template/spec", job(**RESTRICTED)["spec"])
    parts = {path.partition(".template.spec.template")[0] for path in problems(document)}
    assert parts == {"spec.replicatedJobs[1]"}


def test_volumes_are_of_kinds_that_it_lets_in_and_init_containers_count() -> None:
    start = f"{POD}.initContainers[0].securityContext"
    assert list(problems(EVERYTHING)) == [f"{start}.allowPrivilegeEscalation", f"{start}.capabilities.drop"]


def test_containers_may_say_it_instead_of_their_pod() -> None:
    own = changed(changed(SATISFIES, f"{POD_WAY}/securityContext", {}), MAIN, RESTRICTED_CONTAINER | OWN)
    assert read(own, NAMESPACE, restricted=True)
    silent = container(name="other", securityContext=RESTRICTED_CONTAINER)
    both = changed(own, f"{POD_WAY}/initContainers", [silent])
    assert list(problems(both)) == [f"{CONTEXT}.runAsNonRoot", f"{CONTEXT}.seccompProfile.type"]


RESTRICTED_CONTAINER = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


@pytest.mark.parametrize(
    ("way", "value", "path", "words"),
    [
        (f"{POD_WAY}/securityContext/runAsNonRoot", False, f"{CONTEXT}.runAsNonRoot", "Write true"),
        (f"{POD_WAY}/securityContext/runAsUser", 0, f"{CONTEXT}.runAsUser", "another number than 0"),
        (f"{POD_WAY}/securityContext/seccompProfile", None, f"{CONTEXT}.seccompProfile.type", "RuntimeDefault"),
        (f"{MAIN}/runAsNonRoot", False, f"{FIRST}.securityContext.runAsNonRoot", "Write true"),
        (f"{MAIN}/runAsUser", 0, f"{FIRST}.securityContext.runAsUser", "another number than 0"),
        (
            f"{MAIN}/allowPrivilegeEscalation",
            None,
            f"{FIRST}.securityContext.allowPrivilegeEscalation",
            "Write false.",
        ),
        (f"{MAIN}/capabilities/drop", ["KILL"], f"{FIRST}.securityContext.capabilities.drop", "Write [ALL]."),
        (
            f"{MAIN}/capabilities/add",
            ["NET_BIND_SERVICE", "CHOWN"],
            f"{FIRST}.securityContext.capabilities.add[1]",
            "Remove it.",
        ),
    ],
)
def test_what_does_not_satisfy_it_is_refused_by_its_path(way: str, value: object, path: str, words: str) -> None:
    found = problems(changed(SATISFIES, way, value))
    assert list(found) == [path]
    assert found[path].startswith("The namespace of this project is of the Pod Security level restricted. ")
    assert words in found[path]
