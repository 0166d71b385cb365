"""One place taken apart: what a location means, the trees' law, the source, what is printed."""

from __future__ import annotations

import json
import os
import random
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leakhunt.errors import LocationError
from leakhunt.model.query import Query
from leakhunt.model.snapshot import NOTHING, Block, Frame, Snapshot, Spot, Tally
from leakhunt.report.place import place
from leakhunt.sites import rows as grouping
from leakhunt.sites.place import Shown, show
from leakhunt.sites.tree import Node, merged
from leakhunt.snapfile.write import Run, write
from leakhunt.snapshots import source
from leakhunt.snapshots.load import load
from leakhunt.snapshots.source import ANOTHER, CHANGED
from tests.support.builders import FACTS, snap
from tests.support.console import run
from tests.support.pages import document, shown_as
from tests.support.places import ROOT

TASKS, CACHE = "/srv/shop/tasks.py", "/srv/shop/cache.py"
SPOTS = {TASKS: {8: ("Shop.order", "KEPT.append(body)"), 40: ("run", "order()")}}


def shop(**facts: Any) -> Snapshot:
    return snap(
        f"{TASKS}:8 < {TASKS}:40 1KiB x10",
        f"/usr/lib/python3.11/json/decoder.py:353 < {TASKS}:8 < {TASKS}:40 2KiB x5",
        f"/usr/lib/python3.11/json/decoder.py:353 < {TASKS}:8 < {CACHE}:3 512B x1",
        f"{CACHE}:3 64B x1",
        f"/usr/lib/python3.11/importlib/_bootstrap.py:9 < {TASKS}:8 32B x1",
        **{"frames": SPOTS, **facts},
    )


def law(found: Shown) -> None:
    """Rows + remainder + dropped = totals, and every node is the sum of what is below it."""
    rows = [lead.tally for lead in found.leads]
    for field in (0, 1):
        shown = sum(tally[field] for tally in rows) + found.remainder[field]
        assert shown == found.matched[field]
        assert shown + found.dropped[field] == found.totals[field]
        assert sum(tally[field] for _, tally in found.places) == found.matched[field]
    for tree in (found.callers, found.below):
        assert tree[0].tally == found.matched
        assert tree[0].stacks == found.stacks
        tree_law(tree)


def tree_law(tree: tuple[Node, ...]) -> None:
    for index, node in enumerate(tree):
        children = []
        for below in tree[index + 1 :]:
            if below.level <= node.level:
                break
            if below.level == node.level + 1:
                children.append(below.tally)
        for field in (0, 1):
            parts = sum(tally[field] for tally in children)
            assert parts + node.ends[field] + node.remainder[field] == node.tally[field]


def test_a_line_shows_every_stack_through_it() -> None:
    found = show(shop(), "tasks.py:8", Query())
    law(found)
    assert found.matched == Tally(1024 + 2048 + 512, 16)
    assert (found.stacks, found.hidden, found.hidden_stacks) == (3, Tally(32, 1), 1)
    assert found.here == Tally(1024, 10)
    callers = [
        (node.level, node.frame and node.frame.line, node.tally.size) for node in found.callers
    ]
    assert callers == [(0, 8, 3584), (1, 40, 3072), (1, 3, 512)]
    below = [(node.level, node.frame and node.frame.line, node.tally.size) for node in found.below]
    assert below == [(0, 8, 3584), (1, 353, 2560)]
    assert found.below[0].ends == Tally(1024, 10)


