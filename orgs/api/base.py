"""What endpoints about the organization share: the scope of a list, references to units, the account's lock."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

from orgs.models import OrgUnit, UnitKind
from orgs.scope import chosen_scope, visible_units
from orgs.services.locks import account_locked
from portal.api.endpoint import Endpoint
from portal.api.fields import LARGEST, Whole
from portal.api.listing import Filter
from portal.api.problems import BadParameter
from portal.asked import whole_number

NO_UNIT = "There is no such unit, or you may not see it. Give the id of one that you can get."
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


class OfTheAccount(Endpoint):
    """Things that belong to the account as a whole: their writers queue at its row."""

    def lock(self, row: Any) -> None:
        account_locked()


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": LARGEST})
class UnitId(serializers.Field):
    """A unit that the caller can see, by its id."""

    def __init__(self, *kinds: UnitKind, **kwargs: Any) -> None:
        self.kinds = kinds
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> OrgUnit:
        number = Whole().run_validation(data)
        units = visible_units(self.context["request"].user).select_related("parent", "cluster").filter(pk=number)
        unit = units.filter(kind__in=self.kinds).first() if self.kinds else units.first()
        if unit is None:
            raise serializers.ValidationError(NO_UNIT)
        return unit
