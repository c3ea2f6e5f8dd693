from __future__ import annotations

import pytest

from portal.hooks import Hook, hooks_answered


def test_every_declared_question_has_an_answer() -> None:
    assert hooks_answered() == []


def test_an_unanswered_question_fails_the_check_and_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Hook, "_all", [])

    @Hook
    def how_many(of: str) -> int:
        """A question."""
        raise AssertionError("The declaration itself is never called.")

    assert [error.msg for error in hooks_answered()] == [f"No app answers {how_many.name}."]
    with pytest.raises(LookupError, match="how_many"):
        how_many("pods")

    how_many.register(len)
    assert hooks_answered() == []
    assert how_many("pods") == 4