@pytest.mark.parametrize(
    ("location", "size"),
    [
        ("shop/tasks.py:8", 3584),
        ("/srv/shop/tasks.py:8", 3584),
        ("./tasks.py:40", 3072),
        ("tasks.py", 3584),
        ("order", 3584),
        ("Shop.order", 3584),
        ("tasks.py:Shop.order", 3584),
        ("run", 3072),
        ("decoder.py", 2560),
        ("1", 2560),
        ("2", 1024),
        ("3", 64),
    ],
)
def test_what_a_location_means(location: str, size: int) -> None:
    found = show(shop(), location, Query())
    law(found)
    assert found.matched.size == size


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("tasks.py:9", "nearest: tasks.py:8, tasks.py:40"),
        ("asks.py:8", "nearest: tasks.py"),
        ("op/tasks.py:8", "nearest: tasks.py"),
        ("ordr", "nearest: Shop.order"),
        ("xyz", "leakhunt top"),
        ("", "leakhunt top"),
        ("0", "there is no row 0: `leakhunt top` has 3 with"),
        ("4", "there is no row 4"),
        ("_bootstrap.py", "hidden (tracing and import machinery; --all shows it)"),
        ("a\x1b[1m.py:3", "through a\\x1b[1m.py:3"),
    ],
)
def test_nothing_there_is_an_error_that_names_the_nearest(location: str, said: str) -> None:
    with pytest.raises(LocationError) as caught:
        show(shop(), location, Query())
    assert said in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("location", ["1", "tasks.py:8"])
def test_where_nothing_was_traced_it_is_said_how_to_begin(location: str) -> None:
    with pytest.raises(
        LocationError, match=r"engine was off.*`leakhunt arm 4242 --engine sampled`"
    ):
        show(snap(engine="off", pid=4242), location, Query())


def test_a_row_is_what_top_ranks_there_with_the_same_options() -> None:
    snapshot = shop()
    for query in (
        Query(),
        Query(filters=("shop",)),
        Query(show_all=True),
        Query(blame="app", sort="count"),
    ):
        for row in grouping.group(snapshot, query).rows:
            found = show(snapshot, str(row.rank), query)
            law(found)
            assert found.matched == row.change.after
            assert found.places[0][0] == Frame(
                row.change.site.file or "", row.change.site.line or 0
            )
    made = place(show(snapshot, "2", Query()), snapshot, None)
    assert "2.5 KiB in 6 blocks more pass through it and are ranked deeper" in made.notes[0]


def test_a_suffix_of_several_files_shows_all_and_says_so() -> None:
    snapshot = snap(
        "/srv/a/tasks.py:8 1KiB x1", "/srv/b/tasks.py:8 2KiB x1", "/srv/c/xtasks.py:8 4KiB x1"
    )
    found = show(snapshot, "tasks.py:8", Query())
    law(found)
    assert found.matched == Tally(3072, 2)
    assert [frame.file for frame, _ in found.places] == ["/srv/b/tasks.py", "/srv/a/tasks.py"]
    assert "is in 2 files" in place(found, snapshot, None).notes[0]
    text = shown_as(found, snapshot, 100)
    assert "/srv/a/tasks.py:8" in text
    assert "/srv/b/tasks.py:8" in text


def test_recursion_counts_once() -> None:
    found = show(snap("a.py:1 < a.py:1 < a.py:1 < b.py:2 1KiB x4"), "a.py:1", Query())
    law(found)
    assert found.matched == Tally(1024, 4)
    assert [node.level for node in found.callers] == [0, 1, 2, 3]


def test_a_name_as_it_is_printed_is_found() -> None:
    snapshot = snap("/srv/shop/\x1b[1mx.py:3 1KiB x1")
    assert show(snapshot, "\\x1b[1mx.py:3", Query()).matched.size == 1024


frames = st.tuples(st.sampled_from(["/a/x.py", "/a/y.py", "/b/x.py"]), st.integers(1, 3))
stacks = st.dictionaries(
    st.lists(frames, min_size=1, max_size=5).map(
        lambda each: tuple(Frame(*frame) for frame in each)
    ),
    st.tuples(st.integers(0, 9000), st.integers(1, 9)).map(lambda pair: Tally(*pair)),
    min_size=1,
    max_size=30,
)


