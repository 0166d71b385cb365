"""Recorded snapshots of every Python are read exactly; forged ones are refused within bounds."""

from __future__ import annotations

import os
import pickle
import resource
import signal
import struct
import subprocess
import sys
import time
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from leakhunt.errors import SnapshotError
from leakhunt.model.query import Query
from leakhunt.model.snapshot import Block, Frame
from leakhunt.sites import rows as grouping
from leakhunt.snapfile import untrusted
from leakhunt.snapfile.read import begin, read, read_facts
from leakhunt.snapfile.write import Run, write
from leakhunt.snapshots import load
from tests.sites.test_rows import check, rows
from tests.support.costs import at_most
from tests.support.places import ROOT
from tests.support.places import SNAPSHOTS as RECORDED

NAMES = sorted(path.name for path in RECORDED.glob("*.bin"))
PAIRS = sorted(name.replace("-before.bin", "") for name in NAMES if "-before" in name)


def test_there_are_files_of_every_python() -> None:
    expected = {f"py3.{minor}-nframe{n}" for minor in range(9, 14) for n in (1, 5)}
    assert set(PAIRS) == {*expected, "leakhunt"}


@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_file_block_by_block(name: str) -> None:
    theirs: Any = tracemalloc.Snapshot.load(str(RECORDED / name))
    raw = read(RECORDED / name, detail=True)
    assert raw.nframe == theirs.traceback_limit
    found: Counter[Any] = Counter()
    for stack, blocks in raw.blocks.items():
        for domain, size, count in blocks:
            found[domain, size, tuple(reversed(stack))] += count
    assert found == Counter(trace[:3] for trace in theirs.traces._traces)
    assert set(raw.blocks) == set(raw.tallies)


@pytest.mark.parametrize("group_by", ["lineno", "filename", "traceback"])
@pytest.mark.parametrize("pair", PAIRS)
def test_a_recorded_pair_agrees_with_the_standard_library(pair: str, group_by: str) -> None:
    paths = [RECORDED / f"{pair}-{when}.bin" for when in ("before", "after")]
    theirs = [tracemalloc.Snapshot.load(str(path)) for path in paths]
    before, after = load.load_all(paths)
    query = Query(group_by=group_by, show_all=True, limit=0)
    found = grouping.diff(before, after, query)
    check(found)

    def key(statistic: Any) -> Any:
        return tuple(
            (frame.filename, 0 if group_by == "filename" else frame.lineno)
            for frame in statistic.traceback
        )

    assert sorted(rows(found, group_by, "diff")) == sorted(
        (key(s), s.size_diff, s.count_diff) for s in theirs[1].compare_to(theirs[0], group_by)
    )
    assert sorted(rows(grouping.group(after, query), group_by, "after")) == sorted(
        (key(s), s.size, s.count) for s in theirs[1].statistics(group_by)
    )


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if "nframe1" not in pair])
def test_the_leak_is_blamed_on_the_shop(pair: str) -> None:
    before, after = load.load_all([RECORDED / f"{pair}-{w}.bin" for w in ("before", "after")])
    for query in (Query(filters=("shop",)), Query(blame="app"), Query(filters=("shop.tasks",))):
        first = grouping.diff(before, after, query).rows[0].change
        assert first.site.file == "/srv/shop/tasks.py"
        assert first.site.line == 11  # KEPT.append(json.loads(body))


# -- files that no Python of today writes ------------------------------------------------

ONE = (("a.py", 1),)


def plain(traces: Any, nframe: Any = 1) -> bytes:
    inner = tracemalloc._Traces.__new__(tracemalloc._Traces)  # type: ignore[attr-defined]
    inner.__dict__["_traces"] = traces
    outer = tracemalloc.Snapshot.__new__(tracemalloc.Snapshot)
    outer.__dict__.update({"traces": inner, "traceback_limit": nframe})
    return pickle.dumps(outer, 4)


