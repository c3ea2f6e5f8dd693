from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orgs.mapping.lines import MOST_LINES, Line, Pattern, read_lines, text_of
from portal.errors import Refused
from tests.examples import examples


def test_lines_in_the_usual_order() -> None:
    text = "vision,vis-3d,mira@example.org,Mira Okafor,Viewer\n\n  \nspeech,asr\n"
    assert read_lines(text, Pattern.UNITS, ()) == [
        Line(1, ("vision",), "vis-3d", "mira@example.org", "Mira Okafor", "Viewer"),
        Line(4, ("speech",), "asr"),
    ]


def test_a_first_line_names_the_columns_and_pools_hold_gpus() -> None:
    text = "Project;Department;a100\nvis-3d;vision;2.5\nasr;;\n"
    assert read_lines(text, Pattern.UNITS, ["a100"]) == [
        Line(2, ("vision",), "vis-3d", amounts={"a100": "2.5"}),
        Line(3, (), "asr"),
    ]


def test_lines_of_a_spreadsheet_and_departments_inside_one_another() -> None:
    text = 'department\tproject\nresearch / vision\t"vis-3d"\n'
    assert read_lines(text, Pattern.STRUCTURE, ()) == [Line(2, ("research", "vision"), "vis-3d")]
    assert read_lines("research/vision,x", Pattern.UNITS, ())[0].department == ("research/vision",)


def test_individuals_are_people() -> None:
    assert read_lines("mira@example.org,Mira", Pattern.INDIVIDUALS, ()) == [
        Line(1, person="mira@example.org", name="Mira")
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("  \n\n", "is empty"),
        ("department,project\n", "nothing below it"),
        ("department,boss\nvision,x", "no column “boss”"),
        ("department,department\nvision,x", "same name"),
        ("a,b,c,d,e,f,g", "7 columns where 5 are known"),
        ("a\x00b", "null characters"),
        ("x" * 1_000_001, "1,000,001 characters"),
        ("x\n" * (MOST_LINES + 1), "10,001 lines"),
        ("/".join("a" * 9) + ",p", "9 departments inside one another"),
        ('vision,"open\n' + "x" * 200_000, "cannot be read"),
    ],
)
def test_what_is_refused_beside_the_list(text: str, words: str) -> None:
    with pytest.raises(Refused, match=words) as refusal:
        read_lines(text, Pattern.STRUCTURE, ())
    assert list(refusal.value.message_dict) == ["text"]


def test_files() -> None:
    assert text_of("\ufeffvision,é".encode()) == "vision,é"
    for data, words in ((b"\xff\xfe\x00", "UTF-8"), (b"x" * 4_000_001, "Split it")):
        with pytest.raises(Refused, match=words) as refusal:
            text_of(data)
        assert list(refusal.value.message_dict) == ["upload"]


@examples(100)
@given(text=st.text(max_size=300), pattern=st.sampled_from(Pattern))
def test_any_text_is_read_or_refused(text: str, pattern: Pattern) -> None:
    with suppress(Refused):
        assert read_lines(text, pattern, ["a100"])
