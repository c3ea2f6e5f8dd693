from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from portal import shell
from portal.access import may


def home(request: HttpRequest) -> HttpResponse:
    """Sends people to the first page of the menu that is theirs."""
    for line in shell.menu():
        entity, action = line.permission.split(":")
        if may(request.user, action, entity):
            return redirect(line.url_name)
    return redirect("account_logout")