@given(stacks, st.sampled_from(["x.py:1", "x.py", "a/x.py:2", "y.py", "1", "2"]), st.integers(0, 6))
@settings(max_examples=80, deadline=None)
def test_the_law_holds_for_every_place_and_limit(tallies: Any, location: str, limit: int) -> None:
    snapshot = Snapshot("r.bin", shop().meta, 5, tallies)
    try:
        found = show(snapshot, location, Query(limit=limit))
    except LocationError:
        return
    law(found)
    told = document(place(found, snapshot, None))
    assert told["callers"][0]["size"] == told["matched"]["size"]
    total = sum(row["size"] for row in told["rows"])
    parts = total + told["remainder"]["size"] + told["dropped"]["size"]
    assert parts == told["totals"]["size"]
    for width in (40, 100):
        text = shown_as(found, snapshot, width)
        assert max(map(len, text.splitlines())) <= width


@given(stacks, st.integers(0, 8))
def test_the_heaviest_branches_are_shown(tallies: Any, branches: int) -> None:
    tree = merged(None, tallies.items(), branches)
    tree_law(tree)
    shown = sum(node.remainder_children for node in tree)
    everything = merged(None, tallies.items())
    assert (shown == 0) == (len(tree) == len(everything))
    for index, node in enumerate(tree):  # each branch is followed to an end
        if node.remainder_children:
            assert index + 1 < len(tree)
            assert tree[index + 1].level == node.level + 1


# -- source ---------------------------------------------------------------------------


def test_recorded_lines_come_first_and_disk_only_confirms(tmp_path: Path) -> None:
    file = tmp_path / "tasks.py"
    file.write_text("import json\n\ndef order():\n    KEPT.append(1)\n    return 2\n")
    frame = Frame(str(file), 4)
    recorded = {frame: Spot("order", "KEPT.append(1)")}
    found = source.around(frame, recorded, None)
    assert found.origin == "disk"
    assert dict(found.lines)[3] == "def order():"
    file.write_text("# another\nimport json\n\ndef order():\n    KEPT.append(1)\n")
    found = source.around(frame, recorded, None)
    assert (found.origin, found.lines) == ("snapshot", ((4, "KEPT.append(1)"),))
    assert found.note == ANOTHER
    file.unlink()
    found = source.around(frame, recorded, None)
    assert (found.origin, found.lines, found.note) == ("snapshot", ((4, "KEPT.append(1)"),), None)


def test_without_recorded_lines_only_an_unchanged_file_is_shown(tmp_path: Path) -> None:
    file = tmp_path / "tasks.py"
    file.write_text("a = 1\nb = 2\n")
    os.utime(file, (1000, 1000))
    frame = Frame(str(file), 2)
    assert source.around(frame, {}, 2000.0).lines == ((1, "a = 1"), (2, "b = 2"))
    changed = source.around(frame, {}, 900.0)
    assert (changed.lines, changed.origin) == ((), None)
    assert changed.note == CHANGED
    assert source.around(frame, {}, None).origin is None


def test_no_file_is_opened_that_is_not_python(tmp_path: Path) -> None:
    secret = tmp_path / "id_rsa"
    secret.write_text("secret\n")
    assert source.around(Frame(str(secret), 1), {}, 9e9).lines == ()
    pipe = tmp_path / "pipe.py"
    os.mkfifo(pipe)
    assert source.around(Frame(str(pipe), 1), {}, 9e9).lines == ()
    assert source.around(Frame("\0.py", 1), {}, 9e9).lines == ()
    assert source.around(Frame(str(tmp_path), 1), {}, 9e9).lines == ()


# -- what is printed ------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> str:
    place = (TASKS, 8)
    runs: list[Run] = [
        ((0, 64, (("/usr/lib/python3.11/json/decoder.py", 353), place, (TASKS, 40)), 3), 10),
        ((7, 4096, (place, (TASKS, 40)), 2), 2),
        ((0, 32, (("/srv/shop/\x1b[31m[bold]\u202e.py", 1), place), 2), 1),
    ]
    path = tmp_path / "snapshots" / "celery@web1-4242" / "000001-x.bin"
    path.parent.mkdir(parents=True)
    write(path, runs, 5, {**FACTS, "frames": SPOTS})
    return str(path)


