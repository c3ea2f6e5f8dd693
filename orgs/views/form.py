"""A form that calls one service: as a dialog over the page it was opened from, or as a page of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from orgs.views.base import Page
from portal.errors import Refused
from portal.notices import noticed


class FormPage(Page, ABC):
    """GET shows the form, POST calls `save`; what is refused comes back with everything that was typed, as 422."""

    template_name = "orgs/form_page.html"
    fragment_template = "orgs/form_dialog.html"
    form_class: type[forms.Form]
    title: str
    """The heading: what is about to be made or changed."""
    line: str = ""
    """What follows from it."""
    submit: str
    """Verb and object."""

    def form(self, data: Any = None) -> forms.Form:
        return self.form_class(data)

    @abstractmethod
    def save(self, form: forms.Form) -> str:
        """Calls the service; what the toast says. Refused goes beside the fields it names."""

    @abstractmethod
    def back(self) -> str:
        """Where one goes afterwards, or when giving up."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        kwargs.setdefault("form", self.form())
        words = {"title": self.title, "line": self.line, "submit": self.submit, "back": self.back()}
        return super().get_context_data(**words, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = self.form(request.POST)
        if form.is_valid():
            try:
                with noticed() as heard:
                    message = self.save(form)
            except Refused as refusal:
                add_refusal(form, refusal)
            else:
                messages.success(request, message)
                for warning in heard:
                    messages.warning(request, warning)
                return self.leave(request)
        return self.render_to_response(self.get_context_data(form=form), status=422)

    def leave(self, request: HttpRequest) -> HttpResponse:
        """To `back`, out of a dialog too."""
        if getattr(request, "htmx", False):
            return HttpResponse(status=204, headers={"HX-Redirect": self.back()})
        return redirect(self.back())


def add_refusal(form: forms.Form, refusal: Refused) -> None:
    """Puts each part of the refusal beside its field; what belongs to no field of the form stands above it."""
    parts = refusal.message_dict if hasattr(refusal, "error_dict") else {"": refusal.messages}
    for name, sentences in parts.items():
        for sentence in sentences:
            form.add_error(name if name in form.fields else None, sentence)
