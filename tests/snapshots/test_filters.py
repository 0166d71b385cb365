"""Patterns mean whole components of paths."""

from __future__ import annotations

import pytest

from leakhunt.model.paths import prefixes, shorten, visible
from leakhunt.model.query import Query
from leakhunt.snapshots.filters import matcher, selector
from tests.support.builders import FACTS, stack

KNOWN = prefixes(FACTS)
NO_FACTS = prefixes({})
SITE = "/srv/venv/lib/python3.11/site-packages"


@pytest.mark.parametrize(
    ("pattern", "file", "expected"),
    [
        ("orders", "/srv/shop/orders/tasks.py", True),
        ("orders.tasks", "/srv/shop/orders/tasks.py", True),
        ("orders.tasks", "/srv/shop/orders/__init__.py", False),
        ("orders", "/srv/shop/orders/__init__.py", True),
        ("order", "/srv/shop/orders/tasks.py", False),
        ("app", "/srv/shop/webapp/tasks.py", False),
        ("app", "/srv/app-data/x.py", False),
        ("shop", f"{SITE}/celery/app/base.py", False),
        ("venv", f"{SITE}/celery/app/base.py", False),
        ("celery", f"{SITE}/celery/app/base.py", True),
        ("celery.app", f"{SITE}/celery/app/base.py", True),
        ("celery.app.base", f"{SITE}/celery/app/base.py", True),
        ("json", "/usr/lib/python3.11/json/decoder.py", True),
        ("json", f"{SITE}/kombu/utils/json.py", True),
        ("importlib", "<frozen importlib._bootstrap>", True),
        ("/srv/shop", "/srv/shop/a.py", True),
        ("/srv/shop/", "/srv/shop/a.py", True),
        ("/srv/sho", "/srv/shop/a.py", False),
        ("/srv/shop/a.py", "/srv/shop/a.py", True),
        ("orders/tasks.py", "/srv/shop/orders/tasks.py", True),
        ("rders/tasks.py", "/srv/shop/orders/tasks.py", False),
        ("tasks.py", "/srv/shop/orders/tasks.py", True),
        ("tasks.py", "/srv/shop/orders/mytasks.py", False),
        ("*/orders/*", "/srv/shop/orders/tasks.py", True),
        ("orders/*.py", "/srv/shop/orders/tasks.py", True),
        ("task?.py", "/srv/shop/orders/tasks.py", True),
        ("*.txt", "/srv/shop/orders/tasks.py", False),
        ("ord*s", "/srv/shop/orders/tasks.py", True),
        ("/srv/*/orders", "/srv/shop/orders/tasks.py", True),
        ("/srv/*/order", "/srv/shop/orders/tasks.py", False),
        ("orders.*", "/srv/shop/orders/tasks.py", True),
        ("orders.t*", "/srv/shop/orders/tasks.py", True),
        ("orders.t*", "/srv/shop/orders/views.py", False),
        ("celery.*.base", f"{SITE}/celery/app/base.py", True),
        ("[app]/tasks.py", "/srv/[app]/tasks.py", True),
        ("[app]/tasks.py", "/srv/b/tasks.py", False),
        ("./orders/tasks.py", "/srv/shop/orders/tasks.py", True),
        ("orders/", "/srv/shop/orders/tasks.py", True),
        ("<string>", "<string>", True),
        ("string", "<string>", False),
        ("", "/srv/shop/orders/tasks.py", False),
    ],
)
def test_a_pattern_and_a_file(pattern: str, file: str, expected: bool) -> None:
    assert matcher([pattern], KNOWN)(file) is expected


def test_blame_prefers_files_to_generated_code() -> None:
    generated = "<string>:3 < /srv/shop/a.py:7"
    library = f"{SITE}/celery/a.py:1 < <string>:3 < /srv/shop/a.py:7"
    alone = f"{SITE}/celery/a.py:1 < <string>:3"
    nobody = f"{SITE}/celery/a.py:1 < /usr/lib/python3.11/json/x.py:2"
    select = selector(Query(blame="app"), KNOWN)
    assert [select(stack(text)) for text in (generated, library, alone, nobody)] == [0, 0, 0, 1]


def test_what_a_query_keeps_and_where_it_ranks() -> None:
    text = f"/usr/lib/python3.11/json/x.py:2 < /srv/shop/a.py:7 < {SITE}/celery/a.py:1 < /srv/shop/b.py:1"
    one = stack(text)
    cases = [
        (Query(), 3),
        (Query(filters=("shop",)), 2),
        (Query(filters=("shop.b",)), 0),
        (Query(filters=("shop.b", "celery")), 1),
        (Query(filters=("kombu",)), None),
        (Query(filters=("shop",), innermost=True), None),
        (Query(filters=("json",), innermost=True), 3),
        (Query(excludes=("json",)), None),
        (Query(excludes=("shop",)), 3),
        (Query(filters=("shop",), excludes=("json",)), None),
        (Query(filters=("",)), None),
    ]
    for query, depth in cases:
        assert selector(query, KNOWN)(one) == depth, query


def test_a_stack_without_frames_is_kept_unless_it_must_match() -> None:
    assert selector(Query(), KNOWN)(()) == -1
    assert selector(Query(filters=("shop",)), KNOWN)(()) is None


def test_several_patterns_are_alternatives() -> None:
    match = matcher(["celery", "orders"], KNOWN)
    assert match("/srv/shop/orders/a.py")
    assert match(f"{SITE}/celery/a.py")
    assert not match(f"{SITE}/kombu/a.py")


def test_without_recorded_prefixes_the_shape_of_paths_serves() -> None:
    assert matcher(["celery"], NO_FACTS)(f"{SITE}/celery/app/base.py")
    assert not matcher(["venv"], NO_FACTS)(f"{SITE}/celery/app/base.py")
    assert NO_FACTS.kind("/opt/python/lib/python3.9/json/decoder.py") == "stdlib"
    assert NO_FACTS.kind("/home/me/work/x.py") == "app"


def test_kinds_and_labels() -> None:
    assert KNOWN.kind("/usr/lib/python3.11/json/decoder.py") == "stdlib"
    assert KNOWN.kind(f"{SITE}/celery/a.py") == "site"
    assert KNOWN.kind(f"{SITE}/leakhunt/hook/capture/capture.py") == "leakhunt"
    assert KNOWN.kind("/srv/shop/a.py") == "app"
    assert KNOWN.kind("/somewhere/else.py") == "app"
    assert shorten("/srv/shop/orders/a.py", KNOWN) == "orders/a.py"
    assert shorten("/somewhere/else.py", KNOWN) == "/somewhere/else.py"
    assert shorten(f"{SITE}/celery/a.py", KNOWN) == "celery/a.py"


def test_nonsense_in_recorded_prefixes_counts_for_nothing() -> None:
    nonsense = {
        "prefixes": {"app": [1, None, "", "/", "relative"], "site": "x", "stdlib": {"a": 1}}
    }
    assert prefixes(nonsense).folders == ()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("tasks.py", "tasks.py"),
        ("größe.py", "größe.py"),
        ("[app]/tasks.py", "[app]/tasks.py"),
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\udcff", "\\udcff"),
        ("\x9b31m", "\\x9b31m"),
    ],
)
def test_control_characters_are_made_visible(text: str, shown: str) -> None:
    assert visible(text) == shown
