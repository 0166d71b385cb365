"""Functions as a snapshot tells them: decorators, ``def`` line, the module's names."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from leakhunt.advice import match
from leakhunt.advice.evidence import Evidence, scoped
from leakhunt.hook.capture import scopes, spots
from leakhunt.hook.capture.sources import Sources
from leakhunt.model.paths import Prefixes
from leakhunt.model.snapshot import Frame, Spot
from tests.hook.capture.conftest import AsModule

SOURCE = """\
import functools, json
rows = []
prices = {}
LIMIT = 3

@functools.lru_cache(
    maxsize=None,
)
def parsed(text):
    return json.loads(text)

class Catalog:
    @functools.cache
    def load(self, key):
        return [key] * len(rows)

def export(order, seen=[]):
    local = []
    local.append(order)
    rows.append(order)
    prices[order] = 1
    seen.append(order)
"""


def told(as_module: AsModule, folder: Path, *lines: int) -> tuple[str, spots.Spots, scopes.Scopes]:
    path = folder / "tasks.py"
    path.write_text(SOURCE)
    as_module(path)
    later = time.time() + 10
    explained = spots.spots([(str(path), line) for line in lines], 5.0, Sources(later), {})
    return str(path), explained, scopes.scopes(explained, explained, 5.0, Sources(later))


def test_heads_and_names(tmp_path: Path, as_module: AsModule) -> None:
    file, _, found = told(as_module, tmp_path, 10, 15, 19)
    assert found[file] == {
        "parsed": ("@functools.lru_cache(\nmaxsize=None,\n)\ndef parsed(text):", ("json",)),
        "Catalog.load": ("@functools.cache\ndef load(self, key):", ("rows",)),
        "export": ("def export(order, seen=[]):", ("prices", "rows")),
    }


def test_a_changed_or_broken_source_tells_nothing(tmp_path: Path, as_module: AsModule) -> None:
    file, explained, _ = told(as_module, tmp_path, 10)
    assert scopes.scopes(explained, [file], 5.0, Sources(time.time() - 3600)) == {}
    assert scopes.scopes(explained, [file], 0.0, Sources(time.time() + 10)) == {}
    Path(file).write_text("def (")
    assert scopes.scopes(explained, [file], 5.0, Sources(time.time() + 10)) == {}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (10, "lru-cache-unbounded"),
        (15, "lru-cache-on-method"),
        (19, None),
        (20, "global-container"),
        (21, "unbounded-dict-cache"),
        (22, "mutable-default-argument"),
    ],
)
def test_they_decide(tmp_path: Path, as_module: AsModule, line: int, expected: str | None) -> None:
    file, explained, found = told(as_module, tmp_path, line)
    frame = Frame(file, line)
    known = {frame: Spot(*explained[file][line])}
    heads, shared = scoped({"scopes": found}, known)
    said = match.advise(
        Evidence(
            stacks=[(frame,)], site=frame, spots=known, heads=heads, shared=shared,
            prefixes=Prefixes(((f"{tmp_path}/", "app"),)),
        )
    )  # fmt: skip
    assert (said.pattern if said else None) == expected


@pytest.mark.parametrize(
    "facts",
    [
        {}, {"scopes": None}, {"scopes": {"a.py": 3}}, {"scopes": {"a.py": {"f": "x"}}},
        {"scopes": {"a.py": {"f": (1, ["x"])}}}, {"scopes": [1]},
    ],
)  # fmt: skip
def test_malformed_scopes_are_left_out(facts: dict[str, Any]) -> None:
    assert scoped(facts, {Frame("a.py", 1): Spot("f", None)}) == ({}, {})


@pytest.mark.parametrize(
    ("text", "head"),
    [
        ("def keep(user): KEPT[user] = {}\nKEPT = {}\nclass A:", "def keep(user):"),
        ("def keep(user, at={1: 2}) -> dict[str, int]: return at", "def keep(user, at={1: 2}) -> dict[str, int]:"),
        ("@cache\nasync def keep(\n    user: str,\n    at=[],\n): return at\nx:", "@cache\nasync def keep(\nuser: str,\nat=[],\n):"),
        ("def keep(user):  # whose: the key's", "def keep(user):"),
        ('def keep(user=")"):\n    return user', 'def keep(user=")"):'),
    ],
)  # fmt: skip
def test_a_head_ends_at_its_colon_wherever_its_body_stands(text: str, head: str) -> None:
    """Else lines below a function of one line are taken for its own: "a mutable default argument that collects"."""
    assert scopes._head(text.splitlines(), 1) == head
