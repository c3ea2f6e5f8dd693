from __future__ import annotations

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.core.management import BaseCommand, CommandError

from orgs.models import OrgUnit, UnitKind
from orgs.services.account import OPERATOR
from portal.errors import Refused
from scheduling.services.simulation import (
    NODE_ACTS,
    POD_ACTS,
    simulated_node_do,
    simulated_node_label,
    simulated_pods_do,
)

NODE_HELP = """\
fail      it falls silent: not ready; its pods stay as last seen, and after five
          minutes are asked to stop, of which they do not hear
vanish    it leaves the cluster, and its pods with it
return    it answers again, or joins again
cordon    it takes nothing new; what runs there goes on
uncordon  it takes new pods again

KEY=VALUE sets a label, KEY- takes one away. The pool of a node follows its labels.
"""
POD_HELP = """\
fail      it ends with an error, and its workload with it
hang      what has not started does not start, as when an image cannot be pulled;
          what runs does not end when it is stopped
release   it hangs no longer
delete    it is deleted past Bursar; its workload gets another
"""


class Command(BaseCommand):
    help = (
        "Lets something happen in a simulated cluster, for teaching and tests. It is told in the audit log. How fast "
        "time passes there is said by the setting BURSAR_SIMULATED_SPEED (1: as ours)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("cluster", help="Name of the simulated cluster.")
        kinds = parser.add_subparsers(dest="kind", required=True, metavar="node|pod")
        node = kinds.add_parser(
            "node", help="Something happens to a node.", epilog=NODE_HELP, formatter_class=RawDescriptionHelpFormatter
        )
        node.add_argument("name", help="Name of the node.")
        node.add_argument("acts", nargs="+", metavar="act", help=f"{', '.join(NODE_ACTS)}; or labels.")
        pod = kinds.add_parser(
            "pod", help="Something happens to pods.", epilog=POD_HELP, formatter_class=RawDescriptionHelpFormatter
        )
        pod.add_argument("name", help="Name of a pod, or PROJECT/WORKLOAD for all pods of a workload.")
        pod.add_argument("acts", nargs=1, metavar="act", choices=POD_ACTS, help=", ".join(POD_ACTS))

    def handle(self, *args: Any, cluster: str, kind: str, name: str, acts: list[str], **options: Any) -> None:
        found = OrgUnit.objects.filter(kind=UnitKind.CLUSTER, name=cluster).first()
        if found is None:
            raise CommandError(f"There is no cluster {cluster}. Settings lists them.")
        try:
            if kind == "pod":
                names = simulated_pods_do(actor=OPERATOR, cluster=found, pods=name, act=acts[0])
                self.stdout.write(f"{acts[0]}: {', '.join(names)}")
            elif acts[0] in NODE_ACTS:
                for act in acts:
                    simulated_node_do(actor=OPERATOR, cluster=found, node=name, act=act)
                self.stdout.write(f"{name}: {', '.join(acts)}")
            else:
                simulated_node_label(actor=OPERATOR, cluster=found, node=name, labels=labels_of(acts))
                self.stdout.write(f"{name}: {' '.join(acts)}")
        except Refused as refusal:
            raise CommandError(" ".join(refusal.messages)) from None


def labels_of(words: list[str]) -> dict[str, str | None]:
    """From KEY=VALUE and KEY-."""
    labels: dict[str, str | None] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not (equals or word.endswith("-")):
            raise CommandError(f"{word} is neither an act ({', '.join(NODE_ACTS)}) nor a label (KEY=VALUE, KEY-).")
        labels[key if equals else word.removesuffix("-")] = value if equals else None
    return labels
