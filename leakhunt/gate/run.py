"""Carries out orders in the process that runs the target, and answers."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from leakhunt.errors import CaptureError, LeakhuntError
from leakhunt.gate import target as targets
from leakhunt.gate.call import call
from leakhunt.gate.observer import Observer
from leakhunt.gate.orders import EXHAUSTED, FAILED, LOOK, RAN, RUN, Answer, Order, line, order
from leakhunt.gate.target import Arguments, TargetError


class Runner:
    """One target under observation: so many runs, a look, what went wrong.

    Tracing begins after the first order's runs: what imports and first uses make is no growth, and
    looks that need not count it are several times faster.
    """

    def __init__(
        self,
        observer: Observer,
        target: Callable[..., Any],
        arguments: Iterator[Arguments],
        batch: Callable[[int], int] | None = None,
        at: tuple[str, int] | None = None,
    ) -> None:
        """``batch``: runs so many times by itself, instead of calls in a row; returns how often it did.

        ``at``: where the target is defined.
        """
        self.observer = observer
        self._target = target
        self._arguments = arguments
        self._batch = batch or self._call
        self.at = at
        self._end = targets.Ending()
        self.runs = 0
        self._pid = os.getpid()

    def carry_out(self, wanted: Order) -> Answer:
        """Never raises, but for what only ends the process: KeyboardInterrupt."""
        began = time.perf_counter()
        try:
            done = self._batch(wanted.runs)
        except KeyboardInterrupt:
            raise
        except TargetError as error:
            return self._failed(error)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is told
            if os.getpid() != self._pid:
                os._exit(70)
            return self._failed(targets.failed(error))
        seconds = time.perf_counter() - began
        self.runs += done
        self.observer.begin()
        path, began = None, time.perf_counter()
        if wanted.look:
            try:
                path = self.observer.take(wanted.full)
            except (CaptureError, OSError) as error:
                return Answer(FAILED, self.runs, seconds, None, LOOK, str(error))
        looked = time.perf_counter() - began
        kind = RAN if done == wanted.runs else EXHAUSTED
        return Answer(kind, self.runs, seconds, path, looked=looked)

    def _call(self, runs: int) -> int:
        return call(self._target, self._arguments, runs, self._done, self._end)

    def _done(self) -> None:
        if os.getpid() != self._pid:  # a child that the target forked has come back here
            os._exit(0)
        self.observer.ran()

    def _failed(self, error: TargetError) -> Answer:
        return Answer(FAILED, self.runs, 0.0, None, error.where, str(error), error.shown)


class Settings(NamedTuple):
    """What ``leakhunt check`` passes on."""

    target: str
    args: str | None
    eager: bool
    engine: str | None
    nframe: int | None
    dir: str
    orders: int
    answers: int


def serve(told: dict[str, Any]) -> None:
    """Import the target, carry out orders until told to stop; then end without farewells.

    A program under test may have threads, atexit functions and finalizers that hang.
    """
    settings = Settings(**told)
    for descriptor in (settings.orders, settings.answers):
        os.set_inheritable(descriptor, False)
    with (
        os.fdopen(settings.orders, "rb") as orders,
        os.fdopen(settings.answers, "wb", buffering=0) as answers,
    ):
        runner = None
        with contextlib.suppress(BrokenPipeError):
            try:
                runner = _prepared(settings)
            except TargetError as error:
                answers.write(
                    line(Answer(FAILED, 0, 0.0, None, error.where, str(error), error.shown))
                )
            except LeakhuntError as error:
                answers.write(line(Answer(FAILED, 0, 0.0, None, LOOK, str(error))))
            if runner is not None:
                answers.write(line(Answer(RAN, at=runner.at)))
                for text in orders:
                    wanted = order(text)
                    if wanted.do != RUN:
                        break
                    answers.write(line(runner.carry_out(wanted)))
        os._exit(0)


def _prepared(settings: Settings) -> Runner:
    target = targets.load(settings.target)
    is_task = targets.is_task(target)
    engine = settings.engine or ("sampled" if is_task and not settings.eager else "exact")
    observer = Observer(Path(settings.dir), engine, settings.nframe, settings.target)
    arguments = targets.arguments(settings.args)
    at = targets.defined_at(target)
    if is_task:
        from leakhunt.gate import celery_task

        if settings.eager:
            return Runner(observer, celery_task.eagerly(target), arguments, at=at)
        worker = celery_task.Worker(target, Path(settings.dir), observer.ran)
        return Runner(observer, target, arguments, worker.batches(arguments), at)
    return Runner(observer, targets.runnable(target, settings.target), arguments, at=at)
