"""Sentences of the Access page."""

from __future__ import annotations

from orgs.access.table import ROLES
from orgs.models import AccessKey, Application, Group, GroupMember, OrgUnit, Role, User, usable
from orgs.selectors.access_keys import KeyCounts
from orgs.selectors.effective import Held, Holders
from orgs.selectors.rule_list import RuleCounts
from orgs.words import Answer
from portal.formats import count, counted


def rules_answer(counts: RuleCounts, scope: OrgUnit | None) -> Answer:
    """Who holds roles in the scope, and what ends."""
    if not counts.total:
        return Answer(
            "Nobody holds a role here yet.", "A rule gives somebody a role on a unit and everything below it."
        )
    where = scope.name if scope else "your units"
    hold = "holds" if counts.subjects == 1 else "hold"
    text = f"{_subjects(counts.subjects)} {hold} roles in {where}, by {counted(counts.total, 'rule')}."
    ending = f"{count(counts.ending)} {'ends' if counts.ending == 1 else 'end'} within 30 days"
    line = ending if counts.ending else "None ends within 30 days"
    if counts.ended:
        line += f"; {count(counts.ended)} ended and {'grants' if counts.ended == 1 else 'grant'} nothing"
    return Answer(text, f"{line}.")


def _subjects(number: int) -> str:
    if number == 1:
        return "1 person, group or application"
    return f"{count(number)} people, groups and applications"


def roles_answer(roles: list[Role]) -> Answer:
    """How many roles there are, and of which kind."""
    custom = len(roles) - len(ROLES)
    text = (
        f"{counted(len(ROLES), 'predefined role')}, {f'{count(custom)} of your own' if custom else 'none of your own'}."
    )
    return Answer(
        text, "Predefined roles stay as they are; copy one to change it. C create, R read, U change, D delete."
    )


def people_answer() -> Answer:
    """How many people may sign in."""
    active = User.objects.people().filter(is_active=True).count()
    without = User.objects.filter(is_active=True, subject__rules=None, memberships=None).count()
    line = f"{counted(without, 'of them')} has no role and no group." if without == 1 else ""
    line = line or f"{count(without)} of them have no role and no group."
    return Answer(f"{'1 person' if active == 1 else f'{count(active)} people'} may sign in.", line if without else "")


def groups_answer() -> Answer:
    """How many groups there are, and who is in them."""
    total = Group.objects.count()
    if not total:
        return Answer("There are no groups yet.", "A group gives several people the same roles.")
    members = GroupMember.objects.values("user").distinct().count()
    people = "1 person is" if members == 1 else f"{count(members)} people are"
    return Answer(
        f"{people} in {counted(total, 'group')}.", "Who joins a group gets its roles, who leaves it loses them."
    )


def applications_answer() -> Answer:
    """How many programs have rights of their own."""
    total = Application.objects.count()
    if not total:
        return Answer("There are no applications yet.", "An application is a program with rights and keys of its own.")
    without = Application.objects.exclude(user__access_keys__in=AccessKey.objects.filter(usable())).count()
    keys = "all have a key that works" if not without else f"{count(without)} without a key that works"
    return Answer(f"{counted(total, 'application')}, {keys}.", "Give them roles under Rules, by name.")


def keys_answer(counts: KeyCounts) -> Answer:
    """How many programs come with keys, and which of these one would take away first."""
    if not counts.total:
        return Answer("No access key works now.", "A program that sends one acts as its owner.")
    text = f"{counted(counts.total, 'access key')} of {counted(counts.owners, 'owner')}"
    unused = f"{count(counts.unused)} not used for 90 days" if counts.unused else "none lay unused for 90 days"
    endless = f"{count(counts.endless)} without an end" if counts.endless else "all end some day"
    return Answer(f"{text}, {unused}.", f"{endless.capitalize()}. What is revoked is refused from the next request on.")


def subject_answer(held: Held, projects: int) -> Answer:
    """What somebody may do, and by how many rules."""
    name = held.subject.title
    if not held.rules:
        return Answer(f"{name} holds no role.", "Without a rule in force nothing can be seen or done.")
    text = f"{name} may submit trainings in {counted(projects, 'project')}."
    if not projects:
        text = f"{name} may read, and submit nothing here."
    own = sum(rule.subject_id == held.subject.pk for rule in held.rules)
    shared = len(held.rules) - own
    through = sorted({rule.subject.title for rule in held.rules if rule.subject_id != held.subject.pk})
    line = f"{counted(len(held.rules), 'rule')} {'applies' if len(held.rules) == 1 else 'apply'}: {count(own)} own"
    line += f", {count(shared)} through {', '.join(through[:3])}" if shared else ""
    return Answer(text, f"{line}. Choose a cell to see the rule behind it.")


def holders_answer(holders: Holders | None, unit: OrgUnit | None, entity: str, action: str) -> Answer:
    """How many may do it, by how many rules."""
    what = f"{action} {entity.replace('_', ' ')}"
    if holders is None or unit is None:
        return Answer("No unit is yours to ask about.", "This takes the permission to read access rules somewhere.")
    if not holders.total:
        return Answer(f"Nobody may {what} in {unit.name}.", "No rule here or above gives it.")
    people = "1 person" if holders.people == 1 else f"{count(holders.people)} people"
    return Answer(f"{people} may {what} in {unit.name}.", f"By {counted(holders.total, 'rule')}, here and above.")
