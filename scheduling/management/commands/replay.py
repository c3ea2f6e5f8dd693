from __future__ import annotations

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from portal.formats import count, duration
from scheduling.cycle_file import MOST_BYTES, CycleFile, WrongFile, plain, unpacked
from scheduling.cycle_replay import Replayed, differences, replay
from scheduling.cycle_words import PARTS, Words, decided, looked_at

MOST_SHOWN = 20


class Command(BaseCommand):
    help = (
        "Decides a saved cycle once more and holds every byte of it against what was decided then. The exit status is "
        "0 where nothing differs, 1 where something does, and 2 where the file cannot be read. It needs nothing but "
        "the file: no database, no cluster."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="A cycle as the Scheduler page gives it (.json.gz).")
        parser.add_argument(
            "--decisions", action="store_true", help="Print every decision with its reason, and the order of units."
        )

    def handle(self, *args: Any, file: Path, decisions: bool, **options: Any) -> None:
        cycle = read(file)
        self.say(looked_at(cycle))
        if cycle.error:
            self.say(f"It ended with an error: {cycle.error}")
        began = time.perf_counter()
        made = replay(cycle)
        self.say(f"Decided once more in {duration(time.perf_counter() - began)}.")
        if decisions and made.decisions is not None:
            self.say("\n".join(Words(cycle).all_of(made.decisions)))
        if not made.is_same(cycle):
            self.say(told(cycle, made))
            raise SystemExit(1)
        if made.decisions is None:
            self.say("The engine stops with the same error.")
        else:
            self.say(f"The same, in all {count(len(plain(made.decisions)))} bytes: {decided(made.decisions)}.")

    def say(self, text: str) -> None:
        """Names of a file may hold anything, also what a terminal obeys."""
        self.stdout.write("".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in text))


def read(file: Path) -> CycleFile:
    try:
        if file.stat().st_size > MOST_BYTES:
            raise WrongFile(f"It is larger than {MOST_BYTES // 1024**2} MiB, which no saved cycle is.")
        return unpacked(file.read_bytes())
    except OSError as problem:
        raise CommandError(f"{file} cannot be read: {problem.strerror}.", returncode=2) from None
    except WrongFile as problem:
        raise CommandError(f"{file} is no cycle to replay. {problem}", returncode=2) from None


def told(cycle: CycleFile, made: Replayed) -> str:
    """What differs, in words."""
    if cycle.decisions is None or made.decisions is None:
        then = cycle.error if cycle.decisions is None else decided(cycle.decisions)
        now = made.error if made.decisions is None else decided(made.decisions)
        return f"It differs.\n  then: {then}\n  now:  {now}"
    words = Words(cycle)
    lines = ["It differs."]
    for found in differences(cycle.decisions, made.decisions):
        lines.append(f"{PARTS[found.part]}:" + ("" if found.saved or found.replayed else " the same in another order"))
        for mark, items in (("-", found.saved), ("+", found.replayed)):
            lines += [f"  {mark} {words.of(item)}" for item in items[:MOST_SHOWN]]
            if len(items) > MOST_SHOWN:
                lines.append(f"  {mark} and {len(items) - MOST_SHOWN} more")
    return "\n".join([*lines, "- only then, + only now"])
