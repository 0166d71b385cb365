"""What a command line says of a Celery process. Pure: text in, values out.

Celery is started as ``celery …``, as ``python -m celery …`` or through a wrapper that stays
the program (``coverage run -m celery …``); with the package setproctitle installed it puts a
title in the place of its command line. A shell, a ``grep`` or a restarter whose arguments
merely contain the words is none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath

from leakhunt.model.process import Celery

#: Python programs that run another one in their own process, given as ``-m NAME`` or a path.
WRAPPERS = frozenset(["coverage", "leakhunt", "memray", "scalene", "viztracer", "kernprof"])
_PYTHON = re.compile(r"(python|pypy)[0-9.]*(d|t|td)?")
#: Options of the interpreter that take the next word.
_PYTHON_TAKES = frozenset(["-W", "-X", "--check-hash-based-pycs"])

_FLAGS = frozenset(
    ["-q", "--quiet", "-C", "--no-color", "--skip-checks", "-D", "--detach", "-B", "--beat",
     "-E", "--task-events", "--events", "--without-gossip", "--without-mingle",
     "--without-heartbeat", "--purge", "--discard", "--fake", "--disable-prefetch"]
)  # fmt: skip
_POOLS = {"processes": "prefork"}
_LONG = {
    "-A": "--app", "-b": "--broker", "-n": "--hostname", "-c": "--concurrency", "-P": "--pool",
    "-Q": "--queues", "-B": "--beat", "-O": "--optimization", "-l": "--loglevel",
}  # fmt: skip
_TITLE = re.compile(
    r"\[celeryd: (?P<node>[^\s\]]+?):(?P<name>[A-Za-z]+Process|\w+-\d+)\]\s*(?P<rest>.*)"
)


def recognise(argv: Sequence[str], host: str) -> Celery | None:
    """The Celery process with that command line on that host; None where it is none."""
    if not argv:
        return None
    titled = _titled(" ".join(argv).strip(), host)
    if titled is not None:
        return titled
    joined = " ".join(argv)
    if "billiard.semaphore_tracker" in joined and "-c" in argv:
        return Celery("tracker")
    if "from billiard.spawn import spawn_main" in joined and "-c" in argv:
        return Celery("child", pool="prefork")
    words = _after_celery(argv)
    return None if words is None else _command(words, host)


def _titled(text: str, host: str) -> Celery | None:
    """A title that Celery sets through setproctitle (celery/platforms.py)."""
    match = _TITLE.match(text)
    if match:
        if match["name"] != "MainProcess":
            return Celery("child", node=match["node"], pool="prefork")
        begin, end = match["rest"].find("("), match["rest"].rfind(")")
        words = match["rest"][begin + 1 : end].split() if 0 <= begin < end else []
        celery = _command(words, host) if words else None
        return replace(celery or Celery("worker"), node=match["node"], is_titled=True)
    if text.startswith("[celery beat]"):
        return Celery("beat")
    return None


def _after_celery(argv: Sequence[str]) -> list[str] | None:
    """What follows the word that makes the process Celery's console."""
    words = list(argv)
    program = PurePath(words[0]).name
    if program == "celery":
        return words[1:]
    if not _PYTHON.fullmatch(program):
        return None
    at = 1
    while at < len(words) and words[at].startswith("-"):
        if words[at] in ("-c", "-"):
            return None
        if words[at] == "-m" and at + 1 < len(words):
            return _module(words[at + 1], words[at + 2 :])
        at += 2 if words[at] in _PYTHON_TAKES else 1
    return _module(PurePath(words[at]).name, words[at + 1 :]) if at < len(words) else None


def _module(name: str, rest: list[str]) -> list[str] | None:
    if name in ("celery", "celery.__main__"):
        return rest
    if name in WRAPPERS:
        for at, word in enumerate(rest):
            if word == "-m":
                return rest[at + 2 :] if rest[at + 1 : at + 2] == ["celery"] else None
            if not word.startswith("-") and PurePath(word).name == "celery":
                return rest[at + 1 :]
    return None


def _command(words: Sequence[str], host: str) -> Celery | None:
    """Celery's own command line, options in any order around the command's name."""
    options: dict[str, str] = {}
    flags = set()
    command = None
    at = 0
    while at < len(words):
        name, value, used = _option(words, at)
        if name is None:
            if command is not None:
                break  # arguments of the command
            command = words[at]
        elif value is None:
            flags.add(name)
        else:
            options[name] = value
        at += used
    if command not in ("worker", "beat", "flower"):
        return None
    app = options.get("--app")
    if command != "worker":
        return Celery(command, app=app)
    pool = options.get("--pool")
    return Celery(
        "worker",
        node=node_name(options.get("--hostname"), host),
        app=app,
        pool=_POOLS.get(pool, pool) if pool else None,
        concurrency=options.get("--autoscale") or options.get("--concurrency"),
        queues=options.get("--queues"),
        has_beat="--beat" in flags,
        max_memory_per_child=_kib(options.get("--max-memory-per-child")),
        max_tasks_per_child=_number(options.get("--max-tasks-per-child")),
        prefetch=_number(options.get("--prefetch-multiplier")),
        has_no_prefetch="--disable-prefetch" in flags,
        without=frozenset(
            name for name in ("gossip", "mingle", "heartbeat") if f"--without-{name}" in flags
        ),
    )


def _option(words: Sequence[str], at: int) -> tuple[str | None, str | None, int]:
    """(name, value, words used) of the option at that place; no name where it is none."""
    word = words[at]
    if not word.startswith("-") or word in ("-", "--"):
        return None, None, 1
    name, equals, value = word.partition("=")
    if not word.startswith("--") and len(word) > 2:
        name, equals, value = word[:2], "=", word[2:].lstrip("=")
    name_long = _LONG.get(name, name)
    if equals:
        return name_long, value, 1
    if name in _FLAGS or name_long in _FLAGS:
        return name_long, None, 1
    has_value = at + 1 < len(words)
    return name_long, words[at + 1] if has_value else None, 2 if has_value else 1


def _kib(text: str | None) -> int | None:
    number = _number(text)
    return None if number is None else number << 10


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdigit() else None


def node_name(asked: str | None, host: str) -> str:
    """The node's name of ``--hostname`` (``w1@%h``), else Celery's own, ``celery@HOST``.

    ``%h`` is the host, ``%n`` its first part, ``%d`` the rest (celery/utils/nodenames.py).
    """
    name, _, domain = host.partition(".")
    text = asked or "celery@%h"
    text = re.sub(
        r"%[hnd%]", lambda match: {"%h": host, "%n": name, "%d": domain, "%%": "%"}[match[0]], text
    )
    return text if "@" in text else f"celery@{text}"