@pytest.mark.parametrize("columns", ["80", "200"])
def test_it_fits_and_says_all(file: str, columns: str) -> None:
    done = run("show", file, "tasks.py:8", "-v", COLUMNS=columns)
    assert (done.returncode, done.stderr) == (0, "")
    assert max(map(len, done.stdout.splitlines())) <= int(columns)
    assert "tasks.py:8 in Shop.order" in done.stdout
    assert "> 8  KEPT.append(body)" in done.stdout
    assert re.search(r"8\.7 KiB in 13 blocks, 100 % of what is alive, by 3 stacks", done.stdout)
    assert re.search(r"8\.6 KiB +12 +100 % +├ tasks\.py:40 in run", done.stdout)
    assert re.search(r"8\.0 KiB +2 +92 % +└ \(this line itself\)", done.stdout)
    assert re.search(r"4,096 B +2 +8\.0 KiB +92 %", done.stdout)
    assert "domains 0 (Python) 672 B, 7 8.0 KiB" in done.stdout
    assert "\x1b" not in done.stdout
    assert "\u202e" not in done.stdout
    assert "\\x1b[31m[bold]\\u202e.py:1" in done.stdout


def test_without_a_snapshot_the_newest_is_shown(file: str, tmp_path: Path) -> None:
    folder = str(tmp_path / "snapshots")
    done = run("show", "order", LEAKHUNT_DIR=folder)
    assert done.returncode == 0, done.stderr
    assert "chosen  the newest of 1 snapshot" in done.stdout
    done = run("show", "1", "--dir", folder, "-n", "1")
    assert "tasks.py:8" in done.stdout
    for words in ((), (file,), (folder,)):
        done = run("show", *words)
        assert done.returncode == 2
        assert "say which place" in done.stderr
    done = run("show", file, "nowhere.py:1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


def test_json_tells_frames_with_their_function_and_source(file: str) -> None:
    told = json.loads(run("show", file, "tasks.py:8", "--json", "-n", "1").stdout)
    assert told["schema"] == "leakhunt/show@1"
    assert told["matched"] == {"size": 640 + 8192 + 32, "count": 13, "stacks": 3}
    assert told["rows"][0]["site"] == {"file": TASKS, "line": 8, "function": "Shop.order"}
    assert told["rows"][0]["stack"][0]["code"] == "order()"
    assert told["remainder"]["stacks"] == 2
    assert told["callers"][0]["frame"]["code"] == "KEPT.append(body)"
    assert {"domain": 7, "size": 4096, "count": 2} in told["blocks"]
    assert told["source"]["lines"] == [{"line": 8, "code": "KEPT.append(body)"}]


def test_plain_characters_where_the_output_takes_no_others(file: str) -> None:
    done = run("show", file, "tasks.py:8", PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert "|- tasks.py:40 in run" in done.stdout
    assert done.stdout.isascii()


def test_blocks_are_of_the_place_only(file: str) -> None:
    found = show(load(file, detail=True), "decoder.py", Query())
    assert found.blocks == (Block(0, 64, 10),)
    assert show(load(file), "decoder.py", Query()).blocks == ()


def test_ten_thousand_stacks_and_very_deep_ones_are_drawn() -> None:
    dice = random.Random(1)
    lines = {
        f"/srv/shop/m{dice.randrange(99)}.py:{number} < {TASKS}:8 < {TASKS}:{dice.randrange(9, 99)} 1KiB x1"
        for number in range(10_000)
    }
    snapshot = snap(*lines)
    found = show(snapshot, "tasks.py:8", Query(limit=5))
    law(found)
    text = shown_as(found, snapshot, 80)
    assert len(text.splitlines()) < 50
    assert re.search(r"9,99\d lines more \(-n 0 shows all\)", text)
    deep = snap(" < ".join(f"/srv/d{level}.py:1" for level in range(5000)) + " 1KiB x1")
    found = show(deep, "d2500.py:1", Query())
    assert len(found.callers) + len(found.below) == 5001
    assert found.here == NOTHING
    document(place(found, deep, None))


def test_the_readme_shows_what_is_printed(tmp_path: Path) -> None:
    json_, trace = (
        "/usr/lib/python3.11/json/",
        "/srv/venv/lib/python3.11/site-packages/celery/app/trace.py",
    )
    decode = (
        (f"{json_}decoder.py", 353),
        (f"{json_}decoder.py", 337),
        (f"{json_}__init__.py", 346),
    )
    place = ((TASKS, 11), (TASKS, 24), (trace, 760))
    retry = ((TASKS, 11), (TASKS, 31), (trace, 760))
    runs: list[Run] = [
        ((0, 56, decode + place, 6), 600),
        ((0, 120, decode + retry, 6), 40),
        ((0, 3200, place, 3), 1),
        ((0, 64, ((TASKS, 16), (TASKS, 24)), 2), 20),
    ]
    spots = {
        TASKS: {
            10: ("place_order", "body = json.dumps(order)"),
            11: ("place_order", "KEPT.append(json.loads(body))"),
            24: ("process", "return place_order(number)"),
            31: ("retry", "place_order(number)"),
        },
        f"{json_}decoder.py": {
            353: ("JSONDecoder.raw_decode", "obj, end = self.scan_once(s, idx)"),
            337: ("JSONDecoder.decode", "obj, end = self.raw_decode(s, idx=_w(s, 0).end())"),
        },
        f"{json_}__init__.py": {346: ("loads", "return _default_decoder.decode(s)")},
        trace: {760: ("trace_task", "R = retval = fun(*args, **kwargs)")},
    }
    path = tmp_path / "after.bin"
    write(path, runs, 6, {**FACTS, "frames": spots})
    readme = (ROOT / "leakhunt" / "sites" / "README.md").read_text()
    (told,) = re.findall(
        r"```console\n\$ leakhunt show after\.bin tasks\.py:11\n(.*?)```", readme, re.DOTALL
    )
    done = run("show", str(path), "tasks.py:11", COLUMNS="100", LINES="30")
    assert done.stdout == told


@pytest.mark.parametrize(
    "function",
    ["Shop.order.<locals>.<listcomp>", "Shop.order.<dictcomp>",
     "Shop.order.<locals>.<genexpr>.<listcomp>", "Shop.order"],
)  # fmt: skip
def test_a_function_has_the_comprehensions_that_stand_in_it(function: str) -> None:
    """Before 3.12 their lines belong to a code object of their own."""
    made = snap(
        f"{TASKS}:8 < {TASKS}:40 1KiB x10", frames={TASKS: {8: (function, "[1 for _ in x]")}}
    )
    for asked in ("order", "Shop.order", "tasks.py:order"):
        found = show(made, asked, Query(limit=0))
        assert found.places[0][0] == Frame(TASKS, 8)
    inner = snap(f"{TASKS}:8 1KiB x10", frames={TASKS: {8: ("Shop.order.<locals>.inner", "x")}})
    with pytest.raises(LocationError):
        show(inner, "order", Query(limit=0))


def test_the_nearest_lines_are_told_nearest_first_whichever_side_they_are_on() -> None:
    lines = snap(*(f"{TASKS}:{line} 1KiB x1" for line in (10, 38, 44, 90)))
    with pytest.raises(LocationError, match=r"nearest: tasks\.py:38, tasks\.py:44, tasks\.py:10, "):
        show(lines, "tasks.py:40", Query())
