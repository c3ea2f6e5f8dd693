"""What an address answers that leads nowhere: a page, and for programs a problem."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults

from portal.api.problems import MEDIA_TYPE, problem

API = "/api/"


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if not request.path.startswith(API):
        return defaults.page_not_found(request, exception)
    found = problem(404, [(None, "There is no such thing, or you may not see it.")])
    return JsonResponse(found.data, status=found.status_code, content_type=MEDIA_TYPE)