def test_a_dump_of_python_3_8_has_three_fields(tmp_path: Path) -> None:
    path = tmp_path / "old.bin"
    path.write_bytes(
        plain([(0, 5, (("a.py", 1), ("b.py", 2))), (0, 7, (("a.py", 1), ("b.py", 2)))])
    )
    assert read(path).tallies == {(Frame("b.py", 2), Frame("a.py", 1)): (12, 2)}


def test_equal_tracebacks_that_are_not_shared_are_one_stack(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(plain([(0, size, (("a.py", size * 0 + 1),), 1) for size in (1, 2, 2)]))
    raw = read(path, detail=True)
    assert raw.tallies == {(Frame("a.py", 1),): (5, 3)}
    assert raw.blocks == {(Frame("a.py", 1),): (Block(0, 1, 1), Block(0, 2, 2))}


def test_blocks_of_several_domains(tmp_path: Path) -> None:
    stack, numpy = (Frame("a.py", 1),), 389047
    path = tmp_path / "x.bin"
    path.write_bytes(
        plain([(0, 8, ONE, 1), (numpy, 8, ONE, 1), (numpy, 8, ONE, 1), (0, 4, ONE, 1)])
    )
    expected = {stack: (Block(0, 4, 1), Block(0, 8, 1), Block(numpy, 8, 2))}
    assert read(path, detail=True).blocks == expected
    write(
        path, [((0, 4, ONE, 1), 1), ((0, 8, ONE, 1), 1), ((numpy, 8, ONE, 1), 2)], 1, {"schema": 1}
    )
    assert read(path, detail=True).blocks == expected
    assert read(path).blocks == {}


def test_no_blocks_at_all(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(plain([]))
    assert read(path, detail=True).tallies == {}
    write(tmp_path / "y.bin", [], 3, {"schema": 1})
    assert read(tmp_path / "y.bin").tallies == {}


FORGED: dict[str, tuple[bytes, str]] = {
    "a record of two": (plain([(0, 1)]), "not traces"),
    "a record as text": (plain(["0123"]), "not traces"),
    "lengths that make up for each other": (plain([(0, 1, ONE), (1, 0, 2, ONE, 1)]), "not traces"),
    "no traceback": (plain([(0, 1, None, 1)]), "not a tuple"),
    "a traceback as a list": (plain([(0, 1, [("a.py", 1)], 1)]), "not a tuple"),
    "a frame as a list": (plain([(0, 1, (["a.py", 1],), 1)]), "frames"),
    "a frame as text": (plain([(0, 1, ("ab",), 1)]), "frames"),
    "a line as a truth": (plain([(0, 1, (("a.py", True),), 1)]), "line"),
    "a line beyond all files": (plain([(0, 1, (("a.py", 1 << 40),), 1)]), "line"),
    "bytes as a file": (plain([(0, 1, ((b"a.py", 1),), 1)]), "frames"),
    "a negative domain": (plain([(-1, 1, ONE, 1)]), "domain"),
    "text as a domain": (plain([("0", 1, ONE, 1)]), "domain"),
    "a list as a domain": (plain([([], 1, ONE, 1)]), ""),
    "a size beyond 64 bits": (plain([(0, 1 << 64, ONE, 1)]), "size"),
    "sizes that add up beyond memory": (plain([(0, 1 << 61, ONE, 1)] * 2), "more memory"),
    "a limit of nothing": (plain([], 0), "traceback limit"),
    "a class as the snapshot": (b"\x80\x04ctracemalloc\nSnapshot\n.", "something else"),
    "a class as the traces": (
        b"\x80\x04ctracemalloc\nSnapshot\n)\x81}(\x8c\x06traces"
        b"ctracemalloc\n_Traces\n\x8c\x0ftraceback_limitK\x01ub.",
        "traces are missing",
    ),
    "an endless repeat": (
        b"\x80\x04ctracemalloc\nSnapshot\n)\x81}(\x8c\x0ftraceback_limitK\x01\x8c\x06traces"
        b"ctracemalloc\n_Traces\n)\x81}\x8c\x07_tracescbuiltins\nlist\ncitertools\nchain\n"
        b"citertools\nrepeat\nK\x01\x85R\x85R\x85Rsbub.",
        "no end",
    ),
    "an extension code": (b"\x80\x04\x82\x01.", ""),
    "a persistent id": (b"\x80\x04N\x51.", ""),
    "a module with an escape sequence": (
        b"\x80\x04\x8c\x07\x1b[31mos\x8c\x06system\x93.",
        r"\x1b[31mos.system",
    ),
    "a name of a megabyte": (
        b"\x80\x04\x8c\x02osX" + struct.pack("<I", 1 << 20) + b"x" * (1 << 20) + b"\x93.",
        "...",
    ),
    "a stack of marks": (b"\x80\x04" + b"(" * 1_000_000 + b".", ""),
    "a million nested lists": (b"\x80\x04" + b"]" * 1_000_000 + b"a" * 999_999 + b".", ""),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_file_is_refused(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    content, message = FORGED[name]
    path = tmp_path / "forged.bin"
    path.write_bytes(content)
    with pytest.raises(SnapshotError) as raised:
        read(path)
    said = str(raised.value)
    assert said.startswith(f"{path}: ")
    assert message in said
    assert said.isprintable()
    assert len(said) < len(str(path)) + 300
    assert capfd.readouterr() == ("", "")


def nested(levels: int) -> Any:
    value: Any = ("x",)
    for _ in range(levels):
        value = (value, value)
    return value


@pytest.mark.parametrize("where", ["facts", "frames", "key"])
def test_structures_that_refer_to_themselves_again_and_again(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """2^n values in n bytes: walking or hashing them would take for ever."""
    monkeypatch.setattr(untrusted, "SECONDS", 1)
    path = tmp_path / "x.bin"
    if where == "facts":
        wide: Any = "x"
        for _ in range(7):
            wide = [wide] * 1000
        write(path, [], 1, {"schema": 1})
        inner = tracemalloc._Traces.__new__(tracemalloc._Traces)  # type: ignore[attr-defined]
        inner.__dict__["_traces"] = []
        outer = tracemalloc.Snapshot.__new__(tracemalloc.Snapshot)
        outer.__dict__.update(
            {"traces": inner, "traceback_limit": 1, "leakhunt": {"schema": 1, "x": wide}}
        )
        path.write_bytes(pickle.dumps(outer, 4))
    elif where == "frames":
        path.write_bytes(plain([(0, 1, (nested(60),), 1)]))
    else:
        path.write_bytes(b"\x80\x04}" + pickle.dumps(nested(60), 4)[2:-1] + b"Ns.")
    with at_most(30), pytest.raises(SnapshotError):
        read(path)


def test_memory_stays_within_bounds(tmp_path: Path) -> None:
    """The largest resident size of any reader, over the bombs above."""
    program = (
        "import resource, sys\n"
        "from leakhunt.errors import SnapshotError\n"
        "from leakhunt.snapfile.read import read\n"
        "for path in sys.argv[1:]:\n"
        "    try: read(path)\n"
        "    except SnapshotError: pass\n"
        "print(max(resource.getrusage(who).ru_maxrss for who in (-1, 0)))\n"
    )
    bombs = {
        "memo": b"\x80\x04Nr\xff\xff\xff\x7f.",
        "length": b"\x80\x04\x8e" + struct.pack("<Q", 1 << 40),
        "bytearray": b"\x80\x05\x96" + struct.pack("<Q", 1 << 32),
        "dicts": b"\x80\x04" + b"}" * 4_000_000 + b".",
        "lists": b"\x80\x04" + b"](" * 2_000_000 + b".",
    }
    paths = []
    for name, content in bombs.items():
        paths.append(tmp_path / f"{name}.bin")
        paths[-1].write_bytes(content)
    said = subprocess.run(
        [sys.executable, "-c", program, *map(str, paths)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert said.stderr == ""
    assert int(said.stdout) < 600 << 10  # KiB


# -- the reader as a process -------------------------------------------------------------


def test_an_interrupted_read_leaves_no_child(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(plain([(0, 5, ONE, 1)] * 1000))

    def interrupt(*_: Any) -> Any:
        raise KeyboardInterrupt

    waiting = begin(path)
    monkeypatch.setattr("builtins.open", interrupt)
    with pytest.raises(KeyboardInterrupt):
        waiting()


def test_who_ignores_children_reads_as_well(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(plain([(0, 5, ONE, 1)]))
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert read(path).tallies == {(Frame("a.py", 1),): (5, 1)}
    finally:
        signal.signal(signal.SIGCHLD, before)


def test_what_is_no_pickle_is_refused_without_a_child(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder may have thousands of them."""
    path = tmp_path / "x.bin"
    path.write_bytes(b"bad")
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("a child was started"))
    for ask in (begin, read_facts):
        with pytest.raises(SnapshotError, match="not a pickle"):
            ask(path)


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.bin", tmp_path / "bad.bin"
    good.write_bytes(plain([(0, 5, ONE, 1)]))
    bad.write_bytes(b"\x80\x04x")
    before = len(os.listdir("/proc/self/fd")) if Path("/proc").exists() else 0
    for _ in range(5):
        read(good)
        read_facts(good)
        for reader in (read, read_facts):
            with pytest.raises(SnapshotError):
                reader(bad)
    assert (len(os.listdir("/proc/self/fd")) if Path("/proc").exists() else 0) == before


def test_limits_stay_in_the_child(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(plain([(0, 5, ONE, 1)]))
    before = resource.getrlimit(resource.RLIMIT_AS), resource.getrlimit(resource.RLIMIT_CPU)
    read(path)
    assert before == (
        resource.getrlimit(resource.RLIMIT_AS),
        resource.getrlimit(resource.RLIMIT_CPU),
    )


def test_a_huge_number_in_the_trailer_costs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    run: Run = ((0, 8, ONE, 1), 3)
    write(path, [run], 1, {"schema": 1, "host": "web1"})
    good = path.read_bytes()
    pickled = good[: good.rindex(b'{"schema"')]
    forged = b'{"pid":' + b"9" * 900_000 + b"}"
    path.write_bytes(pickled + forged + struct.pack("<Q", len(forged)) + good[-8:])
    with at_most(5):
        assert read_facts(path)["host"] == "web1"  # from the pickle itself


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_reader_ends_when_nobody_listens_any_more(tmp_path: Path) -> None:
    """Its console was killed while it wrote more than a pipe holds."""
    path = tmp_path / "large.bin"
    frames = [tuple((f"/srv/shop/{n}.py", line) for line in range(1, 9)) for n in range(3000)]
    write(path, [((0, 64, stack, len(stack)), 1) for stack in frames], 8, {"schema": 1})
    path.write_bytes(path.read_bytes()[:-1] + b"x")  # no trailer, no index: the pickle is read
    program = (
        "import os, signal, sys\n"
        "from leakhunt.snapfile.read import begin\n"
        "begin(sys.argv[1])\n"
        "print(open(f'/proc/{os.getpid()}/task/{os.getpid()}/children').read(), flush=True)\n"
        "signal.pause()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as console:  # fmt: skip
        assert console.stdout is not None
        reader = int(console.stdout.readline())
        console.kill()
        console.wait()
        while not ended(reader):  # the test's own time limit ends the wait
            time.sleep(0.01)


def ended(pid: int) -> bool:
    """Whether a process is gone, or only waits to be reaped by whoever inherited it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True
