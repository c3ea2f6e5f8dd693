"""The time that a report is about: whole days, UTC, up to now at most."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LAST = {"today": "Today", "7d": "7 days", "30d": "30 days", "12m": "12 months"}
USUAL = "7d"
LONGEST = timedelta(days=25 * 31)
"""Days are kept so long."""


@dataclass(frozen=True, slots=True)
class Period:
    """From `begin` up to `end`, which are midnights, but for an end that is now."""

    begin: datetime
    end: datetime
    now: datetime
    last: str = ""
    """Which of LAST; empty: from one date to another."""

    @classmethod
    def of(cls, query: Mapping[str, str], now: datetime) -> Period:
        """What an address asks for: `last`, or `from` and `to` (both days included)."""
        today = now.astimezone(UTC).date()
        first, final = _day(query.get("from", "")), _day(query.get("to", ""))
        if first and first <= today:
            final = min(final or today, today)
            first = max(first, today - LONGEST)
            if first <= final:
                return cls(midnight(first), min(midnight(final + DAY), now), now)
        last = query.get("last", USUAL)
        last = last if last in LAST else USUAL
        first = {
            "today": today,
            "7d": today - 6 * DAY,
            "30d": today - 29 * DAY,
            "12m": _months_before(today, 11),
        }[last]
        return cls(midnight(first), now, now, last)

    @property
    def days(self) -> int:
        return -(-(self.end - self.begin) // DAY)

    @property
    def final(self) -> date:
        """The last day."""
        return (self.end - timedelta(microseconds=1)).astimezone(UTC).date()

    @property
    def is_open(self) -> bool:
        """It reaches up to now."""
        return self.end == self.now

    @property
    def by_month(self) -> bool:
        return self.last == "12m"

    @property
    def step(self) -> str:
        """hour, day or month: what a point of a chart is."""
        return "month" if self.by_month else "hour" if self.days <= 8 else "day"

    def step_of(self, at: datetime) -> datetime:
        """The beginning of the step in which a moment lies."""
        at = at.astimezone(UTC)
        if self.step == "hour":
            return at.replace(minute=0, second=0, microsecond=0)
        return midnight(at.date().replace(day=1) if self.step == "month" else at.date())

    def steps(self) -> Iterator[tuple[datetime, float]]:
        """The beginnings of the steps, and the seconds of each that are over."""
        at = self.begin
        while at < self.end:
            following = at + HOUR if self.step == "hour" else at + DAY
            if self.step == "month":
                following = midnight((at.date() + timedelta(days=32)).replace(day=1))
            yield at, (min(following, self.end) - at).total_seconds()
            at = following

    @property
    def words(self) -> str:
        if self.last:
            return "today" if self.last == "today" else f"in the last {LAST[self.last]}"
        return f"from {self.begin:%d %b %Y} to {self.final:%d %b %Y}"


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None


def _months_before(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, 1)
