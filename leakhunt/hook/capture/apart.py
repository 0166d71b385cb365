"""The process beside that writes a light capture: see :mod:`leakhunt.hook.capture.light`.

It has the message and the tables on its standard input, and asks the kernel for what can be seen of the
captured process from outside. That process goes on meanwhile, and may end; then what it cannot be asked
any more is absent. It imports no code of the program's.
"""

from __future__ import annotations

import mmap
import os
import posix
import resource
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import leakhunt
from leakhunt.cpython import parts
from leakhunt.engine import tables
from leakhunt.engine.copied import Copied
from leakhunt.engine.interface import Life, Mark
from leakhunt.hook.capture import capture, fork, light, own, turns
from leakhunt.hook.capture.content import written
from leakhunt.hook.capture.order import Beside, Order
from leakhunt.hook.capture.page import PAGE
from leakhunt.hook.process import alive, identity, look, vitals
from leakhunt.hook.process.threads import Thread

#: The mappings of a larger process are not looked at: while the kernel walks the page tables of one of them,
#: the process waits wherever it maps memory.
MAPPED = 1 << 30
#: What it does once it has its turn takes so many seconds at most, however starved.
WORKING = 300
#: Exit status of one that cannot understand what it is told.
UNFIT = 78


def main() -> None:
    """As it is started: never returns."""
    status = UNFIT
    try:
        _settle()
        page = mmap.mmap(0, PAGE)
        told, copied = light.received(0)
        if told["version"] == leakhunt.__version__:  # else it was upgraded since the process began
            order, forked = _understood(told, copied)
            _bound(order.limits)
            page[1] = fork.WRITING
            _answer(order, forked, told, page)
            status = 0
    finally:
        os._exit(status)


def _settle() -> None:
    """Let go of what was inherited, and be the first to go when memory runs out."""
    posix.closerange(3, max(fork.open_descriptors(), default=2) + 1)
    fork.go_first()
    posix.umask(0o077)


def _bound(limits: fork.Limits) -> None:
    """The kernel ends this process when it takes more than that."""
    signal.alarm(limits.wall)
    for kind, most in (
        (resource.RLIMIT_CPU, limits.cpu),
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        with suppress(OSError, ValueError):
            least = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(kind, (least, hard))


def _understood(told: dict[str, Any], copied: Sequence[bytes]) -> tuple[Order, fork.Forked]:
    """The order, and the copy of the tables as what was read. Raises KeyError, TypeError, ValueError."""
    roots = own.Roots(*told["roots"])
    work = told["work"]

    def late_facts() -> dict[str, Any]:
        limits = {**work["limits"], **identity.group_limit(vitals.cgroups())}
        modules = dict.fromkeys(told["modules"].split("\n"), True)
        return {**work, "limits": limits, **identity.software(modules, roots.path)}

    order = Order(
        path=Path(told["path"]),
        series=Path(told["series"]),
        engine=Copied(told["nframe"], told["salt"], _kinds(told), _heads(told, copied)),
        signum=told["signum"],
        keep=told["keep"],
        source=told["source"],
        walk="off",
        notify=told["notify"],
        facts=told["facts"],
        late_facts=late_facts,
        life=Life(tuple(told["tasks"]), tuple(Mark(*mark) for mark in told["marks"])),
        limits=fork.Limits(*told["limits"]),
        beside=Beside(own.prefixes(roots), Modules(told["modules"].split("\n"), told["main"])),
    )
    return order, fork.Forked(-1, copied, None, None)


def _kinds(told: dict[str, Any]) -> dict[int, str]:
    return {int(address): name for address, name in told["kinds"].items()}


def _heads(told: dict[str, Any], copied: Sequence[bytes]) -> bytes | None:
    """What stands in the sampled blocks of the process: its types. None where the kernel does not let
    this process look (ptrace(2) has the rules), or there is nobody any more.
    """
    sampler = parts.load("leakhunt.engine._sampler")
    if sampler is None or not _is_there(told["facts"]):
        return None
    try:
        heads: bytes = sampler.heads(copied[tables.SAMPLES], told["facts"]["pid"])
    except OSError:
        return None
    return heads if _is_there(told["facts"]) else None


def _is_there(facts: dict[str, Any]) -> bool:
    """Whether the pid still is that process's."""
    return alive.runs(facts["pid"], facts["ticks"], facts["started_at"])


def _answer(order: Order, forked: fork.Forked, told: dict[str, Any], page: mmap.mmap) -> None:
    seen = _seen(order.facts, [Thread(*thread) for thread in told["threads"]])
    shares = {key: seen[key] for key in vitals.MEMORY if key in seen}
    with turns.turn(order.series.parent):
        signal.alarm(WORKING)
        said = capture.outcome_of(lambda: written(order, forked, told["began"], seen, page))
    capture.tell(page, {**said, "shares": shares or None}, order)


def _seen(facts: dict[str, Any], threads: Sequence[Thread]) -> dict[str, Any]:
    """What the kernel tells of the process; nothing where it is another one by now."""
    if not _is_there(facts):
        return {}
    mapped = (facts["rss"] or 0) <= MAPPED
    pid = facts["pid"]
    seen = {**vitals.shares(pid), **look.look(pid, threads, os.getpid(), mapped)}
    return seen if _is_there(facts) else {}


class Modules:
    """The source files of another process's modules, told by the names of these: a file counts whose path
    ends as the name of a module does, ``…/shop/tasks.py`` for ``shop.tasks``; and the program's own.
    """

    def __init__(self, names: Sequence[str], main: str | None) -> None:
        self._names = frozenset(names) - {"__main__"}
        self._main = None if main is None else os.path.abspath(main)

    def __contains__(self, file: object) -> bool:
        if not isinstance(file, str) or not file.endswith((".py", ".pyw")):
            return False
        if self._main is not None and os.path.abspath(file) == self._main:
            return True
        steps = os.path.splitext(file)[0].split(os.sep)
        if steps[-1] == "__init__":
            steps.pop()
        return any(".".join(steps[at:]) in self._names for at in range(len(steps)))
