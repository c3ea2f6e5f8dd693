"""The second factor beside the password: whom it is required of, and how its secrets are kept."""

from __future__ import annotations

from typing import Any

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings

from orgs.access import may_administer
from orgs.models import User
from orgs.secrets import decrypt, encrypt


class SecondFactorAdapter(DefaultMFAAdapter):
    """Keeps what codes are made from encrypted."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": "This code is wrong or was used before. Wait for the next one and type that."
    }

    def encrypt(self, text: str) -> str:
        return encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        return decrypt(encrypted_text)


def is_required(user: Any) -> bool:
    """Whether the installation wants a second factor of this person (BURSAR_REQUIRE_SECOND_FACTOR)."""
    wanted_of: str = settings.REQUIRE_SECOND_FACTOR
    return wanted_of == "all" or (wanted_of == "administrators" and may_administer(user))


def has_one(user: User) -> bool:
    return bool(Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists())
