from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from portal import shell
from portal.access import may_any


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Sends people to the first page of the menu that is theirs; tells those without any rights whom to ask."""
    for line in shell.menu():
        if may_any(request.user, line.permission):
            return redirect(line.url_name)
    return render(request, "portal/no_rights.html")
