"""Nothing changes without a word in the audit log.

Every test of the whole suite watches the services that it calls and the requests that it makes (`tests.audited`). Here
stands that nothing escapes that: that every service is watched and tried by a test, and that nothing writes past them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from orgs.models import OrgUnit
from orgs.services.unit import unit_rename
from portal.actor import SYSTEM, Actor
from portal.services.audit import audit_record
from tests import audited
from tests.factories import make_project, make_user

ROOT = Path(__file__).resolve().parents[1]
WRITES = {"save", "create", "bulk_create", "bulk_update", "get_or_create", "update_or_create", "delete", "update"}
PLACES = ("services/", "migrations/", "loops/", "clusters/", "models/")
"""Where rows are written: by services; by loops and gateways, which observe and whose evictions are told; by the two
writers of the log itself."""

WITHOUT_ACTOR = {
    "orgs.services.access_key.key_used": "where a key was last used, whoever used it",
    "orgs.services.account.account_create": "the first step of an installation: nobody is there yet; tells itself",
    "orgs.services.account.administrator_restore": "an operator's, where nobody is left; tells itself",
    "orgs.services.delivery.deliveries_claim": "who sends it, whatever it tells",
    "orgs.services.delivery.deliveries_purge": "rows whose time is over",
    "orgs.services.delivery.delivery_tried": "what came of an attempt; what it switches off tells itself",
    "orgs.services.device.device_begin": "a program asks to be let in, before anybody is known",
    "orgs.services.device.device_take": "it fetches the key that was made for it, and told",
    "orgs.services.happening.happenings_collect": "copies of what has happened, which is told where it did",
    "orgs.services.keys.credentials_renew": "an operator's, with another key; tells itself",
    "orgs.services.provider.provider_person": "who signs in by a provider, who acts there; tells itself",
    "orgs.services.session.sessions_purge": "sessions whose time was over, whoever ended them",
    "orgs.services.unit.units_remove": "tells itself what goes",
    "portal.services.audit_purge.audit_purge": "tells itself what goes",
    "portal.services.feed.feed_purge": "rows whose time is over",
    "portal.services.feed.feed_tell": "numbers what the caller has changed, and has told",
    "portal.services.kept_answer.answer_begin": "a copy of an answer; what it answered is told",
    "portal.services.kept_answer.answer_end": "the same",
    "portal.services.kept_answer.kept_answers_purge": "rows whose time is over",
    "portal.services.lease.lease_release": "a loop's own",
    "portal.services.lease.lease_renew": "a loop's own",
    "portal.services.lease.lease_take": "a loop's own",
    "portal.services.live_worker.worker_gone": "a worker's own",
    "portal.services.live_worker.worker_seen": "a worker's own",
    "quotas.services.finding.findings_refresh": "findings are observed, not made by anybody",
    "quotas.services.finding.findings_take": "which findings webhooks know of",
    "quotas.services.nodes.nodes_replace": "a node's pool follows its labels, as they are observed",
    "quotas.services.pool.default_pool_create": "tells itself",
    "scheduling.services.cleaning.cluster_clean": "an operator's, of a cluster that nobody here knows; tells itself",
    "scheduling.services.question.question_ask": "who asks why changes nothing",
    "scheduling.services.purge.purge": "rows whose time is over",
    "scheduling.services.roll_up.roll_up": "sums of hours that are there",
}
"""Services that write, called from outside services, on nobody's behalf: and why that is told, or need not be."""
PREVIEWS = {"quotas.services.quota.quotas_check"}
"""Services that take back what they write."""
RECORDERS = {f"{audited.AUDIT_WRITER}.{name}" for name in ("audit_record", "audit_record_all")}
PAST_SERVICES = {
    "scheduling/answers.py": "tells itself which workloads end with their unit",
    "orgs/access/roles.py": "keeps the built-in roles equal to the table in the code, after a migration",
}
"""Modules elsewhere that write: and why that need not be told."""


def test_services_are_found_and_watched() -> None:
    found = audited.services()
    assert len(found) > 25
    assert {"orgs.services.unit.unit_delete", "quotas.services.quota.quota_set"} <= found.keys()
    assert [name for name, service in found.items() if not hasattr(service, "watched")] == []


