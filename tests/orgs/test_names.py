from __future__ import annotations

from typing import Any

import pytest

from orgs.models import UnitKind
from orgs.names import checked_email, checked_name, checked_text
from portal.errors import Refused

BELOW = (UnitKind.CLUSTER, UnitKind.DEPARTMENT, UnitKind.PROJECT)


@pytest.mark.parametrize("kind", BELOW)
@pytest.mark.parametrize("name", ["a", "vis-3d", "lm4", "x" * 56, "  trimmed "])
def test_legal(name: str, kind: UnitKind) -> None:
    assert checked_name(name, kind) == name.strip()


@pytest.mark.parametrize("kind", BELOW)
@pytest.mark.parametrize(
    "name",
    ["", " ", "Vision", "3d", "-a", "a-", "a_b", "a b", "größe", "видение", "a\x00b", "a\nb", "x" * 64, None, 7, ["a"]],
)
def test_illegal(name: Any, kind: UnitKind) -> None:
    with pytest.raises(Refused) as refusal:
        checked_name(name, kind)
    assert list(refusal.value.message_dict) == ["name"]


def test_a_project_leaves_room_for_the_prefix_of_its_namespace() -> None:
    assert checked_name("x" * 63, UnitKind.DEPARTMENT)
    with pytest.raises(Refused, match=r"57 characters. Use at most 56"):
        checked_name("x" * 57, UnitKind.PROJECT)


def test_default_belongs_to_the_cluster() -> None:
    assert checked_name("default", UnitKind.PROJECT) == "default"
    with pytest.raises(Refused, match="its own department"):
        checked_name("default", UnitKind.DEPARTMENT)


@pytest.mark.parametrize("name", ["Halden Labs", "Größe & Söhne", "東京研究所", "O'Neil"])
def test_an_account_is_called_as_people_call_it(name: str) -> None:
    assert checked_name(name, UnitKind.ACCOUNT) == name


@pytest.mark.parametrize("hidden", ["\x00", "\x1b", "\n", "\u202e", "\u2066", "\ud800"])
def test_text_holds_nothing_invisible(hidden: str) -> None:
    with pytest.raises(Refused, match=f"U\\+{ord(hidden):04X}"):
        checked_text("name", f"a{hidden}b", 120)


@pytest.mark.parametrize("email", ["", "ana", "ana@", "@x.org", "a b@x.org", f"{'a' * 250}@x.org", "a@x\n.org", 3])
def test_no_address(email: Any) -> None:
    with pytest.raises(Refused) as refusal:
        checked_email(email)
    assert list(refusal.value.message_dict) == ["email"]


def test_addresses_are_kept_in_lower_case() -> None:
    assert checked_email(" Ana.Krol@Example.ORG ") == "ana.krol@example.org"
