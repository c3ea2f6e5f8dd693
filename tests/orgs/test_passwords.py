from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from orgs.models import User
from portal.settings.sign_in import sign_in


@pytest.mark.parametrize(
    ("password", "remedy"),
    [
        ("nine char", "Use at least 10 characters"),
        ("x" * 129, "Use at most 128 characters"),
        ("1234567890", "guessed first. Use words"),
        ("mira.okafor", "Use something that has nothing to do with them"),
        ("okafor mira", "Use something that has nothing to do with them"),
    ],
)
def test_a_refusal_says_what_to_do_and_not_what_was_typed(password: str, remedy: str) -> None:
    with pytest.raises(ValidationError) as refused:
        validate_password(password, User(email="mira.okafor@example.org", name="Mira Okafor"))
    words = " ".join(refused.value.messages)
    assert remedy in words
    assert password not in words


@pytest.mark.parametrize("password", ["a long walk home", "пароль из слов", "x" * 128])
def test_words_in_any_script_will_do(password: str) -> None:
    validate_password(password, User(email="mira.okafor@example.org", name="Mira Okafor"))


def test_passwords_are_kept_with_argon2_and_older_ones_go_over_to_it(settings: Any) -> None:
    settings.PASSWORD_HASHERS = sign_in({})["PASSWORD_HASHERS"]
    user = User(password=make_password("a long walk home", hasher="pbkdf2_sha256"))
    user.save = Mock()  # type: ignore[method-assign]
    assert user.check_password("a long walk home")
    assert user.password.startswith("argon2$argon2id$")
    assert user.save.called
