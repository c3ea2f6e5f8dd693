"""What a submitted workload may wish of the nodes it runs on. Every refusal names the field and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orgs.models import OrgUnit
from portal.errors import Refused
from quotas import rules
from quotas.models import Topology

MOST_WISHES = 20
OPERATORS = ("Exists", "Equal")
EFFECTS = ("NoSchedule", "NoExecute")
SECONDS = "tolerationSeconds"
MOST_SECONDS = 2**31 - 1


def placement_of(node_labels: object, tolerations: object) -> dict[str, Any]:
    """As `SubGroup.placement` holds it."""
    placement: dict[str, Any] = {}
    if labels := _node_labels(node_labels):
        placement["nodes"] = labels
    if tolerated := _tolerations(tolerations):
        placement["tolerations"] = tolerated
    return placement


def _node_labels(labels: object) -> dict[str, str]:
    if not isinstance(labels, Mapping):
        raise Refused({"node_labels": "Labels are keys with values. Write key=value, one a line."})
    if len(labels) > MOST_WISHES:
        raise Refused({"node_labels": f"{len(labels)} labels are too many. Use at most {MOST_WISHES}."})
    return {
        rules.label_key(key, "node_labels"): rules.label_value(value, "node_labels") for key, value in labels.items()
    }


def _tolerations(tolerations: object) -> list[dict[str, Any]]:
    if not isinstance(tolerations, Sequence) or isinstance(tolerations, str | bytes):
        raise Refused({"tolerations": "Tolerations are a list. Write key=value:effect, one a line."})
    if len(tolerations) > MOST_WISHES:
        raise Refused({"tolerations": f"{len(tolerations)} tolerations are too many. Use at most {MOST_WISHES}."})
    return [_toleration(item) for item in tolerations]


def _toleration(item: object) -> dict[str, Any]:
    if not isinstance(item, Mapping) or not set(item) <= {"key", "operator", "value", "effect", SECONDS}:
        raise Refused(
            {"tolerations": f"A toleration has key, operator, value, effect and {SECONDS}. Leave out the rest."}
        )
    operator, effect = item.get("operator", "Equal"), item.get("effect", "")
    if operator not in OPERATORS:
        raise Refused({"tolerations": "There is no such operator. Use Exists or Equal."})
    if effect and effect not in EFFECTS:
        raise Refused(
            {"tolerations": f"There is no such effect. Use {' or '.join(EFFECTS)}, or leave it out for both."}
        )
    more = {"effect": effect} if effect else {}
    if (seconds := item.get(SECONDS)) is not None:
        if effect != "NoExecute" or type(seconds) is not int or not 0 <= seconds <= MOST_SECONDS:
            raise Refused({"tolerations": f"{SECONDS} is a whole number, and needs the effect NoExecute."})
        more[SECONDS] = seconds
    if operator == "Exists" and not item.get("key"):
        return {"operator": "Exists"} | more
    found = {"key": rules.label_key(item.get("key"), "tolerations"), "operator": operator}
    if operator == "Equal":
        found["value"] = rules.label_value(item.get("value", ""), "tolerations")
    return found | more


def check_near(project: OrgUnit, topology: object, required: object, preferred: object) -> None:
    """A topology of the project's cluster, and levels of it; the preferred one narrower than the required one."""
    if topology is None and not required and not preferred:
        return
    if not isinstance(topology, Topology) or topology.cluster_id != project.cluster_id:
        raise Refused({"near_topology": "This is no topology of the project's cluster. Choose one of its levels."})
    levels = topology.levels
    for field, level in (("near_required", required), ("near_preferred", preferred)):
        if level != "" and level not in levels:
            raise Refused({field: f"This is no level of {topology.name}. Choose {', '.join(levels)}, or none."})
    if required and preferred and levels.index(preferred) <= levels.index(required):
        raise Refused(
            {"near_preferred": f"It is not narrower than {required}, which is required. Choose another, or none."}
        )
