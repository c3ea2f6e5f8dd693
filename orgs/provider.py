"""The identity provider: what it says of a person, whether that lets the person in, and signing out there."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

import structlog
from allauth.account.authentication import get_authentication_records
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialLogin, SocialToken
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from allauth.utils import build_absolute_uri
from django.conf import settings
from django.http import Http404, HttpRequest
from django.shortcuts import render
from django.urls import reverse

from orgs.services.provider import Claims, provider_person
from portal.errors import Refused
from portal.settings.sign_in import IdentityProvider

logger = structlog.get_logger(__name__)

SIGN_OUT = "provider_sign_out"
"""In the session: where the provider signs people out, and the token by which it knows whom to."""


def identity_provider() -> IdentityProvider | None:
    """The one of this installation."""
    provider: IdentityProvider | None = settings.IDENTITY_PROVIDER
    return provider


def provider_needed() -> IdentityProvider:
    """The same, for pages that are there only with one."""
    provider = identity_provider()
    if provider is None:
        raise Http404("There is no identity provider here.")
    return provider


def came_by_provider(request: HttpRequest) -> bool:
    """Whether the session began at the identity provider, not with a password."""
    records = get_authentication_records(request, request.user)
    return any(record["method"] == "socialaccount" for record in records)


class ProviderAdapter(DefaultSocialAccountAdapter):
    """Accounts are found and made by a service of ours; nothing that the provider tells is kept but who it is."""

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: dict[str, Any]) -> Any:
        sociallogin.told, sociallogin.account.extra_data = sociallogin.account.extra_data, {}
        return sociallogin.user

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        provider = identity_provider()
        assert provider is not None, "the address of a provider that is not there answers 404"
        try:
            claims = claims_of(sociallogin.told, provider)
            user = provider_person(provider=provider, claims=claims, address=request.META.get("REMOTE_ADDR") or "")
        except Refused as refusal:
            logger.warning("identity provider's person refused", provider=provider.key)
            page = render(request, "account/provider_refused.html", {"why": refusal.messages}, status=403)
            raise ImmediateHttpResponse(page) from None
        sociallogin.user = user
        sociallogin.account = SocialAccount.objects.get(provider=provider.key, uid=claims.subject)

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, exception: Any = None, extra_context: Any = None
    ) -> None:
        """The words of an exception may hold codes and tokens: its type says enough."""
        logger.warning("identity provider's answer refused", error=error, problem=type(exception).__name__)


class Coming(OpenIDConnectOAuth2Adapter):
    """Coming back from the provider: allauth's steps, and what signing out there will take."""

    def complete_login(self, request: HttpRequest, app: Any, token: SocialToken, **kwargs: Any) -> SocialLogin:
        login = super().complete_login(request, app, token, **kwargs)
        # A provider's word for it; without one it is signed out of here only.
        page = self.openid_config.get("end_session_endpoint")
        if isinstance(page, str) and urlsplit(page).scheme in ("https", "http"):
            hint = kwargs["response"].get("id_token")
            request.session[SIGN_OUT] = {"page": page, "client_id": app.client_id, "id_token_hint": hint}
        return login


def sign_out_there(request: HttpRequest) -> str:
    """The address at the provider that ends the session there, too, and leads back to signing in; empty where the
    session here did not begin there, or the provider has none."""
    asked = dict(request.session.get(SIGN_OUT) or {})
    page = asked.pop("page", "")
    if not page or not came_by_provider(request):
        return ""
    asked["post_logout_redirect_uri"] = build_absolute_uri(request, reverse("account_login"))
    query = urlencode({name: value for name, value in asked.items() if value})
    return f"{page}{'&' if urlsplit(page).query else '?'}{query}"


def claims_of(told: dict[str, Any], provider: IdentityProvider) -> Claims:
    """What the provider's token and its page about the person say together. Refused when they mean two persons."""
    token, page = told.get("id_token") or {}, told.get("userinfo") or {}
    if token and page and token.get("sub") != page.get("sub"):
        raise Refused(f"{provider.name} gave contradictory answers. Sign in again.")
    both = token | page
    groups = both.get(provider.groups_claim) if provider.groups_claim else None
    if isinstance(groups, str):
        groups = [groups]
    return Claims(
        subject=str(both.get("sub", "")),
        email=_text(both.get("email")),
        # Some say it with a word; a word like “false” is not true.
        email_verified=both.get("email_verified") in (True, "true"),
        name=_text(both.get("name")),
        groups=tuple(name for name in groups or () if isinstance(name, str)),
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
