"""The hook's settings: ``LEAKHUNT_*`` variables and the keywords of ``leakhunt.install``."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from leakhunt import units
from leakhunt.engine.choice import ENGINES
from leakhunt.errors import SettingError
from leakhunt.hook.log import say
from leakhunt.hook.signal_names import FORBIDDEN_SIGNALS, signal_name
from leakhunt.snapfile import folders

#: No process is smaller: a plain number below it was meant in another unit.
SMALLEST_RSS = 1 << 20


class Settings(NamedTuple):
    """What the hook was told. Sizes are bytes."""

    dir: Path
    """Folder for the snapshots (``LEAKHUNT_DIR``)."""
    signal: int
    """Signal that asks for a snapshot (``LEAKHUNT_SIGNAL``, SIGUSR1)."""
    every: int
    """A snapshot every that many tasks of a process, 0: never (``LEAKHUNT_EVERY``)."""
    engine: str | None
    """``sampled``, ``exact``, ``off``, or None for the default (``LEAKHUNT_ENGINE``)."""
    interval: int | None
    """Mean bytes between two samples, None: as ``budget`` allows (``LEAKHUNT_INTERVAL``)."""
    budget: float
    """Share of the CPU that sampling may take, 0.01 is one per cent (``LEAKHUNT_BUDGET``)."""
    nframe: int | None
    """Frames kept per stack, None: the engine's default (``LEAKHUNT_NFRAME``)."""
    start: str | None
    """``signal`` or ``boot``, None: the engine's default (``LEAKHUNT_START``)."""
    keep: int
    """Snapshots kept per process: the first ones and the newest (``LEAKHUNT_KEEP``), 0: all."""
    rss: int | None
    """A snapshot once RSS exceeds this (``LEAKHUNT_RSS``)."""
    rss_step: int | None
    """A snapshot each time RSS has grown by this since the last one (``LEAKHUNT_RSS_STEP``)."""
    at_exit: bool
    """A snapshot when the process exits (``LEAKHUNT_AT_EXIT``)."""
    walk: str
    """Who keeps what: ``auto`` (within 2 s of the child's CPU), ``off``, ``full`` (``LEAKHUNT_WALK``)."""
    fork: bool
    """Capture in a forked child; False: in the process itself (``LEAKHUNT_FORK``)."""
    summary: int
    """A verdict in the log after every so many snapshots of a process, 0: never (``LEAKHUNT_SUMMARY``)."""
    events: bool
    """Tell memory and verdicts as a Celery event and in ``inspect stats`` (``LEAKHUNT_EVENTS``)."""
    remote: str
    """What Celery's remote control is answered: ``full`` (snapshots too), ``look`` (figures), ``off``
    (``LEAKHUNT_REMOTE``)."""
    source: str
    """Source lines in the file: ``masked`` (no string literals), ``full`` or ``off`` (``LEAKHUNT_SOURCE``)."""
    light: str
    """Captures without a fork: ``auto`` (where one would hold the process up), ``always`` or ``off``
    (``LEAKHUNT_LIGHT``)."""

    @property
    def signal_name(self) -> str:
        return signal_name(self.signal)

    @property
    def judges_rss(self) -> bool:
        return self.rss is not None or self.rss_step is not None


def _signal(text: str) -> int:
    name = text.strip().upper()
    if name.isdigit():
        number = int(name)
    else:
        name = name if name.startswith("SIG") else f"SIG{name}"
        base, plus, offset = name.partition("+")
        try:
            number = int(signal.Signals[base]) + (int(offset) if plus else 0)
        except (KeyError, ValueError):
            raise ValueError("no such signal on this system") from None
    if number not in signal.valid_signals():
        raise ValueError("no such signal on this system")
    if signal_name(number) in FORBIDDEN_SIGNALS:
        raise ValueError("that signal has a meaning of its own; use SIGUSR1 or SIGUSR2")
    return number


