"""What is run: by name, with arguments that begin again, and errors that show the user's own lines."""

from __future__ import annotations

import functools
import itertools
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import celery
import pytest

from leakhunt.gate import target
from leakhunt.gate.orders import ARGUMENTS, IMPORT, TARGET
from leakhunt.gate.target import TargetError


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module that can be imported by that name."""
    made = ModuleType("shop_of_a_test")

    class Shop:
        @staticmethod
        def take(order: int = 0) -> int:
            return order

    async def asynchronous(order: int) -> None:
        made.__dict__.setdefault("seen", []).append(order)

    made.__dict__.update(Shop=Shop, asynchronous=asynchronous, orders=lambda: iter([1, (2, 3), {"order": 4}]),
                         nothing=list, number=7)  # fmt: skip
    monkeypatch.setitem(sys.modules, "shop_of_a_test", made)
    return made


def test_attributes_of_attributes_are_found(shop: ModuleType) -> None:
    assert target.load("shop_of_a_test:Shop.take") is shop.Shop.take


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("shop_of_a_test", "is no MODULE:CALLABLE"),
        ("shop_of_a_test:", "is no MODULE:CALLABLE"),
        ("no_such_module_at_all:take", "cannot import no_such_module_at_all: ModuleNotFoundError"),
        ("shop_of_a_test:tkae", "has no 'tkae'; it has Shop, asynchronous"),
        ("shop_of_a_test:orrders", "has no 'orrders'; it has orders, Shop"),
        ("no_such_shop/tasks.py:take", "not a file: no_such_shop.tasks:take"),
        ("shop_of_a_test:Shop.tkae", "has no 'Shop.tkae'; it has take"),
    ],
)
def test_a_name_that_means_nothing_says_why(shop: ModuleType, name: str, said: str) -> None:
    with pytest.raises(TargetError, match=said) as caught:
        target.load(name)
    assert caught.value.where == IMPORT


def test_a_module_that_ends_the_program_is_told_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ends_it_all.py").write_text("import sys\nsys.exit(3)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(TargetError, match=r"ended the program: SystemExit\(3\)") as caught:
        target.load("ends_it_all:take")
    shown = caught.value.shown or ""
    assert "ends_it_all.py" in shown
    assert "importlib" not in shown


def test_what_a_call_only_begins_runs_to_its_end(shop: ModuleType) -> None:
    """A coroutine, also one that a plain function makes, and generators: they have done nothing when the call returns."""
    seen = shop.__dict__.setdefault("seen", [])

    def generates(order: int) -> Iterator[int]:
        yield order
        seen.append(order)

    async def generates_too(order: int) -> AsyncIterator[int]:
        yield order
        seen.append(order)

    end = target.Ending()
    calls = (shop.asynchronous, lambda order: shop.asynchronous(order), generates, generates_too)
    for number, function in enumerate(calls):
        run = target.runnable(function, "shop")
        end(run(number))
        end(run(order=10 + number))
    assert seen == [0, 10, 1, 11, 2, 12, 3, 13]
    end([1, 2])
    import asyncio

    asyncio.get_event_loop().close()
    asyncio.set_event_loop(None)


def test_what_cannot_be_called_is_an_error(shop: ModuleType) -> None:
    assert target.runnable(shop.Shop.take, "shop") is shop.Shop.take
    with pytest.raises(TargetError, match="it is of type int, which cannot be called"):
        target.runnable(shop.number, "shop:number")


def test_a_call_with_the_wrong_arguments_says_how_to_give_them() -> None:
    def take(order: int) -> None:
        raise TypeError("no such order")

    for arguments, hint in (((), True), ((1,), False)):
        with pytest.raises(TypeError) as caught:
            take(*arguments)
        error = caught.value
        error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
        assert ("--args FILE" in str(target.failed(error))) is hint


def first(arguments: Iterator[Any], number: int) -> list[Any]:
    return list(itertools.islice(arguments, number))


def test_without_arguments_each_run_has_none() -> None:
    assert first(target.arguments(None), 3) == [((), {})] * 3


def test_a_file_of_lines_begins_again(tmp_path: Path) -> None:
    path = tmp_path / "orders.jsonl"
    path.write_text('[1, 2]\n\n{"order": 3}\n"x"\n')
    told = first(target.arguments(str(path)), 4)
    assert told == [((1, 2), {}), ((), {"order": 3}), (("x",), {}), ((1, 2), {})]


@pytest.mark.parametrize(
    ("text", "said"), [("", "there are no arguments"), ("1\n{nonsense\n", "line 2: not JSON")]
)
def test_a_file_that_is_none_says_where(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "orders.jsonl"
    path.write_text(text)
    with pytest.raises(TargetError, match=said) as caught:
        first(target.arguments(str(path)), 3)
    assert caught.value.where == ARGUMENTS
    with pytest.raises(TargetError, match="No such file"):
        next(target.arguments(str(tmp_path / "none.jsonl")))


def test_a_generator_is_called_again(shop: ModuleType) -> None:
    told = first(target.arguments("shop_of_a_test:orders"), 4)
    assert told == [((1,), {}), ((2, 3), {}), ((), {"order": 4}), ((1,), {})]
    with pytest.raises(TargetError, match="gave no arguments"):
        next(target.arguments("shop_of_a_test:nothing"))
    with pytest.raises(TargetError, match="no generator function, no list"):
        next(target.arguments("shop_of_a_test:number"))


def test_keys_that_are_no_names_are_one_value() -> None:
    assert target.shaped({1: 2}, tuple) == (({1: 2},), {})
    assert target.shaped(json.loads("[1]"), tuple) == (([1],), {})


def test_what_the_target_raises_is_told_from_its_own_line_on() -> None:
    def take() -> None:
        raise ValueError("no such order")

    try:
        take()
    except ValueError as error:
        said = target.failed(error)
    assert (said.where, str(said)) == (TARGET, "it raised ValueError: no such order")
    assert "in take" in (said.shown or "")
    assert str(target.failed(SystemExit(2))) == "it ended the program: SystemExit(2)"


PROMISED = """
import sys
from celery import Celery
from leakhunt.gate.target import is_task
app = Celery("shop", set_as_current=False)
@app.task
def take(): ...
print(type(take).__name__, "celery.app.task" in sys.modules, is_task(take), is_task(print))
"""


def test_a_task_is_told_without_importing_celery(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "celery", raising=False)
    assert not target.is_task(print)
    assert "celery" not in sys.modules


def test_a_promise_of_a_task_is_one_before_anybody_has_looked_at_it() -> None:
    """In a process of its own: here somebody has."""
    said = subprocess.run(
        [sys.executable, "-c", PROMISED], capture_output=True, text=True, check=True, timeout=60
    )
    assert said.stdout.split() == ["PromiseProxy", "False", "True", "False"]


# -- where it is defined --------------------------------------------------------------


def _plain() -> None: ...


@functools.wraps(_plain)
def _wrapped() -> None: ...


class _Callable:
    def __call__(self) -> None: ...


def test_a_target_is_where_the_function_that_runs_is_defined() -> None:
    line = _plain.__code__.co_firstlineno
    for each in (_plain, _wrapped, functools.partial(functools.partial(_wrapped))):
        assert target.defined_at(each) == (__file__, line)
    called = _Callable.__call__.__code__.co_firstlineno
    assert target.defined_at(_Callable()) == (__file__, called)
    assert target.defined_at(_Callable().__call__) == (__file__, called)
    assert target.defined_at(len) is None


def test_a_task_is_where_its_function_is_defined() -> None:
    app = celery.Celery("shop", set_as_current=False)
    assert target.defined_at(app.task(_plain)) == (__file__, _plain.__code__.co_firstlineno)

    class Refund(celery.Task):  # type: ignore[misc]
        name = "refund"

        def run(self) -> None: ...

    task = app.register_task(Refund())
    assert target.defined_at(task) == (__file__, Refund.run.__code__.co_firstlineno)
