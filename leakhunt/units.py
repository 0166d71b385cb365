"""Bytes, counts, durations and times as text, and back: the only formatter of numbers.

What is printed is true when it is read: a little is never ``0``, one is never ``1 tasks``, and no
number has an exponent. Units are binary (1 KiB = 1024 B). Nothing here imports more than the standard
library: the worker's log uses it too.
"""

from __future__ import annotations

import re
import time
from math import ceil

_STEPS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")

_SIZE = re.compile(r"\s*([0-9]*\.?[0-9]+(?:e[0-9]+)?)\s*([kmgtp]?)(i?)(b?)\s*", re.IGNORECASE)


def size(amount: float) -> str:
    """``0 B``, ``999 B``, ``1.9 KiB``, ``-12.0 MiB``: one decimal, binary units."""
    negative, value = amount < 0, abs(amount)
    for unit in _STEPS:
        # 1023.95 KiB would print as 1024.0 KiB: it is 1.0 MiB.
        if value < 1023.95 or unit == _STEPS[-1]:
            break
        value /= 1024
    text = f"{value:.0f}" if unit == "B" else f"{value:,.1f}"
    return f"{'-' if negative and text.strip('0.') else ''}{text} {unit}"


def signed_size(amount: float) -> str:
    """As :func:`size` with a sign: ``+1.9 KiB``, ``0 B``, ``-3 B``."""
    text = size(amount)
    return text if text.startswith("-") or not text.strip("0. BKMGTPi") else f"+{text}"


def small_size(amount: float) -> str:
    """As :func:`size` for a rate, of which less than ten bytes are something: ``0.4 B``, ``<0.1 B``."""
    if 0 < abs(amount) < 0.05:
        return "<0.1 B" if amount > 0 else ">-0.1 B"
    return f"{amount:.1f} B" if 0 < abs(amount) < 9.95 and amount % 1 else size(amount)


def rate(amount: float, unit: str) -> str:
    """``+1.9 KiB per task``."""
    text = small_size(amount)
    return f"{'+' if amount > 0 and text[0] != '<' else ''}{text} per {unit}"


def bound(amount: float) -> str:
    """As :func:`small_size` for what is no more than that: rounded up, so that it stays true."""
    step = 0.1 if amount < 9.95 else 1.0
    while step >= 1 and amount >= 1023.95 * (step if step > 1 else 1):
        step *= 1024
    if step >= 1024:
        step /= 10
    return small_size(ceil(amount / step - 1e-9) * step) if amount > 0 else size(0)


def with_error(amount: float, error: float) -> str:
    """``1.9 KiB ± 0.1``, ``104 B``: the error in the unit of the amount, left out where it reads as nothing."""
    text = small_size(amount)
    number, _, unit = text.rpartition(" ")
    off = error / 1024 ** _STEPS.index(unit)
    said = f"{off:.1f}" if unit != "B" or "." in number or off < 9.95 else f"{off:.0f}"
    return text if not said.strip("0.") else f"{text} ± {said}"


def between(first: float, last: float) -> str:
    """``1.9 KiB to 12.0 MiB``; one size where both read alike."""
    start, end = size(first), size(last)
    return start if start == end else f"{start} to {end}"


def count(amount: int) -> str:
    """``12,345``."""
    return f"{amount:,}"


def counted(amount: int, noun: str, nouns: str = "") -> str:
    """``1 task``, ``12,345 tasks``, ``0 processes``; ``nouns``: the plural, where it is not noun + s."""
    return f"{count(amount)} {plural(amount, noun, nouns)}"


def plural(amount: float, noun: str, nouns: str = "") -> str:
    """The noun as it stands behind that number."""
    if amount == 1:
        return noun
    return nouns or noun + ("es" if noun.endswith(("s", "x", "ch", "sh")) else "s")


def decimal(amount: float) -> str:
    """A number to three digits, without an exponent: ``4,690``, ``12.3``, ``0.051``, ``1``."""
    if not amount or abs(amount) >= 99.95:
        digits = max(0, len(str(int(abs(amount)))) - 3)
        return f"{int(round(amount, -digits)):,}"
    if abs(amount) < 0.001:
        return "<0.001" if amount > 0 else ">-0.001"
    places = 1 if abs(amount) >= 9.995 else 2 if abs(amount) >= 0.995 else 3
    text = f"{amount:.{places}f}"
    return text.rstrip("0").rstrip(".")


