"""In the tests' process: tracing while a test is repeated, looks, and the judge who is told of them.

The judge is another process, one for the whole session, so that judging leaves nothing in the memory
that is judged. Only what a worker imports is imported here, and nothing of it before the first check.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from leakhunt import units
from leakhunt.errors import LeakhuntError
from leakhunt.gate import orders, target
from leakhunt.gate.observer import Observer
from leakhunt.gate.orders import FAILED, RAN, RUN, Answer
from leakhunt.gate.run import Runner
from leakhunt.plugin import afresh, words

#: Seconds for a check where nobody says more.
AT_MOST, AT_MOST_EACH = 10.0, 3.0
#: Bytes that a block may leave behind: what a first use of anything does.
BLOCK = 4096

LEAK, UNSURE = "leak", "unsure"


class Judge:
    """The process that judges."""

    def __init__(self) -> None:
        script = Path(__file__).with_name("judging.py")
        start = [str(script)] if script.is_file() else ["-m", "leakhunt.plugin.judging"]
        self._process = subprocess.Popen(
            [sys.executable, *start], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def ask(self, said: bytes) -> dict[str, Any]:
        """What it says to that. Raises LeakhuntError where it says nothing."""
        asks, answers = self._process.stdin, self._process.stdout
        assert asks is not None
        assert answers is not None
        with contextlib.suppress(BrokenPipeError):
            asks.write(said)
            asks.flush()
        text = answers.readline()
        if not text:
            raise LeakhuntError("the process that judges has ended; its own message is above")
        answer: dict[str, Any] = json.loads(text)
        if answer["do"] == words.PROBLEM:
            raise LeakhuntError(answer["message"])
        return answer

    def close(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):  # it has ended, and has not read all
                    stream.close()
        self._process.wait()


class Checks:
    """All checks of a session in this process."""

    def __init__(
        self, at_most: str | None, every: bool, baseline: str | None, update: bool, root: str
    ) -> None:
        try:
            told = None if at_most is None else units.parse_duration(at_most)
        except ValueError as error:
            raise pytest.UsageError(f"--leakhunt-at-most: {error}") from None
        self.at_most = told or (AT_MOST_EACH if every else AT_MOST)
        self.baseline, self.update, self.root = baseline, update, root
        self._judge: Judge | None = None
        self._folder = Path(tempfile.mkdtemp(prefix="leakhunt-pytest-"))
        self._number = itertools.count(1)

    def close(self) -> None:
        if self._judge is not None:
            self._judge.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def item(self, item: pytest.Item, repeat: Callable[[], Any], wanted: dict[str, Any]) -> None:
        """Check a test that has passed once. Raises pytest's failure where it leaks."""
        __tracebackhide__ = True
        made = getattr(item, "funcargs", None)
        function = getattr(item, "function", None)
        result = self.check(item.nodeid, repeat, wanted, first=1, made=made, function=function)
        _note(item, result)
        if result["failure"] is not None:
            pytest.fail(result["failure"], pytrace=False)

    def check(
        self,
        name: str,
        repeat: Callable[[], Any],
        wanted: dict[str, Any],
        first: int = 0,
        made: dict[str, Any] | None = None,
        function: Any = None,
    ) -> dict[str, Any]:
        """Repeat until it is sure; the judge's result. Raises what the function raises.

        ``made``: what fixtures have made for the test, by name; ``function``: what is told as the place of what has no line.
        """
        judge = self._begun()
        with self._observed(name) as observer:
            runner = _Raising(observer, _afresh(repeat, made or {}), itertools.repeat(((), {})))
            runner.runs = first
            began = time.monotonic()
            at = None if function is None else target.defined_at(function)
            said = judge.ask(
                words.line({"do": words.BEGIN, "name": name, "at": at, **self._terms(wanted)})
            )
            while said["do"] == RUN:
                answer = runner.carry_out(orders.Order(**said))
                if runner.raised is not None:
                    judge.ask(orders.line(answer))
                    raise runner.raised
                if answer.kind == FAILED:
                    judge.ask(orders.line(answer))
                    raise LeakhuntError(f"{name} cannot be looked at: {answer.message}")
                elapsed = time.monotonic() - began
                said = judge.ask(words.line({**answer._asdict(), "elapsed": elapsed}))
        return said

    @contextlib.contextmanager
    def block(self, name: str, most: int) -> Iterator[None]:
        """What is allocated inside and alive afterwards is at most so many bytes. Raises a failure."""
        __tracebackhide__ = True
        judge = self._begun()
        with self._observed(name) as observer:
            before = observer.take(full=False)
            yield
            after = observer.take(full=True)
            said = judge.ask(
                words.line(
                    {"do": words.BLOCK, "name": name, "looks": [before, after], "most": most}
                )
            )
        if said["failure"] is not None:
            pytest.fail(said["failure"], pytrace=False)

    @contextlib.contextmanager
    def _observed(self, name: str) -> Iterator[Observer]:
        folder = self._folder / str(next(self._number))
        observer = Observer(folder, "exact", None, name)
        observer.begin()
        try:
            yield observer
        finally:
            observer.end()
            shutil.rmtree(folder, ignore_errors=True)

    def _begun(self) -> Judge:
        if self._judge is None:
            self._judge = Judge()
        return self._judge

    def _terms(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """The marker's words as the judge takes them. Raises pytest's usage error."""
        given = dict(wanted)
        try:
            terms = {
                "runs": given.pop("runs", None),
                "warm_up": given.pop("warm_up", None),
                "limit": _size(given.pop("max_bytes_per_run", None)),
                "at_most": _seconds(given.pop("at_most", None)) or self.at_most,
                "baseline": None if self.update else self.baseline,
                "root": self.root,
            }
        except ValueError as error:
            raise pytest.UsageError(f"leakhunt: {error}") from None
        if given:
            raise pytest.UsageError(f"leakhunt: no such keyword: {', '.join(sorted(given))}")
        for name in ("runs", "warm_up"):
            if terms[name] is not None and not isinstance(terms[name], int):
                raise pytest.UsageError(f"leakhunt: {name} must be a whole number")
        return terms


def _afresh(repeat: Callable[[], Any], made: dict[str, Any]) -> Callable[[], Any]:
    """Each run without what pytest has kept of those before: it would pile up, run by run."""

    def run() -> Any:
        afresh.forget(made)
        with afresh.patches(made):
            return repeat()

    return run


class _Raising(Runner):
    """A runner that keeps what the target has raised: under pytest it is raised again."""

    raised: BaseException | None = None

    def carry_out(self, wanted: orders.Order) -> Answer:
        try:
            began = time.perf_counter()
            done = self._batch(wanted.runs)
        except BaseException as error:  # noqa: BLE001 - raised again by whoever asked
            self.raised = error
            return Answer(FAILED, self.runs, 0.0, None, orders.TARGET, str(error))
        seconds = time.perf_counter() - began
        self.runs += done
        began = time.perf_counter()
        path = self.observer.take(wanted.full) if wanted.look else None
        looked = time.perf_counter() - began
        return Answer(RAN, self.runs, seconds, path, looked=looked)


class Leakhunt:
    """The fixture."""

    def __init__(self, checks: Checks, item: pytest.Item, options: dict[str, Any] | None = None):
        self._checks, self._item, self._options = checks, item, options or {}

    def options(self, **options: Any) -> Leakhunt:
        """The same with the marker's keywords: ``leakhunt.options(runs=500).check(function)``."""
        return Leakhunt(self._checks, self._item, {**self._options, **options})

    def check(self, function: Callable[..., Any], *args: Any, **keywords: Any) -> dict[str, Any]:
        """Call it with these arguments until it is sure whether it leaks; fails the test if so.

        Returns the result, as ``leakhunt/check@1``. Coroutine functions run in one loop.
        """
        __tracebackhide__ = True
        called = target.runnable(function, repr(function))
        name = f"{self._item.nodeid} {getattr(function, '__qualname__', repr(function))}"
        marker = self._item.get_closest_marker("leakhunt")
        wanted = {**(marker.kwargs if marker else {}), **self._options}
        result = self._checks.check(
            name, lambda: called(*args, **keywords), wanted, function=function
        )
        _note(self._item, result)
        if result["failure"] is not None:
            pytest.fail(result["failure"], pytrace=False)
        document: dict[str, Any] = result["document"]
        return document

    @contextlib.contextmanager
    def no_growth(self, max_bytes: int | str = BLOCK) -> Iterator[None]:
        """What the block allocates is freed by its end, but for so many bytes; fails the test if not.

        One look before and one after: what a first use fills counts, so use things once before.
        """
        __tracebackhide__ = True
        most = _size(max_bytes)
        with self._checks.block(self._item.nodeid, BLOCK if most is None else int(most)):
            yield


def _note(item: pytest.Item, result: dict[str, Any]) -> None:
    """Keep a result for the report, the summary and JUnit's properties."""
    results = item.__dict__.setdefault("_leakhunt_results", [])
    document = result["document"]
    results.append({"test": item.nodeid, **result})
    for name in ("verdict", "bytes_per_run", "runs"):
        item.user_properties.append((f"leakhunt_{name}", document[name]))


def _size(said: Any) -> float | None:
    if said is None or isinstance(said, (int, float)):
        return said
    return units.parse_size(str(said))


def _seconds(said: Any) -> float | None:
    if said is None or isinstance(said, (int, float)):
        return said
    return units.parse_duration(str(said))
