"""What the scope pickers find on the server, where there are too many units to send them all."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from orgs.access import NotVisible
from orgs.access.table import all_permissions
from orgs.forms.scope import ScopeChoices
from orgs.scope import visible_units
from orgs.scope_picker import scope_picker
from orgs.views.base import Page, searched
from portal.asked import whole_numbers

MOST_CHOSEN = 200
PLACE = ("scope", "page", "after", "before", "selected")


class ScopeRows(Page):
    """The top bar's rows: links to the page that the person is on."""

    permission = "project:read"
    template_name = "orgs/scope_rows.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        path, query = self.came_from()
        picker = scope_picker(self.request, searched(self.request))
        return super().get_context_data(scope_picker=picker, at=f"{path}?{query}{'&' if query else ''}scope=", **kwargs)

    def came_from(self) -> tuple[str, str]:
        address = getattr(self.request, "htmx", None)
        parts = urlsplit((address and address.current_url_abs_path) or "")
        kept = [(name, value) for name, value in parse_qsl(parts.query) if name not in PLACE]
        return parts.path, urlencode(kept)


class ScopeChoiceRows(Page):
    """A form's rows: `?permission=`, `?inside=` and `?clusters=` say what the field asks for, `?name=` its name."""

    permission = "project:read"
    template_name = "orgs/scope_choice_rows.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        wanted = self.request.GET
        permission = wanted.get("permission", "")
        if not permission or not set(permission.split(" ")) <= all_permissions():
            raise NotVisible("There is no such list.")
        inside = wanted.get("inside", "")
        unit = None
        if inside:
            unit = visible_units(self.request.user).filter(pk__in=whole_numbers([inside])).first()
            if unit is None:
                raise NotVisible("There is no such scope, or you may not see it.")
        choices = ScopeChoices(self.request.user, permission, unit, clusters="clusters" in wanted)
        name, many = wanted.get("name", "parent")[:40], bool(wanted.get("many"))
        chosen = choices.found(wanted.getlist(name)[:MOST_CHOSEN])
        rows, _ = choices.rows(searched(self.request), chosen)
        return super().get_context_data(rows=rows, name=name, many=many, chosen=chosen, **kwargs)