def _count(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        try:
            number = int(text.replace("_", ""))
        except ValueError:
            raise ValueError("not a whole number") from None
        if not low <= number <= high:
            raise ValueError(f"must be between {low} and {high}")
        return number

    return parse


def _size(text: str) -> int | None:
    try:
        size = units.parse_size(text)
    except (ValueError, TypeError):
        raise ValueError("not a size such as 400MiB") from None
    if 0 < size < SMALLEST_RSS and text.strip().isdigit():
        raise ValueError(f"that is {units.size(size)}; give a unit, such as {text.strip()}MiB")
    return size or None


def _interval(text: str) -> int | None:
    try:
        size = units.parse_size(text) or None
    except ValueError:
        raise ValueError("not a size such as 256KiB") from None
    if size is not None and not 64 <= size <= 1 << 30:
        raise ValueError("must be between 64 B and 1 GiB, or 0: as the budget allows")
    return size


def _share(text: str) -> float:
    number, percent, _ = text.strip().partition("%")
    try:
        share = float(number) / 100 if percent else float(number)
    except ValueError:
        raise ValueError("not a share such as 1% or 0.01") from None
    if not 0.0001 <= share <= 0.5:
        raise ValueError("must be between 0.01% and 50%")
    return share


def _switch(text: str) -> bool:
    word = text.strip().lower()
    if word in ("1", "true", "yes", "on"):
        return True
    if word in ("0", "false", "no", "off"):
        return False
    raise ValueError("use 1 or 0")


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.strip().lower() not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return text.strip().lower()

    return parse


_DEFAULTS: dict[str, Any] = {
    "dir": None,
    "signal": "SIGUSR1",
    "every": 0,
    "engine": None,
    "interval": None,
    "budget": "1%",
    "nframe": None,
    "start": None,
    "keep": 16,
    "rss": None,
    "rss_step": None,
    "at_exit": False,
    "walk": "auto",
    "fork": True,
    "summary": 0,
    "events": False,
    "remote": "full",
    "source": "masked",
    "light": "auto",
}

_PARSERS: dict[str, Callable[[str], Any]] = {
    "dir": lambda text: folders.state_dir(text),
    "signal": _signal,
    "every": _count(0, 10**9),
    "engine": _one_of(*ENGINES),
    "interval": lambda text: _interval(text),
    "budget": lambda text: _share(text),
    "nframe": _count(1, 65535),
    "start": _one_of("signal", "boot"),
    "keep": _count(0, 10**6),
    "rss": _size,
    "rss_step": _size,
    "at_exit": _switch,
    "walk": _one_of("auto", "off", "full"),
    "fork": _switch,
    "summary": _count(0, 10**6),
    "events": _switch,
    "remote": _one_of("full", "look", "off"),
    "source": _one_of("masked", "full", "off"),
    "light": _one_of("auto", "always", "off"),
}

PREFIX = "LEAKHUNT_"
VARIABLES = tuple(f"{PREFIX}{name.upper()}" for name in Settings._fields)


def unknown(environ: Mapping[str, str]) -> list[str]:
    """What to say of each ``LEAKHUNT_*`` variable that there is not: a typing error is heeded by
    nobody, and the user waits in vain.
    """
    strange = sorted(name for name in environ if name.startswith(PREFIX) and name not in VARIABLES)
    if not strange:
        return []
    import difflib  # seldom needed

    said = []
    for name in strange:
        # Without what all have in common, which would make any two of them alike.
        ends = [variable[len(PREFIX) :] for variable in VARIABLES]
        near = [
            PREFIX + end for end in difflib.get_close_matches(name[len(PREFIX) :], ends, 1, 0.6)
        ]
        said.append(
            f"{name[:80]!a} is no setting"
            + (f": did you mean {near[0]}?" if near else f"; there are {', '.join(VARIABLES)}")
        )
    return said


def say_unknown() -> None:
    """Warn of variables of the environment that are no settings."""
    for message in unknown(os.environ):
        say(logging.WARNING, message)


def settings(
    keywords: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None
) -> Settings:
    """Settings from keywords, else ``LEAKHUNT_*`` variables, else the defaults.

    Raises SettingError for an unknown keyword and for a value that cannot be used;
    the message names the keyword or variable, the value and what would do.
    """
    keywords = {} if keywords is None else keywords
    environ = os.environ if environ is None else environ
    unknown = sorted(set(keywords) - set(_DEFAULTS))
    if unknown:
        raise SettingError(
            f"leakhunt.install() has no setting {unknown[0]!r}; there are {', '.join(_DEFAULTS)}"
        )
    values: dict[str, Any] = {}
    for name, default in _DEFAULTS.items():
        variable = f"LEAKHUNT_{name.upper()}"
        if keywords.get(name) is not None:
            source, value = f"{name}=", keywords[name]
        elif environ.get(variable, "").strip():
            source, value = f"{variable}=", environ[variable]
        elif default is None and name != "dir":
            values[name] = None
            continue
        else:
            source, value = f"{name}=", "" if default is None else default
        text = str(int(value)) if isinstance(value, (bool, signal.Signals)) else str(value)
        try:
            values[name] = _PARSERS[name](text)
        except ValueError as error:
            raise SettingError(f"{source}{text}: {error}") from None
    if values["keep"] == 1:
        raise SettingError("keep=1: one snapshot cannot be compared; use 2 or more, or 0 for all")
    return Settings(**values)
