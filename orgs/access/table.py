"""The permission table: what each predefined role may do. C create, R read, U update, D delete, - nothing."""

from __future__ import annotations

ACTIONS = {"C": "create", "R": "read", "U": "update", "D": "delete"}

ADMINISTRATOR = "System administrator"
ASSET_ADMINISTRATORS = {
    "Environment administrator": "environment",
    "Compute resource administrator": "compute_resource",
    "Data source administrator": "data_source",
    "Template administrator": "template",
    "Credentials administrator": "credential",
}
"""They share the last column of the table; of its own kind of asset each may do everything."""

ROLES = (
    ADMINISTRATOR,
    "Department administrator",
    "Editor",
    "Research manager",
    "L1 researcher",
    "L2 researcher",
    "ML engineer",
    "Viewer",
    "Department viewer",
    "Application administrator",
    *ASSET_ADMINISTRATORS,
)
"""In the order of the columns."""

SECTIONS: dict[str, dict[str, str]] = {
    #                    SA   DA   Ed   RM   L1   L2   ML   Vi  DV AA   assets
    "Organization": {
        "account":          "RU   R    R    R    R    R    R    R  R  R    R",
        "settings":         "RU   R    R    R    R    R    R    R  R  R    R",
        "cluster":          "CRUD R    R    R    R    R    R    R  R  R    R",
        "department":       "CRUD R    CRUD R    R    R    R    R  R  R    R",
        "project":          "CRUD CRUD CRUD CRUD R    R    R    R  R  R    R",
    },
    "Hardware and quotas": {
        "quota":            "CRUD CRUD CRUD R    R    R    R    R  R  R    -",
        "pool":             "CRUD R    R    R    R    R    R    R  R  R    -",
        "node":             "R    R    R    -    -    -    R    R  -  R    -",
        "quota_request":    "CRUD CRUD CRUD CRUD CR   CR   CR   R  R  -    -",
        "draft":            "CRUD CRUD CRUD CRUD -    -    -    R  R  -    -",
    },
    "People and rights": {
        "user":             "CRUD R    R    R    -    -    -    -  -  R    -",
        "group":            "CRUD R    R    R    -    -    -    -  -  R    -",
        "application":      "CRUD R    R    -    -    -    -    -  -  CRUD -",
        "access_key":       "CRUD R    R    -    -    -    -    -  -  CRUD -",
        "webhook":          "CRUD CRUD CRUD CRUD -    -    -    -  -  CRUD -",
        "role":             "CRUD R    R    R    -    -    -    -  -  R    -",
        "access_rule":      "CRUD CRUD CRUD CRUD -    -    -    -  -  CRUD -",
        "audit":            "R    R    -    -    -    -    -    -  -  R    -",
    },
    "Work": {
        "policy":           "CRUD CRUD CRUD R    R    R    R    R  R  R    R",
        "scheduling_rule":  "CRUD CRUD CRUD R    R    R    R    R  R  R    R",
        "workspace":        "CRUD CRUD CRUD CRUD CRUD CRUD R    R  R  R    -",
        "training":         "CRUD CRUD CRUD CRUD CRUD CRUD R    R  R  R    -",
        "inference":        "CRUD CRUD CRUD CRUD R    -    CRUD R  R  R    -",
        "found_workload":   "CRUD CRUD CRUD CRUD CRUD CRUD R    R  R  R    -",
        "logs":             "R    R    R    R    R    R    R    -  -  -    -",
        "terminal":         "R    R    R    R    R    R    R    -  -  -    -",
    },
    "Assets": {
        "environment":      "CRUD CRUD CRUD CRUD CRUD R    R    R  R  R    R",
        "compute_resource": "CRUD CRUD CRUD CRUD CRUD R    R    R  R  R    R",
        "data_source":      "CRUD CRUD CRUD CRUD CRUD R    R    R  R  R    R",
        "template":         "CRUD CRUD CRUD CRUD CRUD R    R    R  R  R    R",
        "credential":       "CRUD CRUD CRUD CRUD CRUD R    R    -  -  -    -",
    },
    "Insight": {
        "overview":         "R    R    R    R    R    R    R    R  R  R    R",
        "reports":          "R    R    R    R    R    R    R    R  R  R    R",
        "scheduler":        "R    R    R    R    R    R    R    R  R  R    R",
    },
}  # fmt: skip
"""Entities by the section of the page that shows them; each with the cells of the eleven columns."""

CELLS = {entity: line.split() for entities in SECTIONS.values() for entity, line in entities.items()}


def cell(role: str, entity: str) -> str:
    """The letters of a predefined role and an entity."""
    if ASSET_ADMINISTRATORS.get(role) == entity:
        return "CRUD"
    letters = CELLS[entity][min(ROLES.index(role), len(ROLES) - len(ASSET_ADMINISTRATORS))]
    return letters.strip("-")


def permissions_of(role: str) -> frozenset[str]:
    """The `entity:action` codes of a predefined role."""
    return frozenset(f"{entity}:{ACTIONS[letter]}" for entity in CELLS for letter in cell(role, entity))


def all_permissions() -> frozenset[str]:
    """Every code that there is: all of them are the System administrator's."""
    return permissions_of(ADMINISTRATOR)
