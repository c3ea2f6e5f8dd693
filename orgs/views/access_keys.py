"""Dialogs about access keys, one's own and those of applications. A new one is on the screen once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from orgs.access import may, require
from orgs.access_words import keys_answer
from orgs.forms.access_key import KeyForm, RotateForm
from orgs.forms.scope import ScopeChoices
from orgs.models import AccessKey, Application, OrgUnit, Role, UnitKind, User
from orgs.selectors.access_keys import key_counts, keys_found, keys_visible
from orgs.services.access_key import NewKey, key_create, key_revoke, key_rotate, key_update
from orgs.views.access import AccessPage, access_url, on_account, paged
from orgs.views.base import EVERYBODY, searched
from orgs.views.form import FormPage

READ_SOMETHING = "account:read cluster:read department:read project:read"
"""A key may be limited to any unit that its maker can see."""


class KeysPage(AccessPage):
    """Everybody's keys, for who administers them: when each was last used, and from where."""

    permission = "access_key:read"
    tab = "keys"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        seen = keys_visible(self.request.user)
        page = paged(self.request, keys_found(seen, searched(self.request)))
        may_delete = on_account(self.request.user, "delete", "access_key")
        return super().get_context_data(
            answer=keys_answer(key_counts(seen)), page=page, may_delete_keys=may_delete, **kwargs
        )


class KeyPage(FormPage):
    """About the keys of `owner`: `action` on them is asked on the account, unless they are one's own."""

    permission = EVERYBODY
    owner: User
    action: str

    def ask(self) -> None:
        if self.owner.pk != self.actor.user.pk:
            require(self.actor, self.action, "access_key", OrgUnit.objects.get(kind=UnitKind.ACCOUNT))

    def key_form(self, data: Any, key: AccessKey | None = None) -> KeyForm:
        user = self.request.user
        roles = Role.objects.order_by("-built_in", "id")
        if not may(user, "read", "role"):
            roles = roles.filter(built_in=True)
        return KeyForm(data, choices=ScopeChoices(user, READ_SOMETHING), roles=list(roles), key=key)

    def back(self) -> str:
        """To the list that has them."""
        if self.owner.pk == self.actor.user.pk:
            return reverse("profile")
        application = getattr(self.owner, "application", None)
        if application is None:
            return access_url("keys", q=self.owner.email)
        return access_url("applications", application=application.pk)


@method_decorator(never_cache, name="dispatch")
class NewKeyPage(KeyPage):
    """Ends with the key on the screen, once: it is kept nowhere."""

    new: NewKey

    def leave(self, request: HttpRequest) -> HttpResponse:
        self.template_name, self.fragment_template = "orgs/new_key_page.html", "orgs/new_key_dialog.html"
        return self.render_to_response({"new": self.new, "owner": self.owner, "back": self.back()})


class KeyCreate(NewKeyPage):
    """A key of one's own."""

    action = "create"
    title = "New access key"
    line = "A program that sends it acts as you, with what you choose of your rights."
    submit = "Create key"

    def prepare(self, **kwargs: Any) -> None:
        self.owner = self.actor.user
        if "application" in kwargs:
            application = get_object_or_404(Application.objects.select_related("user"), pk=kwargs["application"])
            self.owner = application.user
            self.title = f"New key for {application.name}"
            self.line = "It is the application's secret: whoever sends it acts as the application."
        self.ask()

    def form(self, data: Any = None) -> forms.Form:
        return self.key_form(data)

    def save(self, form: forms.Form) -> str:
        assert isinstance(form, KeyForm)
        self.new = key_create(actor=self.actor, owner=self.owner, limits=form.limits())
        return f"Key {self.new.key.name} is there."


class OneKey(KeyPage):
    """About one key that the person may see."""

    def prepare(self, **kwargs: Any) -> None:
        self.key = get_object_or_404(keys_visible(self.request.user), pk=kwargs["pk"])
        self.owner = self.key.user
        self.ask()


class KeyUpdate(OneKey):
    action = "update"
    line = "Holds from the next request on. The key itself stays."
    submit = "Save key"

    def prepare(self, **kwargs: Any) -> None:
        super().prepare(**kwargs)
        self.title = f"Change key {self.key.name}"

    def form(self, data: Any = None) -> forms.Form:
        return self.key_form(data, self.key)

    def save(self, form: forms.Form) -> str:
        assert isinstance(form, KeyForm)
        key_update(actor=self.actor, key=self.key, limits=form.limits())
        return f"Key {form.cleaned_data['name']} is saved."


class KeyRotate(OneKey, NewKeyPage):
    action = "update"
    form_class = RotateForm
    line = "A new key with the same limits, that lasts as long. The old one works on until the new one is everywhere."
    submit = "Rotate key"

    def prepare(self, **kwargs: Any) -> None:
        super().prepare(**kwargs)
        self.title = f"Rotate key {self.key.name}"

    def save(self, form: forms.Form) -> str:
        self.new = key_rotate(actor=self.actor, key=self.key, overlap=timedelta(hours=form.cleaned_data["hours"]))
        return f"Key {self.new.key.name} is rotated."


class KeyRevoke(OneKey):
    """Confirms that a key is refused from now on."""

    template_name = "orgs/confirm_page.html"
    fragment_template = "orgs/confirm_dialog.html"
    form_class = forms.Form
    action = "delete"
    submit = "Revoke key"

    def prepare(self, **kwargs: Any) -> None:
        super().prepare(**kwargs)
        self.title = f"Revoke key {self.key.name}?"
        self.line = f"It acts as {self.owner.name}, and is refused from the next request on."

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        kept = [{"text": "What was made with it is kept, running workloads too", "figure": None, "tone": "kept"}]
        return super().get_context_data(impact=kept, keep="Keep key", **kwargs)

    def save(self, form: forms.Form) -> str:
        key_revoke(actor=self.actor, key=self.key)
        return f"Key {self.key.name} is refused from now on."
