"""Names by which rules are given: a group's or application's means one of them only."""

from __future__ import annotations

from orgs.models import Subject
from portal.errors import Refused


def refuse_taken_name(name: str, own: Subject | None = None) -> None:
    """Refused where a group or an application is called that, other than `own`. Under the account's lock."""
    other = Subject.objects.exclude(kind=Subject.Kind.USER).filter(name=name).first()
    if other is not None and other != own:
        what = "a group" if other.kind == Subject.Kind.GROUP else "an application"
        raise Refused({"name": f"There is {what} called “{name}” already. Choose another name."})
