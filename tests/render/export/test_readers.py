"""Readers written by others open the files, and print the totals that leakhunt prints."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from leakhunt import units
from tests.support.exporting import exported, exported_diff, odd, read
from tests.support.places import ROOT, SNAPSHOTS

pytest.importorskip("google.protobuf")

BEFORE, AFTER = SNAPSHOTS / "leakhunt-before.bin", SNAPSHOTS / "leakhunt-after.bin"


def pprof(*arguments: str) -> str:
    """What ``go tool pprof -top`` says, in bytes."""
    if shutil.which("go") is None:
        pytest.skip("Go is not installed: nothing here reads a profile")
    done = subprocess.run(
        ["go", "tool", "pprof", "-top", "-nodecount=0", "-nodefraction=0", "-unit=B", *arguments],
        capture_output=True, text=True, timeout=400, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def nodes(text: str) -> int:
    """The sum of the bytes of its lines themselves."""
    rows = re.findall(r"^\s*(-?\d+)B?\s+-?[\d.]+%\s+-?[\d.]+%", text, re.MULTILINE)
    return sum(map(int, rows))


def written(folder: Path, name: str, content: bytes) -> str:
    (folder / name).write_bytes(content)
    return str(folder / name)


def test_pprof_prints_the_total(tmp_path: Path) -> None:
    after = read(AFTER)
    said = pprof(written(tmp_path, "after.pb.gz", exported("pprof", after)))
    assert "Type: inuse_space" in said
    assert f"of {after.totals.size}B total" in said
    assert nodes(said) == after.totals.size


def test_pprof_subtracts_as_diff_does(tmp_path: Path) -> None:
    """Two exports by -diff_base, and one export of the difference, say the same."""
    before, after = read(BEFORE), read(AFTER)
    grown = after.totals.size - before.totals.size
    base = written(tmp_path, "before.pb.gz", exported("pprof", before))
    said = pprof("-diff_base", base, written(tmp_path, "after.pb.gz", exported("pprof", after)))
    assert nodes(said) == grown
    told = pprof(written(tmp_path, "change.pb.gz", exported_diff("pprof", before, after)))
    assert nodes(told) == grown


@pytest.mark.parametrize("shrunk", [False, True])
def test_pprof_says_of_a_sampled_change_what_diff_says(shrunk: bool, tmp_path: Path) -> None:
    """Its total adds up what grew and what shrank, so the net change stands above it; by both kinds of values."""
    pair = [read(ROOT / f"fixtures/series/{name}.bin") for name in ("000001", "000006")]
    before, after = reversed(pair) if shrunk else pair
    assert all(each.meta.facts["interval"] for each in pair)
    size, count = (new - old for new, old in zip(after.totals, before.totals))
    assert (size < 0) is shrunk
    base, new, change = (
        written(tmp_path, f"{name}.pb.gz", content)
        for name, content in (
            ("before", exported("pprof", before)),
            ("after", exported("pprof", after)),
            ("change", exported_diff("pprof", before, after)),
        )
    )
    for told in (pprof(change), pprof("-diff_base", base, new)):
        assert nodes(told) == size
    assert f": {units.signed_size(size)}, {count:+,d} blocks" in pprof(change)
    for told in (
        pprof("-sample_index=inuse_objects", change),
        pprof("-sample_index=inuse_objects", "-diff_base", base, new),
    ):
        assert nodes(told) == count


def test_pprof_reads_odd_names(tmp_path: Path) -> None:
    said = pprof(written(tmp_path, "odd.pb.gz", exported("pprof", odd())))
    assert nodes(said) == odd().totals.size
