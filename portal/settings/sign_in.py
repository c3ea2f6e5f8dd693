"""How people sign in, from the environment: local accounts, a second factor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured


def sign_in(environment: Mapping[str, str]) -> dict[str, Any]:
    """The settings that follow from the variables. ImproperlyConfigured for what makes no sense."""
    env = environ.Env()
    env.ENVIRON = environment
    return {**_local_accounts(), **_second_factor(env), **_mail(env)}


def _local_accounts() -> dict[str, Any]:
    return {
        "AUTH_USER_MODEL": "orgs.User",
        "AUTHENTICATION_BACKENDS": ["allauth.account.auth_backends.AuthenticationBackend"],
        "PASSWORD_HASHERS": [f"django.contrib.auth.hashers.{name}PasswordHasher" for name in ("Argon2", "PBKDF2")],
        "AUTH_PASSWORD_VALIDATORS": [
            {"NAME": f"orgs.passwords.{name}"} for name in ("NotOwnName", "Length", "NotCommon")
        ],
        "LOGIN_URL": "account_login",
        "LOGIN_REDIRECT_URL": "home",
        "ACCOUNT_ADAPTER": "orgs.adapter.AccountAdapter",
        "ACCOUNT_LOGIN_METHODS": {"email"},
        "ACCOUNT_SIGNUP_FIELDS": ["email*", "password1*", "password2*"],
        "ACCOUNT_USER_MODEL_USERNAME_FIELD": None,
        "ACCOUNT_EMAIL_VERIFICATION": "none",
        "ACCOUNT_LOGOUT_ON_GET": False,
        "ACCOUNT_EMAIL_NOTIFICATIONS": True,
        "ACCOUNT_EMAIL_SUBJECT_PREFIX": "Bursar: ",
        # Failures: of one address that people sign in with, whether or not it is an account's, and of one computer.
        "ACCOUNT_RATE_LIMITS": {"login_failed": "20/5m/ip,5/5m/key", "login": "60/m/ip"},
        "PASSWORD_RESET_TIMEOUT": 3 * 3600,
    }


def _second_factor(env: Any) -> dict[str, Any]:
    required_of = env.str("BURSAR_REQUIRE_SECOND_FACTOR", default="none")
    if required_of not in ("none", "administrators", "all"):
        raise ImproperlyConfigured(f"BURSAR_REQUIRE_SECOND_FACTOR is “{required_of}”. Set none, administrators or all.")
    return {
        "REQUIRE_SECOND_FACTOR": required_of,
        "MFA_ADAPTER": "orgs.second_factor.SecondFactorAdapter",
        "MFA_SUPPORTED_TYPES": ["totp", "recovery_codes"],
        "MFA_FORMS": {
            "authenticate": "orgs.forms.second_factor.CodeForm",
            "reauthenticate": "orgs.forms.second_factor.ConfirmForm",
            "activate_totp": "orgs.forms.second_factor.SetUpForm",
        },
        "MFA_TOTP_ISSUER": "Bursar",
        "MFA_TOTP_TOLERANCE": 1,
        "MFA_RECOVERY_CODES_SHOW_ONCE": True,
        # Addresses are given by administrators.
        "MFA_ALLOW_UNVERIFIED_EMAIL": True,
    }


def _mail(env: Any) -> dict[str, Any]:
    """Where mails go (password resets, changes to one's account); without an address into the log."""
    return {
        **env.email_url("BURSAR_EMAIL_URL", default="consolemail://"),
        "DEFAULT_FROM_EMAIL": env.str("BURSAR_EMAIL_FROM", default="bursar@localhost"),
        "EMAIL_TIMEOUT": 10,
    }
