from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from portal import shell
from portal.access import may


def home(request: HttpRequest) -> HttpResponse:
    """Sends people to the first page of the menu that is theirs; tells those without any rights whom to ask."""
    for line in shell.menu():
        entity, action = line.permission.split(":")
        if may(request.user, action, entity):
            return redirect(line.url_name)
    return render(request, "portal/no_rights.html")
