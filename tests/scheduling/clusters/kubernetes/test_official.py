"""The official client over our own connection, with servers that answer what they like."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from scheduling.clusters.access import CLUSTER_ROLES, POLICIES
from scheduling.clusters.gateway import GatewayError
from scheduling.clusters.kubernetes.official import OfficialClient
from scheduling.clusters.kubernetes.request import Request
from scheduling.clusters.kubernetes.rights import GRANTS, RIGHTS

FOLDER = Path(__file__).parents[4] / "deploy/kubernetes"
VERSION_FIELDS = ("buildDate", "compiler", "gitCommit", "gitTreeState", "goVersion", "platform")


class Answering:
    """A transport that has one answer to everything, and keeps what was asked."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.asked: list[dict[str, Any]] = []

    def send(self, request: Request) -> bytes:
        body = json.loads(request.body) if request.body else None
        self.asked.append({"method": request.method, "path": request.path, "body": body})
        return self.answer


def client_of(answer: object) -> tuple[OfficialClient, Answering]:
    transport = Answering(answer if isinstance(answer, bytes) else json.dumps(answer).encode())
    return OfficialClient(transport, 5), transport  # type: ignore[arg-type]


def shipped(file: str, kind: str) -> list[dict[str, Any]]:
    return [found for found in yaml.safe_load_all((FOLDER / file).read_text()) if found["kind"] == kind]


def test_shipped_role_grants_what_is_asked_for_and_nothing_else() -> None:
    (role,) = shipped("bursar.yaml", "ClusterRole")
    names = [{"resourceNames": list(grant.names)} if grant.names else {} for grant in GRANTS]
    assert role["rules"] == [
        {"apiGroups": [grant.group], "resources": list(grant.resources), "verbs": list(grant.verbs), **name}
        for grant, name in zip(GRANTS, names, strict=True)
    ]


def test_roles_and_policies_that_ship_for_people_are_those_that_are_looked_for() -> None:
    assert {role["metadata"]["name"] for role in shipped("access.yaml", "ClusterRole")} == set(CLUSTER_ROLES)
    for kind in ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"):
        names = {policy["metadata"]["name"] for policy in shipped("policies.yaml", kind)}
        # What restrains Bursar itself is not for Bursar to look for.
        assert names == {*POLICIES, "bursar-itself"}


def test_each_right_is_asked_for_once() -> None:
    client, transport = client_of({"spec": {}, "status": {"allowed": True}})
    client.require_rights()
    asked = [question["body"]["spec"]["resourceAttributes"] for question in transport.asked]
    assert {question["path"] for question in transport.asked} == {
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    }
    assert len(asked) == len(RIGHTS)
    wanted = {"group": "", "resource": "pods", "subresource": "eviction", "verb": "create"}
    assert [question for question in asked if question["subresource"] == "eviction"] == [wanted]
    bound = [question["name"] for question in asked if question["verb"] == "bind"]
    assert sorted(bound) == sorted(CLUSTER_ROLES), "several at once, so in any order"


@pytest.mark.parametrize(("major", "minor", "is_enough"), [("1", "29", True), ("1", "28+", False), ("2", "0", True)])
def test_old_server_is_refused(major: str, minor: str, is_enough: bool) -> None:
    client, _ = client_of(
        {**dict.fromkeys(VERSION_FIELDS, ""), "gitVersion": "v\u202e7\n", "major": major, "minor": minor}
    )
    if is_enough:
        assert client.version() == "v 7"
    else:
        with pytest.raises(GatewayError, match=r"runs Kubernetes v 7; 1\.29 or newer"):
            client.version()


@pytest.mark.parametrize(
    "answer",
    [b"", b"\xff", b"<html>", b"[" * 100_000, None, [], "text", 5, {}, {"gitVersion": 5}, {"status": {"allowed": "x"}}],
    ids=lambda answer: repr(answer)[:20],
)
def test_answer_that_is_none_of_kubernetes_is_an_error_for_people(answer: object) -> None:
    client, _ = client_of(answer)
    for ask in (client.version, client.require_rights):
        with pytest.raises(GatewayError, match="not one of Kubernetes"):
            ask()
