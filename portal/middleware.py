"""What every request passes."""

from collections.abc import Callable

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse

PUBLIC_PREFIXES = (
    "/accounts/login",
    "/accounts/password",
    "/accounts/provider",
    "/accounts/second-factor/code",
    "/accounts/signup",
    "/healthz",
    "/readyz",
    "/static/",
)


class SignInRequired:
    """Everything but signing in and the health answers needs a signed-in person; a fragment is told where to go."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.user.is_authenticated or request.path.startswith(PUBLIC_PREFIXES):
            return self.get_response(request)
        if getattr(request, "htmx", False):
            return HttpResponse(status=401, headers={"HX-Redirect": reverse("account_login")})
        return redirect_to_login(request.get_full_path())
