"""Numbers and times in the words of the pages. Every function is also a template filter of the same name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

NO_BREAK = "\u00a0"
MINUS = "\u2212"
GIB = 1024**3
DAY = 86_400


def count(number: int) -> str:
    """A whole number with commas between thousands."""
    return f"{number:,}".replace("-", MINUS)


def _decimal(value: Decimal, places: int = 2) -> str:
    """Rounded half up, commas, no trailing zeros; what is too small to show says so."""
    rounded = value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    if value and not rounded:
        return f"<{Decimal(1).scaleb(-places)}"
    text = f"{rounded:,f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace("-", MINUS)


def gpus(gpu_milli: int) -> str:
    """Milli-GPUs as GPUs with at most two decimals."""
    return _decimal(Decimal(gpu_milli) / 1000)


def gpus_counted(gpu_milli: int) -> str:
    """Milli-GPUs with their noun: "1 GPU", "0.5 GPUs"."""
    return f"{gpus(gpu_milli)} {'GPU' if gpu_milli == 1000 else 'GPUs'}"


def gpu_hours(gpu_milli_seconds: int) -> str:
    """Milli-GPU-seconds as GPU-hours: small ones with two decimals, large ones with none."""
    hours = Decimal(gpu_milli_seconds) / 3_600_000
    return _decimal(hours, 2 if hours < 10 else 1 if hours < 1000 else 0)


def cores(cpu_millicores: int) -> str:
    """Millicores as cores with at most two decimals."""
    return _decimal(Decimal(cpu_millicores) / 1000)


def memory(memory_bytes: int) -> str:
    """Bytes as MiB, GiB or TiB, whichever keeps the number between 1 and 1,024."""
    size = abs(memory_bytes)
    if size >= 1024 * GIB:
        return f"{_decimal(Decimal(memory_bytes) / (1024 * GIB))} TiB"
    if size >= GIB or not size:
        return f"{_decimal(Decimal(memory_bytes) / GIB)} GiB"
    return f"{_decimal(Decimal(memory_bytes) / 1024**2)} MiB"


def percent(part: int, whole: int) -> str:
    """A share in whole percent, over 100 allowed; of nothing: "none"."""
    if not whole:
        return "none"
    share = Decimal(part) * 100 / Decimal(whole)
    if 0 < share < 1:
        return f"<1{NO_BREAK}%"
    return f"{_decimal(share, 0)}{NO_BREAK}%"


def counted(number: int, noun: str) -> str:
    """A number with its noun, which takes an s unless there is one: "1 workload", "7 workloads"."""
    return f"{count(number)} {noun}" if number == 1 else f"{count(number)} {noun}s"


def duration(value: timedelta | float) -> str:
    """Seconds or a difference of times in its two largest units: "2 d 4 h", "2 h 6 min", "41 s", "38 ms"."""
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    sign, seconds = (MINUS, -seconds) if seconds < 0 else ("", seconds)
    if seconds < 1:
        return f"{sign}{round(seconds * 1000)} ms" if seconds else "0 s"
    if seconds < 10 and seconds % 1 >= 0.05:
        return f"{sign}{seconds:.1f} s"
    whole = int(seconds)
    for size, name, lower, lower_name in ((DAY, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // lower
            # Seconds beside minutes are noise once there are ten of them.
            rest = 0 if size == 60 and whole >= 600 else rest
            return f"{sign}{whole // size} {name}" + (f" {rest} {lower_name}" if rest else "")
    return f"{sign}{whole} s"


def ago(at: datetime | None, now: datetime | None = None) -> str:
    """A point in time relative to now up to a day, then its date: "8 s ago", "Tue 14 Oct", "3 Mar 2025"."""
    if at is None:
        return "never"
    now = now or datetime.now(UTC)
    seconds = int((now - at).total_seconds())
    if abs(seconds) < 1:
        return "now"
    if abs(seconds) >= DAY:
        return day(at, now)
    return f"{duration(seconds)} ago" if seconds > 0 else f"in {duration(-seconds)}"


def day(at: datetime, now: datetime | None = None) -> str:
    """A date, with its weekday inside the year around now and with its year outside."""
    near = abs((at - (now or datetime.now(UTC))).days) < 300
    return f"{at:%a} {at.day} {at:%b}" if near else f"{at.day} {at:%b %Y}"


def clock(at: datetime) -> str:
    """Hours and minutes, UTC."""
    return f"{at.astimezone(UTC):%H:%M}"


def exact(at: datetime) -> str:
    """A point in time to the second, with its zone."""
    at = at.astimezone(UTC)
    return f"{at:%a} {at.day} {at:%b %Y, %H:%M:%S} UTC"


def cut_middle(name: str, length: int = 28) -> str:
    """A long name cut in the middle, where names of one series are alike."""
    if len(name) <= length:
        return name
    tail = (length - 1) // 3
    return f"{name[: length - 1 - tail]}\u2026{name[-tail:]}"


FILTERS = (
    ago,
    clock,
    cores,
    count,
    counted,
    cut_middle,
    day,
    duration,
    exact,
    gpu_hours,
    gpus,
    gpus_counted,
    memory,
    percent,
)
