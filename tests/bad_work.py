"""Submitting work, with what that takes: cases of `tests.test_bad_input`."""

from __future__ import annotations

import yaml

from scheduling.services.workload import workload_submit
from scheduling.services.workload_rules import PodGroup
from scheduling.services.workload_yaml import workload_submit_yaml
from tests.bad_input import BAD, FormCase, ServiceCase
from tests.documents import job
from tests.factories import actor_of, make_topology

LABEL_TEXTS = {"not a number", "huge", "exponent", "many decimals", "foreign id"}
GROUP = PodGroup("launcher", pods=1, cpu_millicores=1000, memory_bytes=1024**3)
LABELS = {f"key-{number}": "value" for number in range(21)}

FORMS = [
    FormCase(
        "submit_yaml",
        "researcher",
        lambda world: {
            "project": str(world.project.pk),
            "priority": "50",
            "minutes": "30",
            "pools": world.pool.name,
            "preemptible": "on",
            "delay": "5",
            "near_required": f"{world.topology.pk}:example.org/hall",
            "near_preferred": f"{world.topology.pk}:example.org/rack",
            "manifest": yaml.safe_dump(job("train-2")),
        },
        legal={
            **{name: {"missing", "blank", "other digits"} for name in ("minutes", "delay")},
            **{name: {"missing"} for name in ("near_required", "near_preferred", "pools")},
            "preemptible": set(BAD),
        },
        foreign={
            "project": lambda world: world.elsewhere.pk,
            "near_required": lambda world: f"{make_topology().pk}:example.org/rack",
        },
    ),
]
SERVICES = [
    ServiceCase(
        workload_submit,
        lambda world: {
            "actor": actor_of(),
            "project": world.project,
            "kind": 2,
            "name": "train-2",
            "image": "python:3.12",
            "cpu_millicores": 8000,
            "memory_bytes": 64 * 1024**3,
            "devices": 4,
            "pools": [world.pool.name],
            "near_topology": world.topology,
            "near_required": "example.org/hall",
        },
        {"name": (), "image": LABEL_TEXTS},
        {
            "project": lambda world: [world.account, world.cluster, world.department],
            "kind": lambda world: [0, 5, "training", None, True],
            "pods": lambda world: [0, -1, 10**12, 1.5, "2", None, True],
            "devices": lambda world: [-1, 65, 1.5, "4", None],
            "device_milli": lambda world: [0, 9, 1001, 500.0, "1000", None],
            "cpu_millicores": lambda world: [0, -1, 2**63, "8", None],
            "memory_bytes": lambda world: [0, -1, 2**63, 1.5, None],
            "priority": lambda world: [0, 51, "high", None],
            "preemptible": lambda world: [None, 1, "on"],
            "pools": lambda world: [["none-such"], [world.pool.name] * 2, world.pool.name, [7], None],
            "command": lambda world: ["python", [7], ["a\0"], ["\ud800"], ["x"] * 101, None],
            "env": lambda world: [["A=1"], {"1A": "x"}, {"A": 7}, {"A": "\0"}, {"A": "x" * 5000}],
            "run_seconds": lambda world: [0, -1, 10**12, 1.5, "60"],
            "fail_after_seconds": lambda world: [0, -1, 10**12, 1.5, "60"],
            "min_pods": lambda world: [0, -1, 2, 10**12, 1.5, "1", True],
            "gpu_memory_mib": lambda world: [-1, 10**12, 1.5, "1024", None, True],
            "group": lambda world: ["", "Workers", "a b", "x" * 41, 7, None, "a\0"],
            "more_groups": lambda world: [None, "launcher", [7], [{"name": "a"}], [GROUP], [GROUP] * 9],
            "near_topology": lambda world: [7, "racks", make_topology(), world.pool],
            "near_required": lambda world: [7, "example.org/none", "\0", None],
            "near_preferred": lambda world: [7, "example.org/none", "\0", None],
            "node_labels": lambda world: [["a=b"], {7: "a"}, {"a": 7}, {"a b": "c"}, {"a": "\0"}, {"": ""}, LABELS],
            "tolerations": lambda world: [
                None,
                "key",
                [7],
                [{"key": "a b"}],
                [{"key": "a", "operator": "In"}],
                [{"key": "a", "effect": "Prefer"}],
                [{"key": "a", "value": "\0"}],
                [{"key": "a", "seconds": "7"}],
                [{}],
                [{"operator": "Exists"}] * 21,
                [{"key": 7, "operator": "Exists"}],
                [{"operator": ["Exists"]}],
                [{"operator": "Exists", "effect": ["a"]}],
            ],
            "preemption_delay_seconds": lambda world: [-1, 10**12, 1.5, "60", None, True],
        },
    ),
    ServiceCase(
        workload_submit_yaml,
        lambda world: {"actor": actor_of(), "project": world.project, "manifest": job("train-2")},
        {"manifest": ()},
        {"project": lambda world: [world.account, world.cluster, world.department]},
    ),
]
