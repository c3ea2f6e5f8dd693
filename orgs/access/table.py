"""The permission table: what each built-in role may do. C create, R read, U update, D delete."""

from __future__ import annotations

ACTIONS = {"C": "create", "R": "read", "U": "update", "D": "delete"}

ADMINISTRATOR = "System administrator"
ROLES = (ADMINISTRATOR, "Department administrator", "L1 researcher", "Viewer")

CELLS: dict[str, tuple[str, str, str, str]] = {
    "account": ("RU", "R", "R", "R"),
    "settings": ("RU", "R", "R", "R"),
    "cluster": ("CRUD", "R", "R", "R"),
    "department": ("CRUD", "R", "R", "R"),
    "project": ("CRUD", "CRUD", "R", "R"),
    "quota": ("CRUD", "CRUD", "R", "R"),
    "pool": ("CRUD", "R", "R", "R"),
    "node": ("R", "R", "", "R"),
    "user": ("CRUD", "R", "", ""),
    "role": ("CRUD", "R", "", ""),
    "access_rule": ("CRUD", "CRUD", "", ""),
    "workspace": ("CRUD", "CRUD", "CRUD", "R"),
    "training": ("CRUD", "CRUD", "CRUD", "R"),
    "inference": ("CRUD", "CRUD", "R", "R"),
    "logs": ("R", "R", "R", ""),
    "overview": ("R", "R", "R", "R"),
    "scheduler": ("R", "R", "R", "R"),
    "audit": ("R", "R", "", ""),
}


def permissions_of(role: str) -> frozenset[str]:
    """The `entity:action` codes of a built-in role."""
    column = ROLES.index(role)
    return frozenset(f"{entity}:{ACTIONS[letter]}" for entity, cells in CELLS.items() for letter in cells[column])