def spent(amount: float, unit: str) -> str:
    """What went by on a series' axis: ``1,200 tasks``, ``less than 1 task``, ``3 min 20 s``."""
    if unit == "second":
        return duration(amount)
    whole = round(amount)
    return f"less than 1 {unit}" if whole == 0 and amount > 0 else counted(whole, unit)


def forecast(amount: float, unit: str) -> str:
    """The same to two digits, for what is yet to come: ``12,000 tasks``, ``3 h 20 min``."""
    if unit == "second":
        return duration(amount)
    whole = round(amount)
    return spent(round(whole, 2 - len(str(whole))) if whole >= 100 else amount, unit)


def exact_size(amount: int) -> str:
    """Of one block, to the byte: ``1,024 B``."""
    return f"{count(amount)} B"


def signed_count(amount: int) -> str:
    """``+12,345``, ``0``, ``-7``."""
    return f"{amount:+,}" if amount else "0"


def share(part: float) -> str:
    """``97 %``, ``0.4 %``, ``<0.1 %``, ``0 %`` of a fraction of one."""
    percent = 100 * part
    if percent == 0:
        return "0 %"
    if abs(percent) >= 9.95:
        return f"{percent:.0f} %"
    if 0 < abs(percent) < 0.1:
        return "<0.1 %"
    return f"{percent:.1f} %"


def duration(seconds: float) -> str:
    """``<0.1 s``, ``0.4 s``, ``12 s``, ``3 min 20 s``, ``2 h 5 min``, ``3 d 4 h``, ``2,500 d``."""
    if seconds < 0:
        return f"-{duration(-seconds)}"
    if 0 < seconds < 0.05:
        return "<0.1 s"
    if seconds >= 100 * 86400:
        return f"{count(round(seconds / 86400))} d"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for unit, length, below, step in (
        ("d", 86400, "h", 3600),
        ("h", 3600, "min", 60),
        ("min", 60, "s", 1),
    ):
        if whole >= length:
            rest = whole % length // step
            return f"{whole // length} {unit}" + (f" {rest} {below}" if rest else "")
    return f"{whole} s"


def limit(seconds: float) -> str:
    """As :func:`duration` for what somebody has set, to the digit: ``5 s``, ``0.5 s``, ``2 min``."""
    return duration(seconds).replace(".0 s", " s")


def brief(seconds: float) -> str:
    """As :func:`duration` for what often takes milliseconds: ``0.4 ms``, ``380.0 ms``, ``12 s``."""
    return f"{seconds * 1000:.1f} ms" if seconds < 0.95 else duration(seconds)


def moment(seconds: float | None) -> str:
    """A time in UTC, ``2026-01-31 23:59:59Z``, or ``unknown``."""
    if seconds is None:
        return "unknown"
    try:
        return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(seconds))
    except (ValueError, OverflowError, OSError):
        return "unknown"


def clock(seconds: float | None) -> str:
    """The time of day of a moment: ``23:59:59Z``, or ``unknown``."""
    return moment(seconds).rpartition(" ")[2]


def parse_size(text: str) -> int:
    """Bytes of ``400MiB``, ``400 MB``, ``1.5k``, ``12345``; all units are binary.

    Raises ValueError for anything else, negative sizes included.
    """
    match = _SIZE.fullmatch(text)
    if not match or (match[3] and not match[2]):
        raise ValueError(f"not a size such as 400MiB: {text!r}")
    return round(float(match[1]) * float(1024 ** " kmgtp".index(match[2].lower() or " ")))


_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_DURATION = re.compile(r"\s*([0-9]*\.?[0-9]+)\s*(s|m|min|h|d|w)\s*", re.IGNORECASE)


#: Digits of a pid: 4,194,304 is the highest that Linux gives, and 2,147,483,647 what a pid_t can hold.
_PID_DIGITS = 10


def parse_pid(word: str) -> int | None:
    """The number that a word is, where it can be a pid; None for any other word (``²``, a very long number)."""
    if word.isdecimal() and word.isascii() and len(word) <= _PID_DIGITS and int(word) < 1 << 31:
        return int(word)
    return None


def parse_duration(text: str) -> float:
    """Seconds of ``7d``, ``12h``, ``30min``, ``90s``, ``2w``. Raises ValueError for anything else."""
    match = _DURATION.fullmatch(text)
    if not match:
        raise ValueError(f"not a duration such as 7d, 12h or 30min: {text!r}")
    return float(match[1]) * _SECONDS[match[2].lower()]
