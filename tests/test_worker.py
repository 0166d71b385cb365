"""Importing it hooks the worker; whatever goes wrong, the worker starts and standard error says why."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any

import pytest

from leakhunt.cpython import interpreter
from leakhunt.hook import install


@pytest.fixture
def imported(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Imports it as a worker does, for the first time."""

    def again() -> None:
        monkeypatch.delitem(sys.modules, "leakhunt.worker", raising=False)
        importlib.import_module("leakhunt.worker")

    return again


def test_it_hooks_whatever_worker_comes(
    imported: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    told: list[Any] = []
    monkeypatch.setattr(
        install, "connect_or_say", lambda keywords, app: told.append((keywords, app))
    )
    imported()
    assert told == [({}, None)]
    assert capsys.readouterr().err == ""


def test_where_the_interpreter_is_unfit_it_says_so(
    imported: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(interpreter, "unfit", lambda: "this is no CPython")
    imported()
    assert (
        capsys.readouterr().err
        == "leakhunt: the worker runs without the hook: this is no CPython\n"
    )


def test_a_broken_installation_ends_no_worker(
    imported: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def broken(*_: object) -> None:
        raise ImportError("no module named x")

    monkeypatch.setattr(install, "connect_or_say", broken)
    imported()
    assert "runs without the hook: ImportError: no module named x" in capsys.readouterr().err
