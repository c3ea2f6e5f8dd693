"""Forms and services of webhooks, with what they take: cases of `tests.test_bad_input`."""

from __future__ import annotations

from orgs.services.webhook import webhook_create
from tests.bad_input import BAD, PRINTABLE, FormCase, ServiceCase
from tests.factories import actor_of
from tests.matrix import of

HOOK = {"name": "pager", "address": "https://hooks.example.org/in", "kinds": "workload.failed"}

FORMS = [
    FormCase(
        "webhook_create",
        "department",
        lambda world: HOOK | {"scope": str(world.project.pk)},
        legal={"name": PRINTABLE},
        foreign={"scope": lambda world: world.elsewhere.pk},
    ),
    FormCase(
        "webhook_update",
        "department",
        lambda world: HOOK | {"is_active": "on"},
        of(pk="webhook.pk"),
        legal={"name": PRINTABLE, "is_active": set(BAD)},
    ),
    FormCase("webhook_rotate", "department", lambda world: {"hours": "24"}, of(pk="webhook.pk"), legal={"hours": ()}),
]
SERVICES = [
    ServiceCase(
        webhook_create,
        lambda world: {"actor": actor_of(), "scope": world.department, **HOOK, "kinds": ["workload.failed"]},
        {"name": PRINTABLE, "address": ()},
        {"kinds": lambda world: [[], None, "workload.failed", ["none.such"], [7], 7]},
    ),
]
