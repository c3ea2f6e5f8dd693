"""The rules of the Access page: on scopes where the reader may read access rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from orgs.models import AccessRule, Subject, in_force
from orgs.scope import limited
from portal.asked import whole_numbers

SORTS = {
    "who": ("subject__name", "id"),
    "role": ("role__name", "subject__name", "id"),
    "scope": ("scope__name", "subject__name", "id"),
    "ends": ("expires_at", "id"),
    "rule": ("id",),
}
STATES = {"lasting": "without an end", "ending": "with an end", "ended": "ended"}
SOON = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class RuleCounts:
    total: int
    subjects: int
    ending: int
    """Within the next 30 days."""
    ended: int


def rules_in_scope(request: HttpRequest) -> QuerySet[AccessRule]:
    return limited(AccessRule.objects.all(), request, "access_rule:read", "scope")


def rule_counts(rules: QuerySet[AccessRule]) -> RuleCounts:
    """Of all rules in the scope of the page, whatever is filtered."""
    now = timezone.now()
    return RuleCounts(
        total=rules.filter(in_force(now)).count(),
        subjects=rules.filter(in_force(now)).values("subject").distinct().count(),
        ending=rules.filter(expires_at__gt=now, expires_at__lte=now + SOON).count(),
        ended=rules.filter(expires_at__lte=now).count(),
    )


def rules_found(rules: QuerySet[AccessRule], request: HttpRequest, search: str) -> QuerySet[AccessRule]:
    """What the filters of the toolbar leave, in the chosen order."""
    asked = request.GET
    roles = whole_numbers(asked.getlist("role"))
    if roles:
        rules = rules.filter(role__in=roles)
    chosen = [kind for kind in Subject.Kind if kind.label in asked.getlist("kind")]
    if chosen:
        rules = rules.filter(subject__kind__in=chosen)
    now = timezone.now()
    conditions = {
        "lasting": Q(expires_at=None),
        "ending": Q(expires_at__gt=now),
        "ended": Q(expires_at__lte=now),
    }
    states = [conditions[state] for state in asked.getlist("state") if state in conditions]
    if states:
        wanted = Q()
        for condition in states:
            wanted |= condition
        rules = rules.filter(wanted)
    if search:
        # Names of scopes are those of the rules themselves, which the reader may see.
        who = Q(subject__name__icontains=search) | Q(subject__user__name__icontains=search)
        rules = rules.filter(who | Q(scope__name__icontains=search))
    sort = asked.get("sort", "")
    order = SORTS.get(sort.lstrip("-"), SORTS["who"])
    if sort.startswith("-"):
        order = (f"-{order[0]}", *order[1:])
    return rules.select_related("subject__user", "role", "scope", "created_by__user").order_by(*order)
