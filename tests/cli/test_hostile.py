"""Facts of a snapshot that no hook has written: each command answers, or says in one message what is wrong."""

from __future__ import annotations

import contextlib
import io
import os
import random
from pathlib import Path
from typing import Any

import pytest

from leakhunt.cli import execute
from leakhunt.errors import SnapshotError
from leakhunt.snapfile import index
from leakhunt.snapfile.read import read
from leakhunt.snapfile.write import write
from tests.support.builders import FACTS

LEAK = (("/srv/shop/tasks.py", 40), ("/srv/shop/[x](http://y)/run.py", 3))
CACHE = (("/usr/lib/python3.11/json/decoder.py", 353),)

#: What a fact may be instead of what it should be.
ODD: tuple[Any, ...] = (
    None, True, -1, 0, 1, 2**61, -(2**61), 1.5, -0.0, 1e300, -1e300, float("inf"), float("-inf"), float("nan"),
    "", "x" * 3000, "\x1b]0;t\x07\n", "[a](http://b)", "<script>", "%s{}", "\ud800", [], [1], ["x"], [[]], [None],
    [[1, 2, 3]], {}, {"x": 1}, {"x": {"y": []}}, {"runs": -1}, {"x": None}, [["a", 1, 2, 3, 4, 5, 6]],
)  # fmt: skip

#: Facts of a full snapshot beside those of FACTS.
MORE: dict[str, Any] = {
    "monotonic": 100.0, "pause": 0.01, "capture": 0.2, "forked": True, "exact": True, "nframe": 5, "armed_at": 1.8e9,
    "armed_tasks": 0, "armed_rss": 1 << 20, "interval": 4096, "samples": 3, "budget": 0.01, "overhead": 0.01,
    "lost": {"dropped": 0, "unplaced": 0, "ghosts": 0, "unrouted": 0}, "running": ["shop.add"], "unit": "task",
    "tasks": {"shop.add": {"runs": 10, "kept": 100, "kept_runs": 10, "failed": 0, "wall": 1.0, "cpu": 1.0, "rss_steps": 0}},
    "pss": 1 << 20, "shared": 1 << 20, "swap": 0, "rss_peak": 1 << 28, "anonymous": 1 << 20, "shared_dirty": 0,
    "maps": {"heap": [1 << 20, 3], "libraries": [1 << 20, 9]}, "traced_peak": 1 << 26, "open_files": 5, "sockets": 1,
    "allocators": {"malloc_used": 1, "malloc_mapped": 2, "malloc_free": 3, "pymalloc_used": 4, "pymalloc_free": 5},
    "limits": {"max_memory_per_child": 1 << 30, "cgroup": 1 << 31}, "threads": 2, "parent": 1, "ticks": 5,
    "garbage": {"objects": 3, "stacks": [(LEAK, 3)]}, "resources": [("socket", "tcp", 5432, "established", 3)],
    "gc": {"enabled": True, "counts": [1, 2, 3], "stats": [{"collections": 1, "collected": 2, "uncollectable": 0}] * 3},
    "estimates": [(LEAK, 3, 10.0)], "types": [(LEAK, (("dict", 64),))], "recycled": [(LEAK, 64)], "space": "a-1",
    "holders": [(LEAK, CACHE, "list", 7, 3, 10.0, ((64, 3),))], "platform": "Linux", "implementation": "CPython",
    "calendar": {"unit": "task", "edges": [0, 500, 1000], "moments": [1.8e9, 1.8e9, 1.8e9], "intervals": [1, 1],
                 "armed": 0, "tasks": ["shop.add"]},
    "births": [(LEAK, ((0, 1, 3, 3, 1024, 32.0, 1),))], "versions": {"celery": "5.3.6"}, "walks": {"garbage": "hung"},
    "heap": {"whole": True, "objects": 9, "tracked": 5, "seconds": 0.1, "memory": 1000, "types": [("dict", 3, 300)],
             "types_rest": (1, 2, 3), "garbage": [("dict", 1, 64)], "garbage_rest": (0, 0, 0), "wanted": 3, "tied": 3,
             "paths": [(0, "module", "shop", "module", 1, None, False), (1, "item", "KEEP", "list", 3, None, False)],
             "containers": [(2, "list", 3, None, 7, 100, 64)], "points": [(2, "list", 3, None, 7, 100, 64)],
             "holders": [(2, "list", 3, None, 7, 100, 64)]},
    "retention": [(LEAK, ((2, 3, 1024, 1),))], "frames": {"/srv/shop/tasks.py": {40: ("add", "KEEP.append(x)")}},
    "scopes": {"/srv/shop/tasks.py": {"add": ("def add():", ["KEEP"])}},
}  # fmt: skip

COMMANDS = (
    ["top", "{0}"], ["show", "{0}", "1"], ["top", "{0}", "-g", "traceback"], ["top", "{0}", "-g", "task"],
    ["top", "{0}", "-g", "type"], ["why", "{0}"], ["account", "{0}"], ["verdict", "{0}"],
    ["diff", "{0}", "{1}"], ["trend", "{0}", "{1}", "{2}"], ["verdict", "{0}", "{1}", "{2}", "--json"],
    ["tasks", "{0}", "{1}"], ["account", "{0}", "{1}"], ["ls", "--dir", "{home}"], ["top", "{0}", "--json"],
    ["top", "{0}", "--format", "markdown"], ["report", "{0}", "{1}", "{2}", "-o", "{home}/r.html", "--force"],
    ["export", "{0}", "--format", "pprof", "-o", "{home}/x", "--force"], ["ls", "--prune", "--keep", "1", "--dry-run", "--dir", "{home}"],
    ["compare", "{0}", "{1}"],
)  # fmt: skip


