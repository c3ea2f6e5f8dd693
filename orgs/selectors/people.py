from __future__ import annotations

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.http import HttpRequest

from orgs.models import Group, GroupMember, User, in_force
from orgs.provider import identity_provider
from orgs.selectors.rule_list import rules_in_scope


def people(request: HttpRequest, search: str = "") -> QuerySet[User]:
    """Everybody by name, or those with `search` in name or address; with groups, the rules that the reader may
    read, and whether there is a second factor (`second_factor`) and a link to the identity provider (`linked`)."""
    rules = rules_in_scope(request).filter(in_force()).select_related("role", "scope").order_by("scope__path", "id")
    memberships = GroupMember.objects.select_related("group").order_by("group__name")
    codes = Authenticator.objects.filter(user=OuterRef("pk"), type=Authenticator.Type.TOTP)
    provider = identity_provider()
    links = SocialAccount.objects.filter(user=OuterRef("pk"), provider=provider.key if provider else "")
    found = User.objects.people().select_related("subject").annotate(second_factor=Exists(codes), linked=Exists(links))
    found = found.prefetch_related(
        Prefetch("subject__rules", rules, "listed_rules"), Prefetch("memberships", memberships, "listed_groups")
    )
    if search:
        found = found.filter(Q(name__icontains=search) | Q(email__icontains=search))
    return found.order_by("name", "id")


def groups(request: HttpRequest, search: str = "") -> QuerySet[Group]:
    """All groups by name, with their members and the rules of theirs that the reader may read."""
    rules = rules_in_scope(request).select_related("role", "scope").order_by("scope__path", "id")
    members = GroupMember.objects.select_related("user").order_by("user__name", "id")
    found = Group.objects.select_related("subject").prefetch_related(
        Prefetch("subject__rules", rules, "listed_rules"), Prefetch("members", members, "listed_members")
    )
    if search:
        found = found.filter(Q(name__icontains=search) | Q(description__icontains=search))
    return found.order_by("name", "id")
