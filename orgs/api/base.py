"""What endpoints about the organization share: the scope of a list, references to units, the account's lock."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from rest_framework.request import Request

from orgs.models import OrgUnit, UnitKind
from orgs.scope import chosen_scope, visible_units
from orgs.services.locks import account_locked
from portal.api.endpoint import Endpoint, Locks
from portal.api.fields import RowId
from portal.api.listing import Filter
from portal.api.problems import BadParameter
from portal.asked import whole_number

SCOPE = Filter("The id of a unit: rows in it and in everything below it.", apply=lambda rows, _: rows)
"""Applied by `rows`: see `orgs.scope.limited`."""


class Scoped(Endpoint):
    """Knows the scope that is asked for (`?scope=`), as pages do."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        asked = request.query_params.get("scope")
        if asked is not None and whole_number(asked) is None:
            raise BadParameter("scope", f"“{asked[:40]}” is no id. Give the id of a unit.")
        request._request.unit_scope = chosen_scope(request._request) if asked else None  # type: ignore[attr-defined]


class OfTheAccount(Locks):
    """Things that belong to the account as a whole: their writers queue at its row."""

    def lock(self, row: Any) -> None:
        account_locked()


class UnitId(RowId):
    """A unit that the caller can see, of these kinds or of any, by its id."""

    def __init__(self, *kinds: UnitKind, **kwargs: Any) -> None:
        def rows(request: HttpRequest) -> QuerySet[OrgUnit]:
            units = visible_units(request.user).select_related("parent", "cluster")
            return units.filter(kind__in=kinds) if kinds else units

        super().__init__(rows, "unit", **kwargs)