def changed(value: Any, draw: random.Random) -> Any:
    """The value with something odd somewhere inside."""
    if isinstance(value, dict) and value and draw.random() < 0.7:
        key = draw.choice(list(value))
        return {**value, key: changed(value[key], draw)}
    if isinstance(value, (list, tuple)) and value and draw.random() < 0.7:
        at = draw.randrange(len(value))
        return type(value)([*value[:at], changed(value[at], draw), *value[at + 1 :]])
    return draw.choice(ODD)


def stored(home: Path, facts: list[dict[str, Any]]) -> list[str]:
    folder = home / "celery@web1-4242-20270115T080000Z"
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, each in enumerate(facts, 1):
        path = folder / f"{number:06d}-20270115T0{number}0000Z-tasks.bin"
        path.unlink(missing_ok=True)
        try:
            write(path, [((0, 1024, LEAK, 2), 100 * number), ((0, 64, CACHE, 1), 10)], 5, each)
        except (ValueError, UnicodeError):  # not even written
            return []
        paths.append(str(path))
    return paths


def called(words: list[str]) -> tuple[object, str]:
    """The exit status of the console, and all that it says."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            status: object = execute(words)
        except SystemExit as left:
            status = left.code
    return status, said.getvalue()


@pytest.mark.parametrize("seed", range(6))
def test_odd_facts_are_answered_or_refused(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)
    draw = random.Random(seed)
    whole = {**FACTS, **MORE}
    for _ in range(2):
        key = draw.choice(sorted(whole))
        facts = []
        for number in range(1, 4):
            each = {
                **whole,
                "sequence": number,
                "taken_at": 1.8e9 + 600 * number,
                "tasks_done": 100 * number,
            }
            facts.append({**each, key: changed(each[key], draw)})
        paths = stored(tmp_path, facts)
        if not paths:
            continue
        for command in COMMANDS:
            words = [word.format(*paths, home=tmp_path) for word in command]
            status, said = called(words)
            assert status in (None, 0, 2, 3, 4), (key, [each[key] for each in facts], words, said)
            assert not {*"\x1b\x07"} & {*said}, (key, words)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")
def test_what_is_no_file_is_not_even_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The opening alone does something: it lets the writer of a pipe go on, and starts a watchdog."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "a.bin").symlink_to(tmp_path / "pipe")
    (tmp_path / "b.bin").symlink_to("/dev/null")
    opened: list[str] = []
    real = os.open

    def noted(path: Any, *rest: Any, **named: Any) -> int:
        opened.append(str(path))
        return real(path, *rest, **named)

    monkeypatch.setattr(os, "open", noted)
    for name in ("a.bin", "b.bin"):
        with pytest.raises(SnapshotError, match="is not a regular file"):
            read(tmp_path / name)
    assert opened == []


def test_a_file_of_holes_costs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    with path.open("wb") as file:
        file.truncate(187 << 30)
    with pytest.raises(SnapshotError, match="has holes"):
        read(path)


@pytest.mark.parametrize("command", [["top", "{0}"], ["show", "{0}", "1"], ["top", "{0}", "-g", "traceback"],
                                     ["top", "{0}", "-g", "package"], ["top", "{0}", "-g", "filename", "--json"],
                                     ["why", "{0}"], ["account", "{0}"], ["diff", "{0}", "{1}"], ["verdict", "{0}"],
                                     ["export", "{0}", "--format", "collapsed", "-o", "x.out", "--force"]], ids=" ".join)  # fmt: skip
@pytest.mark.parametrize("plain", [False, True])
def test_a_stack_without_frames_is_an_answer(
    command: list[str], plain: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    paths = []
    for number in (1, 2):
        path = tmp_path / f"{number}.bin"
        more = {} if plain else {"types": [((), (("dict", 64),))], "estimates": [((), 3, 1.0)]}
        write(path, [((0, 64, (), 0), 3 * number)], 5, {**FACTS, "sequence": number, **more})
        paths.append(str(path))
    status, said = called([word.format(*paths) for word in command])
    assert status in (0, 2), said
    assert "Traceback" not in said


@pytest.mark.parametrize("traced", [None, 1000])
def test_an_index_that_contradicts_its_traces_is_told_or_left(
    traced: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody has put the sums of other traces behind them, with a right checksum."""
    true, forged = [((0, 1024, LEAK, 2), 156)], [((0, 1 << 20, LEAK, 2), 954)]
    real = index.packed
    with monkeypatch.context() as patch:
        patch.setattr(index, "packed", lambda runs, *rest: real(forged, *rest))
        write(tmp_path / "x.bin", true, 5, {**FACTS, "traced": traced})
    if traced is None:
        with pytest.raises(SnapshotError, match="contradict each other"):
            read(tmp_path / "x.bin", detail=True)
    else:
        for detail in (False, True):
            assert sum(read(tmp_path / "x.bin", detail).tallies.sizes) == 156 * 1024


def test_a_name_of_megabytes_is_cut_where_it_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    frames = (("/srv/" + "x" * (4 << 20) + ".py", 3),)
    facts = {**FACTS, "node": "n" * 1000, "host": "h" * 1000, "frames": {}}
    write(tmp_path / "x.bin", [((0, 8, frames, 1), 2)], 1, facts)
    for form in ("table", "markdown"):
        status, said = called(["top", "x.bin", "--format", form])
        assert status == 0
        assert len(said) < 20_000
