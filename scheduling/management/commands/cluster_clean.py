from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management import BaseCommand, CommandError

from portal.formats import counted
from scheduling.clusters.gateway import GatewayError
from scheduling.clusters.kubernetes import cleaner
from scheduling.clusters.kubernetes.cleaning import NAMESPACE, Cleaner, Trace, Traces
from scheduling.clusters.kubernetes.kubeconfig import KubeconfigError
from scheduling.services.cleaning import cluster_clean, refuse_connected


class Command(BaseCommand):
    help = (
        "Takes out of a Kubernetes cluster, which is no longer connected, what Bursar wrote there: the objects that it "
        "made, with what runs in them, and its labels and annotations on those of others. Without --yes it only prints "
        "what that is. The exit status is 1 where something could not be looked at or removed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "kubeconfig", help="A file with a kubeconfig of somebody who administers the cluster; - reads it here."
        )
        parser.add_argument("--yes", action="store_true", help="Do it.")
        parser.add_argument(
            "--with-namespaces",
            action="store_true",
            help="Delete the namespaces that Bursar made, too, with everything that is in them by now.",
        )

    def handle(self, *args: Any, kubeconfig: str, yes: bool, with_namespaces: bool, **options: Any) -> None:
        try:
            text = sys.stdin.read() if kubeconfig == "-" else Path(kubeconfig).read_text()
            found = cleaner(text)
            refuse_connected(found)
            traces = found.look()
            self.say(found, traces, with_namespaces=with_namespaces)
            problems = self.remove(found, traces, with_namespaces=with_namespaces) if yes else []
        except (OSError, UnicodeError, KubeconfigError, GatewayError) as problem:
            raise CommandError(str(problem)) from None
        except ValidationError as refused:
            raise CommandError(" ".join(refused.messages)) from None
        if traces.found and not yes:
            self.stdout.write("Nothing was changed. The same with --yes does it.")
        if problems or traces.unread:
            raise SystemExit(1)

    def say(self, found: Cleaner, traces: Traces, *, with_namespaces: bool) -> None:
        goes = [trace for trace in traces.found if trace.goes(with_namespaces=with_namespaces)]
        stays = [trace for trace in traces.found if not trace.goes(with_namespaces=with_namespaces)]
        if not traces.found:
            self.stdout.write(f"There is nothing of Bursar at {found.address}.")
        if goes:
            self.stdout.write(f"To be deleted at {found.address}, with what runs in it: {counted(len(goes), 'object')}")
            self.stdout.write("".join(f"  {trace.kind} {trace.name}\n" for trace in goes))
        if stays:
            self.stdout.write(f"To lose labels and annotations of Bursar: {counted(len(stays), 'object')}")
            self.stdout.write("".join(f"  {trace.kind} {trace.name}: {_keys(trace)}\n" for trace in stays))
        if kept := sum(trace.made and trace.kind == NAMESPACE for trace in stays):
            self.stdout.write(
                f"{counted(kept, 'namespace')} that Bursar made {'is' if kept == 1 else 'are'} kept, with what others "
                "put there; --with-namespaces deletes them."
            )
        for problem in traces.unread:
            self.stderr.write(f"Not looked at: {problem}")

    def remove(self, found: Cleaner, traces: Traces, *, with_namespaces: bool) -> list[str]:
        problems = cluster_clean(cleaner=found, traces=traces, with_namespaces=with_namespaces)
        for problem in problems:
            self.stderr.write(f"Not removed: {problem}")
        removed = len(traces.found) - len(problems)
        self.stdout.write(
            f"Done for {counted(removed, 'object')}. What was applied by hand goes by kubectl delete -f, with the "
            "files of deploy/kubernetes."
        )
        return problems


def _keys(trace: Trace) -> str:
    return ", ".join((*trace.labels, *trace.annotations))
