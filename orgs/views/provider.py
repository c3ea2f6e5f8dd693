"""Signing in and out, with a password or by the identity provider."""

from __future__ import annotations

from typing import Any

import structlog
from allauth.account.utils import get_next_redirect_url
from allauth.account.views import LoginView, LogoutView
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST
from django.views.generic import TemplateView
from requests import RequestException

from orgs.provider import Coming, identity_provider, sign_out_there

logger = structlog.get_logger(__name__)

# What a provider that is away, or answers nonsense, leads to in allauth.
NO_ANSWER = (RequestException, KeyError, ValueError)


class SignIn(LoginView):
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {"provider": identity_provider(), "local_passwords": settings.LOCAL_PASSWORDS}


class SignOut(LogoutView):
    """Here, and at the provider where the session began there."""

    def post(self, *args: Any, **kwargs: Any) -> HttpResponse:
        there = sign_out_there(self.request)
        response: HttpResponse = super().post(*args, **kwargs)
        if not there:
            return response
        return render(self.request, "account/provider_end.html", {"provider": identity_provider(), "there": there})


@require_POST
@never_cache
def start(request: HttpRequest, provider_id: str) -> HttpResponse:
    """On to the provider, by a page of ours: the policy of our pages lets no form lead elsewhere."""
    if request.user.is_authenticated:
        return redirect("home")
    try:
        provider = get_adapter().get_provider(request, provider_id)
        there = provider.redirect(request, AuthProcess.LOGIN, next_url=get_next_redirect_url(request))
    except SocialApp.DoesNotExist:
        raise Http404("There is no such identity provider.") from None
    except NO_ANSWER as problem:
        return _no_answer(request, problem)
    return render(request, "account/provider_start.html", {"provider": identity_provider(), "there": there.url})


@require_GET
@never_cache
def back(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Where the provider sends people back to."""
    if request.user.is_authenticated:
        return redirect("home")
    try:
        response: HttpResponse = OAuth2CallbackView.adapter_view(Coming(request, provider_id))(request)
    except SocialApp.DoesNotExist:
        raise Http404("There is no such identity provider.") from None
    except NO_ANSWER as problem:
        return _no_answer(request, problem)
    return response


def _no_answer(request: HttpRequest, problem: Exception) -> HttpResponse:
    logger.error("identity provider does not answer", problem=type(problem).__name__)
    context = {"provider": identity_provider(), "local_passwords": settings.LOCAL_PASSWORDS}
    return render(request, "account/provider_away.html", context, status=503)


class Cancelled(TemplateView):
    template_name = "account/provider_cancelled.html"
