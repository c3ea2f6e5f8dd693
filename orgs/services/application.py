"""Applications: programs with rights of their own. They queue at the account's row, as people, groups and rules do."""

from __future__ import annotations

import secrets

from django.db import transaction

from orgs.access import as_of_now, require
from orgs.models import AccessRule, Application, Subject, User
from orgs.names import LONGEST_DESCRIPTION, LONGEST_PERSON, checked_text
from orgs.services.locks import account_locked
from orgs.services.subject import refuse_taken_name
from portal.actor import Actor
from portal.errors import Refused
from portal.services.audit import audit_record

LONGEST_APPLICATION = LONGEST_PERSON


@transaction.atomic
def application_create(*, actor: Actor, name: str, description: str = "") -> Application:
    """An application without rights and keys."""
    account = account_locked()
    require(as_of_now(actor), "create", "application", account)
    name, description = _checked(name, description)
    refuse_taken_name(name)
    client_id = f"app-{secrets.token_hex(8)}"
    user = User(email=client_id, name=name)
    user.set_unusable_password()
    user.save()
    Subject.objects.create(kind=Subject.Kind.APPLICATION, name=name, user=user)
    application = Application.objects.create(name=name, description=description, client_id=client_id, user=user)
    after = {"name": name, "description": description, "client_id": client_id}
    audit_record(actor=actor, action="create", entity=application, unit=account.pk, after=after)
    return application


@transaction.atomic
def application_update(*, actor: Actor, application: Application, name: str, description: str = "") -> Application:
    """Another name or description; client id, keys and rules stay."""
    account = account_locked()
    require(as_of_now(actor), "update", "application", account)
    application = _as_it_is(application)
    before = {"name": application.name, "description": application.description}
    application.name, application.description = _checked(name, description)
    after = {"name": application.name, "description": application.description}
    changed = [field for field in before if before[field] != after[field]]
    if not changed:
        return application
    refuse_taken_name(application.name, application.user.subject)
    application.save(update_fields=["name", "description"])
    Subject.objects.filter(user=application.user).update(name=application.name)
    User.objects.filter(pk=application.user_id).update(name=application.name)
    audit_record(
        actor=actor,
        action="update",
        entity=application,
        unit=account.pk,
        before={field: before[field] for field in changed},
        after={field: after[field] for field in changed},
    )
    return application


@transaction.atomic
def application_delete(*, actor: Actor, application: Application) -> None:
    """The application with its keys and rules, at once. Its workloads stay."""
    account = account_locked()
    require(as_of_now(actor), "delete", "application", account)
    application = _as_it_is(application)
    rules = AccessRule.objects.filter(subject__user=application.user_id).select_related("role", "scope")
    before = {
        "client_id": application.client_id,
        "keys": list(application.user.access_keys.order_by("id").values_list("name", flat=True)),
        "rules": [f"{rule.role.name} on {rule.scope.name}" for rule in rules],
    }
    audit_record(actor=actor, action="delete", entity=application, unit=account.pk, before=before)
    application.user.delete()


def _checked(name: str, description: str) -> tuple[str, str]:
    return (
        checked_text("name", name, LONGEST_APPLICATION),
        checked_text("description", description, LONGEST_DESCRIPTION, required=False),
    )


def _as_it_is(application: Application) -> Application:
    found = Application.objects.select_related("user").filter(pk=application.pk).first()
    if found is None:
        raise Refused(f"The application {application.name} was deleted meanwhile. Go back to the applications.")
    return found
