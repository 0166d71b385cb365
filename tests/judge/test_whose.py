"""Whose line a frame is, and to which line a stack is booked."""

from __future__ import annotations

import pytest

from leakhunt.judge.whose import Paths, outer
from leakhunt.model.paths import prefixes
from leakhunt.model.snapshot import Frame, Spot
from tests.support.builders import FACTS, stack

SHOP, SITE = "/srv/shop/tasks.py", "/srv/venv/lib/python3.11/site-packages"
JSON = "/usr/lib/python3.11/json/decoder.py"
OWN = f"{SITE}/leakhunt/hook/hook.py"


def paths(*stacks: str, spots: dict[Frame, Spot] | None = None) -> Paths:
    return Paths(prefixes(FACTS), spots or {}, list(map(stack, stacks)))


def test_a_stack_is_booked_to_the_innermost_line_of_the_application() -> None:
    """Whatever the library allocates for it, and whoever called it."""
    where = f"{JSON}:353 < {SHOP}:40 < /srv/shop/app.py:7 < {SITE}/celery/app/trace.py:9"
    known = paths(where)
    assert known.app(stack(where)) == (Frame("/srv/shop/app.py", 7), Frame(SHOP, 40))
    assert known.owner(stack(where)) == (True, Frame(SHOP, 40))


def test_without_one_it_is_booked_to_its_innermost_line() -> None:
    where = f"{JSON}:353 < {SITE}/celery/app/trace.py:9"
    known = paths(where)
    assert known.owner(stack(where)) == (False, Frame(JSON, 353))
    assert known.owner(()) == (False, Frame("<unknown>", 0))


@pytest.mark.parametrize(
    ("beside", "counts"),
    [
        ("/usr/lib/python3.11/json/decoder.py:9", True),  # python -c: there is no other
        (f"{SHOP}:1", False),  # a program with files of its own
        (f"{SITE}/celery/app/trace.py:9", False),  # a worker, whatever the application is
        (f"{SITE}/requests/api.py:9", True),
    ],
)
def test_code_without_a_file_is_the_applications_where_there_is_no_other(
    beside: str, counts: bool
) -> None:
    generated = "<string>:3"
    known = paths(generated, beside)
    assert known.generated is counts
    assert known.owner(stack(generated))[0] is counts


def test_what_measures_and_what_imports_is_hidden() -> None:
    known = paths(f"{SHOP}:1")
    assert known.is_hidden(stack(f"{OWN}:3 < {SHOP}:40"))
    assert known.is_hidden(stack("<frozen importlib._bootstrap>:241"))
    assert not known.is_hidden(stack(f"{SHOP}:40 < {OWN}:3"))
    assert not known.is_hidden(stack(f"{JSON}:353 < {SHOP}:40"))
    assert not known.is_hidden(())


def test_a_stack_is_the_frameworks_wherever_it_stands_on_it() -> None:
    known = paths(f"{SHOP}:1")
    assert known.is_framework(stack(f"{JSON}:1 < {SITE}/kombu/message.py:2 < {SHOP}:3"))
    assert known.is_framework(stack(f"{SITE}/celery/app/trace.py:2"))
    assert not known.is_framework(stack(f"{SITE}/requests/api.py:2 < {SHOP}:3"))


@pytest.mark.parametrize(
    ("code", "keeps"),
    [
        ("KEPT.append(body)", True),
        ("seen.add (key)", True),
        ("queue.put_nowait(job)", True),
        ("CACHE[key] = body", True),
        ("CACHE[key] += body", True),
        ("CACHE[key] |= body", True),
        ("TEXT += body", True),
        ("yield body", True),
        ("signal.connect(on_done)", True),
        ("return CACHE[key]", False),
        ("if CACHE[key] == body:", False),
        ("body = json.loads(text)", False),
        ("appended(body)", False),
        ("yielded = 3", False),
        (None, False),
    ],
)
def test_a_line_keeps_where_it_puts_a_thing_into_another(code: str | None, keeps: bool) -> None:
    frame = Frame(SHOP, 40)
    assert paths(spots={frame: Spot("take", code)}).keeps(frame) is keeps


def test_of_a_line_that_the_file_does_not_show_nothing_is_known() -> None:
    known = paths(spots={Frame(SHOP, 40): Spot("take", None)})
    assert known.function(Frame(SHOP, 40)) == "take"
    assert known.function(Frame(SHOP, 41)) is None
    assert not known.keeps(Frame(SHOP, 41))


@pytest.mark.parametrize(
    ("function", "named"),
    [
        ("Shop.take", "Shop.take"),
        ("take.<locals>.inner", "take"),
        ("Shop.take.<locals>.<listcomp>", "Shop.take"),
        ("<lambda>", "<lambda>"),
        (None, None),
    ],
)
def test_a_comprehension_stands_in_its_function(function: str | None, named: str | None) -> None:
    assert outer(function) == named
