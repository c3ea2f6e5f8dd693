"""What things of a cluster can be listed by."""

from __future__ import annotations

from orgs.api.base import SCOPE
from portal.api.listing import Filter

SORTS: dict[str, tuple[str, ...]] = {"name": ("name",), "id": (), "created_at": ("created_at",)}
FILTERS = {
    "name": Filter("The whole name.", "name", kind="text"),
    "cluster": Filter("The id of a cluster.", "cluster"),
    "scope": SCOPE,
}
