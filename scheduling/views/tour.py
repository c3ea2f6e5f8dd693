"""POST: a person closes the tour on Overview, or wants it back."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from orgs.views.base import Guarded
from scheduling.services.tour import tour_set


class TourSet(Guarded):
    permission = "overview:read"
    http_method_names = ["post"]
    closed = True

    def post(self, request: HttpRequest) -> HttpResponse:
        tour_set(actor=self.actor, closed=self.closed)
        return redirect("overview")