@pytest.mark.django_db
def test_a_service_that_says_nothing_fails_the_test_that_calls_it() -> None:
    project = make_project()

    def silently(*, actor: Actor, name: str) -> None:
        OrgUnit.objects.filter(pk=project.pk).update(name=name)
        if actor is not SYSTEM:
            audit_record(actor=actor, action="update", entity=project, unit=project.pk)

    with pytest.raises(AssertionError, match=r"silently writes \['orgs_orgunit'\] and nothing into the audit log"):
        audited.watched(silently)(actor=SYSTEM, name="a")
    audited.watched(silently)(actor=Actor("Ana"), name="b")
    unit_rename(actor=SYSTEM, unit=project, name="c")


@pytest.mark.django_db
def test_a_request_that_says_nothing_fails_the_test_that_makes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def silently(*args: Any, **kwargs: Any) -> None:
        """As if nobody listened to the signal that somebody signed in."""

    monkeypatch.setattr("orgs.services.sign_in._record", silently)
    make_user("mira@example.org")
    with pytest.raises(AssertionError, match=r"/accounts/login/ writes \['orgs_user'\] and nothing"):
        Client().post("/accounts/login/", {"login": "mira@example.org", "password": "correct horse battery"})


def modules() -> Iterator[tuple[str, ast.Module]]:
    """All of the four apps, by path."""
    for app in audited.APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text())


def writes(tree: ast.AST) -> set[int]:
    """Lines on which rows are written: `row.save()`, and a writing method at the end of something with `objects`."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WRITES:
            bare = node.func.attr in ("save", "delete") and not node.args
            if bare or re.search(r"\bobjects\b|\.(filter|exclude|all)\(", ast.unparse(node.func.value)):
                found.add(node.lineno)
    return found


@dataclass(slots=True)
class Function:
    """A function in a module of services, by what it says."""

    takes_actor: bool
    writes: bool
    tells: bool
    calls: set[str] = field(default_factory=set)


def functions() -> tuple[dict[str, Function], set[str]]:
    """Functions of services by full name, and the names that other modules import."""
    found: dict[str, Function] = {}
    called_outside: set[str] = set()
    for path, tree in modules():
        module = path.removesuffix(".py").replace("/", ".")
        imported = {
            alias.name: f"{node.module}.{alias.name}"
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module
            for alias in node.names
        }
        if "/services/" not in path:
            called_outside |= set(imported.values())
            continue
        for node in tree.body:
            if isinstance(node, ast.FunctionDef):
                arguments = {argument.arg for argument in [*node.args.args, *node.args.kwonlyargs]}
                names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
                calls = {imported.get(name, f"{module}.{name}") for name in names}
                found[f"{module}.{node.name}"] = Function(
                    "actor" in arguments, bool(writes(node)), bool(calls & RECORDERS), calls
                )
    spread(found, "writes")
    spread(found, "tells")
    return found, called_outside


def spread(found: dict[str, Function], what: str) -> None:
    """Who calls a function that does it does it too."""
    doers = {name for name, function in found.items() if getattr(function, what)}
    while new := {name for name, function in found.items() if function.calls & doers} - doers:
        doers |= new
        for name in new:
            setattr(found[name], what, True)


def test_every_service_that_writes_tells_the_audit_log() -> None:
    """By what stands in the code; that it does so whenever it writes, every test that calls it looks after."""
    written = functions()[0]
    silent = [name for name in audited.services() if written[name].writes and not written[name].tells]
    assert set(silent) == PREVIEWS


def test_nothing_is_written_past_the_services() -> None:
    wrong = {
        path: sorted(lines)
        for path, tree in modules()
        if not any(place in path for place in PLACES) and path not in PAST_SERVICES and (lines := writes(tree))
    }
    assert wrong == {}, "move what these lines write into a service"


def test_what_writes_on_nobodys_behalf_is_known() -> None:
    written, called_outside = functions()
    found = {
        full
        for full, function in written.items()
        if function.writes and not function.takes_actor and full in called_outside
    }
    assert found - WITHOUT_ACTOR.keys() == set(), "these write for nobody: give them an actor, or say here why not"
    assert WITHOUT_ACTOR.keys() <= written.keys(), "these are no longer there"
