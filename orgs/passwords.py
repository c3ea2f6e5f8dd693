"""Rules for passwords. Each says what to do instead; none shows what was typed."""

from __future__ import annotations

from django.contrib.auth import password_validation as django_rules
from django.core.exceptions import ValidationError

from orgs.names import LONGEST_PASSWORD

SHORTEST_PASSWORD = 10


class Length(django_rules.MinimumLengthValidator):
    """Long enough not to be tried out, short enough to be worked on."""

    def __init__(self) -> None:
        super().__init__(SHORTEST_PASSWORD)

    def validate(self, password: str, user: object = None) -> None:
        super().validate(password, user)  # type: ignore[arg-type]
        if len(password) > LONGEST_PASSWORD:
            raise ValidationError(f"Use at most {LONGEST_PASSWORD} characters.", code="password_too_long")

    def get_error_message(self) -> str:
        return f"Use at least {SHORTEST_PASSWORD} characters. Several words are easy to remember and hard to guess."

    def get_help_text(self) -> str:
        return f"At least {SHORTEST_PASSWORD} characters; several words are easy to remember."


class NotCommon(django_rules.CommonPasswordValidator):
    """Not one of the 20,000 that are tried first."""

    def get_error_message(self) -> str:
        return "This is one of the passwords that are guessed first. Use words that nobody else would put together."

    def get_help_text(self) -> str:
        return "Not one that many people use."


class NotOwnName(django_rules.UserAttributeSimilarityValidator):
    """Not what anybody can read in the list of people."""

    def __init__(self) -> None:
        super().__init__(("email", "name"))

    def get_error_message(self) -> str:
        return "This is too much like your name or address. Use something that has nothing to do with them."

    def get_help_text(self) -> str:
        return "Nothing like your name or address."
