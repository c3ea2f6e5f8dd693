from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from portal.formats import count, counted
from portal.selectors.audit_check import audit_check

MOST_TOLD = 20


class Command(BaseCommand):
    help = (
        "Tells whether somebody changed, removed or added rows of the audit log underneath Bursar; if so, its "
        "exit status is 1 and it names the first wrong row."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--noted",
            metavar="NUMBER:DIGEST",
            help="A seal that an earlier run printed, or the workers' logs: it has to be there still.",
        )

    def handle(self, *args: Any, noted: str | None = None, **options: Any) -> None:
        check = audit_check(_seal(noted) if noted else None)
        if check.problems:
            told = "\n".join(check.problems[:MOST_TOLD])
            more = len(check.problems) - MOST_TOLD
            raise CommandError(
                f"The audit log is not as it was written.\n{told}" + (f"\nAnd {more} more." * (more > 0))
            )
        purged = f" Those under seals 1 to {count(check.purged_to)} were purged." if check.purged_to else ""
        self.stdout.write(
            f"{counted(check.events, 'event')} under {counted(check.seals, 'seal')} are as they were written, "
            f"{count(check.unsealed)} of them not sealed yet.{purged}"
        )
        if check.seals:
            self.stdout.write(f"Last seal: {check.seals}:{check.last_digest}")


def _seal(noted: str) -> tuple[int, str]:
    number, _, digest = noted.partition(":")
    if not (number.isascii() and number.isdecimal() and len(number) < 19 and digest):
        raise CommandError("Give --noted as it was printed: the number, a colon, the digest.")
    return int(number), digest
