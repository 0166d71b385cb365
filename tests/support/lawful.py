"""Every report that a test makes is drawn in every format that it has, and held against the laws.

``conftest`` asks for this: reports are noted as they are made, and looked at when the test has
passed. A test whose figures are made up so that they contradict each other is marked ``lawless``,
with the reason.
"""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from leakhunt.render import formats
from leakhunt.render.screen import CSV, JSON, MARKDOWN, TABLE, Screen
from tests.support import laws, reading

#: Reports of a kind that are looked at in one test: a test of thousands says the same of each.
ENOUGH = 6
#: The widest folds nothing: what is said twice is seen there.
WIDE = 2000
SCREENS = (
    Screen(80), Screen(80, verbose=True), Screen(200, color=True), Screen(WIDE, lines=False),
    Screen(WIDE, verbose=True),
)  # fmt: skip

_made: list[object] = []


def note() -> None:
    """From now on, note every report that is made."""
    for kind in laws.kinds():
        _noting(kind)


def _noting(kind: Any) -> None:
    init = kind.__init__

    def made(self: object, *arguments: Any, **named: Any) -> None:
        init(self, *arguments, **named)
        if sum(type(each) is type(self) for each in _made) < ENOUGH:
            _made.append(self)  # and no more: a test may make thousands, and count its memory

    kind.__init__ = made


@contextmanager
def noted() -> Iterator[list[object]]:
    """The reports that are made inside."""
    _made.clear()
    yield _made
    _made.clear()


def look(reports: list[object]) -> None:
    """Hold some of each kind against the laws, in every format."""
    seen: Counter[str] = Counter()
    for report in list(reports):
        name = type(report).__name__
        seen[name] += 1
        if seen[name] <= ENOUGH:
            everywhere(report)


def everywhere(report: object) -> None:
    """The report's values, then all that is drawn of it."""
    laws.obeyed(report)
    name = type(report).__name__
    for (kind, form), _ in formats.RENDERERS.items():
        if kind == name:
            LOOKS.get(form, _said)(report, form)


def _pages(report: object, form: str) -> None:
    for screen in SCREENS:
        text = formats.text(report, form, screen)
        if not screen.color:
            reading.reads_well(text, folded=screen.width < WIDE)


def _document(report: object, form: str) -> None:
    document = json.loads(formats.text(report, form, Screen()))
    assert document["schema"].startswith("leakhunt/")
    reading.adds_up(document)


def _values(report: object, form: str) -> None:
    reading.table_of_values(formats.text(report, form, Screen()))


def _said(report: object, form: str) -> None:
    text = formats.text(report, form, Screen())
    assert text


def _ticket(report: object, form: str) -> None:
    reading.reads_well(formats.text(report, form, Screen()))


LOOKS: dict[str, Callable[[object, str], None]] = {
    TABLE: _pages,
    JSON: _document,
    CSV: _values,
    MARKDOWN: _ticket,
}


# -- what commands print ----------------------------------------------------------------

_run = subprocess.run


def run(*arguments: Any, **named: Any) -> Any:
    """``subprocess.run``; what a command of leakhunt's has printed is read."""
    done = _run(*arguments, **named)
    read(arguments[0] if arguments else named.get("args"), done)
    return done


def read(command: Any, done: Any) -> None:
    """Read what a command has printed, where it is one of leakhunt's."""
    if _is_ours(command) and done.returncode in (0, 3, 4) and done.stdout:
        text = (
            done.stdout if isinstance(done.stdout, str) else done.stdout.decode("utf-8", "replace")
        )
        if "\x1b" not in text:
            reading.printed(text)


def _is_ours(command: Any) -> bool:
    """Whether it is a report of leakhunt's: not what a program prints that it only starts."""
    if not isinstance(command, (list, tuple)) or not all(isinstance(w, str) for w in command):
        return False
    words = list(command)
    if "leakhunt" not in words or "-m" not in words:
        return False
    after = words[words.index("leakhunt") + 1 :]
    return bool(after) and after[0] in REPORTS and "--help" not in after and "--flame" not in after


#: Commands that print a report.
REPORTS = frozenset({
    "top", "diff", "trend", "verdict", "why", "account", "show", "tasks", "ps", "watch", "doctor", "ls",
    "check", "compare",
})  # fmt: skip
