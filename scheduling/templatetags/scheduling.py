"""Template tags of the scheduling pages."""

from __future__ import annotations

from typing import Any

from django import template
from django.http import QueryDict
from django.urls import reverse

from scheduling.models import Workload

register = template.Library()

KIND_ICONS = {
    Workload.Kind.WORKSPACE: "square-terminal",
    Workload.Kind.TRAINING: "play",
    Workload.Kind.DISTRIBUTED: "share-2",
    Workload.Kind.INFERENCE: "radio",
    Workload.Kind.OTHER: "box",
}


@register.simple_tag(takes_context=True)
def scoped(context: template.Context, url_name: str, *args: Any, **parameters: Any) -> str:
    """The address of a page, in the scope that the reader has chosen, with parameters."""
    query = QueryDict(mutable=True)
    if scope := context["request"].GET.get("scope"):
        query["scope"] = scope
    for name, value in parameters.items():
        query[name] = str(value)
    address = reverse(url_name, args=args)
    return f"{address}?{query.urlencode()}" if query else address


@register.filter
def kind_icon(kind: int) -> str:
    """The icon of a workload's kind."""
    return KIND_ICONS[Workload.Kind(kind)]
