"""Every endpoint of the API with what each method answers to each role, and data that it takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.matrix import NONE, Arguments, of, statuses
from tests.world import World

Data = Callable[[World], Any]
METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`answers`: by method the statuses by the short forms of roles, as lines of pages have them; there is no other
    method. Who is not signed in gets 401."""

    name: str
    arguments: Arguments
    answers: dict[str, str]
    data: dict[str, Data] = field(default_factory=dict)

    def statuses(self, who: str, method: str) -> set[int]:
        """What it may answer. That there is no such method is said to those for whom there is such a thing."""
        if who == "anonymous":
            return {401}
        if method in self.answers:
            return {statuses(self.answers[method])[who]}
        return {405, 404} if 404 in self.statuses(who, "get") else {405}


UNITS_SEEN = "rest: 200"
ENDPOINTS = [
    Endpoint("api_schema", NONE, {"get": "nobody rest: 200"}),
    Endpoint(
        "clusters-list",
        NONE,
        {"get": UNITS_SEEN, "post": "SA: 201; rest: 403"},
        {"post": lambda world: {"name": "south", "mode": "simulated"}},
    ),
    Endpoint(
        "clusters-detail",
        of(pk="cluster.pk"),
        {
            "get": "SA Vi AA: 200; rest: 404",
            "patch": "SA: 200; Vi AA: 403; rest: 404",
            "delete": "SA: 204; Vi AA: 403; rest: 404",
        },
        {"patch": lambda world: {"description": "In the basement"}},
    ),
    Endpoint(
        "departments-list",
        NONE,
        {"get": UNITS_SEEN, "post": "SA Ed: 201; L1 L2 ML: 422; rest: 403"},
        {"post": lambda world: {"name": "speech", "parent": world.department.pk}},
    ),
    Endpoint(
        "departments-detail",
        of(pk="department.pk"),
        {
            "get": "L1 L2 ML: 404; rest: 200",
            "patch": "SA Ed: 200; L1 L2 ML: 404; rest: 403",
            "delete": "SA Ed: 204; L1 L2 ML: 404; rest: 403",
        },
        {"patch": lambda world: {"description": "Eyes"}},
    ),
    Endpoint(
        "projects-list",
        NONE,
        {"get": UNITS_SEEN, "post": "SA DA Ed RM: 201; L1 L2 ML: 422; rest: 403"},
        {"post": lambda world: {"name": "robotics", "parent": world.department.pk}},
    ),
    Endpoint(
        "projects-detail",
        of(pk="project.pk"),
        {"get": "rest: 200", "patch": "SA DA Ed RM: 200; rest: 403", "delete": "SA DA Ed RM: 204; rest: 403"},
        {"patch": lambda world: {"description": "Arms"}},
    ),
    Endpoint(
        "projects-detail",
        of(pk="elsewhere.pk"),
        {
            "get": "SA Vi AA: 200; rest: 404",
            "patch": "SA: 200; Vi AA: 403; rest: 404",
            "delete": "SA: 204; Vi AA: 403; rest: 404",
        },
        {"patch": lambda world: {"description": "Arms"}},
    ),
]
