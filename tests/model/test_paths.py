"""What a path is, with and without recorded prefixes."""

from __future__ import annotations

import pytest

from leakhunt.model.paths import Prefixes, prefixes
from leakhunt.model.query import Query
from leakhunt.sites import rows
from tests.support.builders import FACTS, snap

KNOWN = prefixes(FACTS)
BARE = prefixes({})
SITE = "/srv/venv/lib/python3.11/site-packages"


@pytest.mark.parametrize(
    ("file", "kind", "package"),
    [
        ("/srv/shop/orders/tasks.py", "app", "orders"),
        ("/srv/shop/tasks.py", "app", "tasks"),
        (f"{SITE}/celery/app/base.py", "site", "celery"),
        (f"{SITE}/six.py", "site", "six"),
        (f"{SITE}/leakhunt/hook/capture/capture.py", "leakhunt", "leakhunt"),
        ("/usr/lib/python3.11/json/decoder.py", "stdlib", "json"),
        ("/usr/lib/python3.11/threading.py", "stdlib", "threading"),
        ("/usr/lib/python3.11/site-packages/yaml/nodes.py", "site", "yaml"),
        ("/srv/shop/.venv/lib/python3.11/site-packages/yaml/nodes.py", "site", "yaml"),
        ("/srv/shopping/a.py", "app", "srv"),
        ("<frozen importlib._bootstrap>", "stdlib", "importlib"),
        ("<string>", "app", "<string>"),
        ("<attrs generated init a/b.C>", "app", "<attrs generated init a/b.C>"),
        ("", "app", ""),
    ],
)
def test_with_recorded_prefixes(file: str, kind: str, package: str) -> None:
    assert KNOWN.kind(file) == kind
    assert KNOWN.package(file) == package


@pytest.mark.parametrize(
    ("file", "kind", "package"),
    [
        ("/opt/venv/lib/python3.9/site-packages/celery/app/base.py", "site", "celery"),
        ("/usr/lib/python3/dist-packages/yaml/nodes.py", "site", "yaml"),
        ("/opt/venv/lib/python3.9/site-packages/leakhunt/worker.py", "leakhunt", "leakhunt"),
        ("/usr/local/lib/python3.13t/json/decoder.py", "stdlib", "json"),
        ("/srv/shop/tasks.py", "app", "srv"),
    ],
)
def test_without_prefixes(file: str, kind: str, package: str) -> None:
    assert BARE.kind(file) == kind
    assert BARE.package(file) == package


@pytest.mark.parametrize(
    ("files", "file", "package"),
    [
        (["/srv/shop/orders/a.py", "/srv/shop/stock/b.py"], "/srv/shop/stock/b.py", "stock"),
        (["/srv/shop/a.py", "/srv/shop/b.py"], "/srv/shop/b.py", "b"),
        (["/srv/shop/a.py", "/usr/lib/python3.9/json/x.py", "<string>"], "/srv/shop/a.py", "a"),
        (["/srv/a.py", "/opt/b.py"], "/opt/b.py", "opt"),
        ([], "/srv/a.py", "srv"),
    ],
)
def test_an_application_root_is_guessed(files: list[str], file: str, package: str) -> None:
    assert BARE.guessed(files).package(file) == package


def test_a_recorded_root_is_not_guessed_over() -> None:
    assert KNOWN.guessed(["/srv/shop/orders/a.py"]) is KNOWN
    others = ["/opt/other/one/a.py", "/opt/other/two/b.py"]  # beside the root that is known
    assert KNOWN.guessed(others).package("/opt/other/one/a.py") == "opt"
    library = prefixes({"stdlib": ["/usr/lib/python3.11"]})
    assert library.guessed(["/srv/shop/a.py", "/srv/shop/b.py"]).package("/srv/shop/b.py") == "b"


def test_packages_of_a_plain_dump() -> None:
    snapshot = snap(
        "/home/me/work/orders/a.py:1 3KiB x3",
        "/home/me/work/stock/b.py:1 2KiB x2",
        "/usr/lib/python3.9/json/decoder.py:1 1KiB x1",
        prefixes=None,
    )
    found = rows.group(snapshot, Query(group_by="package"))
    assert [row.change.site.package for row in found.rows] == ["orders", "stock", "json"]


@pytest.mark.parametrize(
    ("file", "hidden"),
    [
        ("<frozen importlib._bootstrap_external>", True),
        ("/usr/lib/python3.11/importlib/_bootstrap.py", True),
        ("/usr/lib/python3.11/tracemalloc.py", True),
        (f"{SITE}/leakhunt/hook/hook.py", True),
        ("/opt/lib/python3.9/site-packages/leakhunt/worker.py", True),
        ("/srv/shop/importlib/_bootstrap.py", False),
        ("/srv/shop/tracemalloc.py", False),
        (f"{SITE}/importlib_metadata/__init__.py", False),
        ("/usr/lib/python3.11/json/decoder.py", False),
    ],
)
def test_what_is_hidden(file: str, hidden: bool) -> None:
    assert KNOWN.is_hidden(file) is hidden


@pytest.mark.parametrize("known", [KNOWN, BARE])
def test_the_command_that_starts_the_program_is_nobodys_code(known: Prefixes) -> None:
    for file in ("/srv/venv/bin/celery", "/srv/shop/.venv/bin/leakhunt", "/usr/local/bin/celery"):
        assert known.kind(file) == "site"
        assert known.package(file) in {"celery", "leakhunt"}
    assert known.kind("/srv/shop/bin/worker") == "app"
    assert known.kind("/srv/shop/bin/celery.py") == "app"
