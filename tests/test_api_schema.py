"""Requests made up from the schema: no answer is a crash, none is other than the schema says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.cache import cache
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import checks

from portal.api.reference import schema
from tests.examples import examples
from tests.factories import make_key
from tests.world import make_world

pytestmark = pytest.mark.django_db

checks.load_all_checks()
CHECKS = [
    checks.CHECKS.get_one(name)
    for name in (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
    )
]
EXAMPLES = 4
"""Of each operation and person."""


@pytest.fixture(autouse=True)
def _one_connection() -> Iterator[None]:
    """Requests run in the transaction of the test, as those of Django's own test client do."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def schema_of_the_api() -> Any:
    found = schemathesis.openapi.from_dict(schema())
    found.app = get_wsgi_application()
    return found


@pytest.mark.parametrize("who", ["admin", "researcher"])
def test_every_answer_is_as_the_schema_says(who: str) -> None:
    world = make_world()
    token = make_key(world.people[who]).token
    operations = [found.ok() for found in schema_of_the_api().get_all_operations()]
    assert len(operations) > 70

    failures = []
    for operation in operations:

        @given(case=operation.as_strategy())
        @settings(
            examples(EXAMPLES),
            deadline=None,
            derandomize=True,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
            database=None,
        )
        def holds(case: Any) -> None:
            cache.clear()
            with transaction.atomic():
                response = case.call(headers={"Authorization": f"Bearer {token}"})
                transaction.set_rollback(True)
            case.validate_response(response, checks=CHECKS)

        try:
            holds()
        except (Exception, BaseExceptionGroup) as failure:
            failures.append(f"{operation.label}: {str(failure)[:1500]}")
    assert not failures, "\n\n".join(failures)
