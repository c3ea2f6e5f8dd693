"""Forms about groups and their members."""

from __future__ import annotations

from typing import Any

from django import forms
from django.shortcuts import get_object_or_404

from orgs.access import Forbidden, require
from orgs.forms.group import GroupForm, MembersForm
from orgs.models import AccessRule, Group, GroupMember, OrgUnit, UnitKind
from orgs.selectors.suggestions import suggested
from orgs.services.group import group_create, group_delete, group_member_remove, group_members_add, group_update
from orgs.views.access import access_url
from orgs.views.form import FormPage
from portal.errors import Refused
from portal.formats import counted


class GroupPage(FormPage):
    """`action` on groups is asked on the account first; groups belong to it."""

    permission = "group:read"
    form_class: type[forms.Form] = GroupForm
    action = "update"
    group: Group | None = None

    def prepare(self, **kwargs: Any) -> None:
        require(self.actor, self.action, "group", OrgUnit.objects.get(kind=UnitKind.ACCOUNT))
        if "pk" in kwargs:
            self.group = get_object_or_404(Group, pk=kwargs["pk"])

    def back(self) -> str:
        return access_url("groups", group=self.group.pk) if self.group else access_url("groups")


class GroupCreate(GroupPage):
    action = "create"
    title = "New group"
    line = "People who get the same roles."
    submit = "Create group"

    def save(self, form: forms.Form) -> str:
        self.group = group_create(actor=self.actor, **form.cleaned_data)
        return f"Group {self.group.name} is there, without people and roles."


class GroupUpdate(GroupPage):
    submit = "Save group"
    group: Group

    def prepare(self, **kwargs: Any) -> None:
        super().prepare(**kwargs)
        self.title = f"Change group {self.group.name}"

    def form(self, data: Any = None) -> forms.Form:
        return GroupForm(data, initial={"name": self.group.name, "description": self.group.description})

    def save(self, form: forms.Form) -> str:
        group_update(actor=self.actor, group=self.group, **form.cleaned_data)
        return f"Group {form.cleaned_data['name']} is saved."


class GroupDelete(GroupPage):
    """Confirms that a group goes, with the roles that its people have by it."""

    template_name = "orgs/confirm_page.html"
    fragment_template = "orgs/confirm_dialog.html"
    form_class = forms.Form
    action = "delete"
    submit = "Delete group"
    group: Group

    def prepare(self, **kwargs: Any) -> None:
        super().prepare(**kwargs)
        self.title = f"Delete group {self.group.name}?"
        self.line = "Its people keep the roles that they hold by other rules."

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rules = AccessRule.objects.filter(subject__group=self.group)
        rows: list[dict[str, Any]] = [
            {"text": "People lose its roles", "figure": self.group.members.count()},
            {"text": "Access rules are removed", "figure": rules.count()},
            {"text": "People and their workloads are kept", "figure": None, "tone": "kept"},
        ]
        return super().get_context_data(impact=rows, keep="Keep group", **kwargs)

    def save(self, form: forms.Form) -> str:
        name = self.group.name
        group_delete(actor=self.actor, group=self.group)
        self.deleted = True
        return f"Group {name} is deleted."

    def back(self) -> str:
        return access_url("groups") if getattr(self, "deleted", False) else super().back()


class MembersAdd(GroupPage):
    form_class = MembersForm
    submit = "Add people"
    group: Group

    def prepare(self, **kwargs: Any) -> None:
        super().prepare(**kwargs)
        self.title = f"Add people to {self.group.name}"
        self.line = "They get the group's roles from the next click on."

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        people = [subject for subject in suggested() if subject.is_person]
        return super().get_context_data(people=people, adds_to="people", **kwargs)

    def save(self, form: forms.Form) -> str:
        try:
            added = group_members_add(actor=self.actor, group=self.group, users=form.cleaned_data["people"])
        except Forbidden as refusal:
            raise Refused({"people": str(refusal)}) from None
        return f"{counted(len(added), 'new member')} in {self.group.name}."


class MemberRemove(GroupPage):
    """Confirms that somebody leaves a group."""

    template_name = "orgs/confirm_page.html"
    fragment_template = "orgs/confirm_dialog.html"
    form_class = forms.Form
    submit = "Take out"
    group: Group

    def prepare(self, **kwargs: Any) -> None:
        super().prepare()
        self.member = get_object_or_404(GroupMember.objects.select_related("group", "user"), pk=kwargs["pk"])
        self.group = self.member.group
        self.title = f"Take {self.member.user.name} out of {self.group.name}?"
        self.line = f"What {self.group.name} may do is then lost, unless another rule gives it."
        if self.member.source == GroupMember.Source.PROVIDER:
            self.line += " The identity provider named this member: the next sign-in may bring it back."

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        kept = [{"text": "Running workloads go on", "figure": None, "tone": "kept"}]
        return super().get_context_data(impact=kept, keep="Keep member", **kwargs)

    def save(self, form: forms.Form) -> str:
        group_member_remove(actor=self.actor, member=self.member)
        return f"{self.member.user.name} is no longer in {self.group.name}."
