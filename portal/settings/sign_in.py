"""How people sign in, from the environment: local accounts, a second factor, an identity provider."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """Another service that says who somebody is (OpenID Connect)."""

    key: str
    """Part of the address that it sends people back to. Made from the issuer, so that another issuer's people are not
    taken for this one's."""
    name: str
    """On the button."""
    groups_claim: str
    """Where it tells a person's groups; empty: it does not."""
    admits_unknown: bool
    """Whether people come in who have no account yet."""
    email_domains: tuple[str, ...]
    """Of the addresses that are let in; empty: all."""


def sign_in(environment: Mapping[str, str]) -> dict[str, Any]:
    """The settings that follow from the variables. ImproperlyConfigured for what makes no sense."""
    env = environ.Env()
    env.ENVIRON = environment
    return {**_local_accounts(), **_second_factor(env), **_identity_provider(env), **_mail(env)}


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
        "ACCOUNT_FORMS": {
            "change_password": "orgs.forms.password.ChangePasswordForm",
            "reset_password": "orgs.forms.password.ResetPasswordForm",
            "reset_password_from_key": "orgs.forms.password.SetPasswordForm",
        },
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


def _identity_provider(env: Any) -> dict[str, Any]:
    issuer = env.str("BURSAR_OIDC_ISSUER", default="").rstrip("/")
    client = env.str("BURSAR_OIDC_CLIENT_ID", default="")
    local = env.bool("BURSAR_LOCAL_PASSWORDS", default=True)
    if bool(issuer) != bool(client):
        raise ImproperlyConfigured(
            "BURSAR_OIDC_ISSUER and BURSAR_OIDC_CLIENT_ID belong together. Set both, or none of them."
        )
    if not issuer and not local:
        raise ImproperlyConfigured(
            "BURSAR_LOCAL_PASSWORDS is off and BURSAR_OIDC_ISSUER is missing: nobody could sign in. Set one of them."
        )
    address = urlsplit(issuer)
    if issuer and address.scheme != "https" and address.hostname not in ("127.0.0.1", "localhost"):
        raise ImproperlyConfigured(f"BURSAR_OIDC_ISSUER is {issuer}. It has to begin with https://.")
    settings: dict[str, Any] = {
        "LOCAL_PASSWORDS": local,
        "IDENTITY_PROVIDER": None,
        "SOCIALACCOUNT_ADAPTER": "orgs.provider.ProviderAdapter",
        "SOCIALACCOUNT_PROVIDERS": {},
    }
    if issuer:
        provider = IdentityProvider(
            key=re.sub("[^a-z0-9]+", "-", f"{address.netloc}{address.path}".lower()).strip("-"),
            name=env.str("BURSAR_OIDC_NAME", default="single sign-on"),
            groups_claim=env.str("BURSAR_OIDC_GROUPS_CLAIM", default=""),
            admits_unknown=env.bool("BURSAR_OIDC_ADMIT_UNKNOWN", default=False),
            email_domains=tuple(name.strip().lower() for name in env.list("BURSAR_OIDC_EMAIL_DOMAINS", default=[])),
        )
        app = {
            "provider_id": provider.key,
            "name": provider.name,
            "client_id": client,
            "secret": env.str("BURSAR_OIDC_CLIENT_SECRET", default=""),
            "settings": {
                "server_url": issuer,
                "oauth_pkce_enabled": True,
                "scope": env.str("BURSAR_OIDC_SCOPES", default="openid profile email").split(),
            },
        }
        settings["IDENTITY_PROVIDER"] = provider
        settings["SOCIALACCOUNT_PROVIDERS"] = {"openid_connect": {"APPS": [app]}}
    return settings


def _mail(env: Any) -> dict[str, Any]:
    """Where mails go (password resets, changes to one's account); without an address into the log."""
    return {
        **env.email_url("BURSAR_EMAIL_URL", default="consolemail://"),
        "DEFAULT_FROM_EMAIL": env.str("BURSAR_EMAIL_FROM", default="bursar@localhost"),
        "EMAIL_TIMEOUT": 10,
    }
