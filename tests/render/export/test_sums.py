"""In every format the bytes add up to the total of ``top --all``, whatever the names are."""

from __future__ import annotations

import csv
import gzip
import io
import json
import pickle
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from leakhunt.errors import ExportError
from leakhunt.model.snapshot import Snapshot
from leakhunt.render.export.formats import BY_NAME, FORMATS, by_ending
from tests.support.exporting import ODD, exported, exported_diff, odd, read, recorded

SNAPSHOTS = [pytest.param(path, id=path.name) for path in recorded()]


def profile(content: bytes) -> Any:
    pytest.importorskip("google.protobuf")
    from leakhunt.render.export.profile_schema import profile_class

    return profile_class().FromString(gzip.decompress(content))


def otlp(content: bytes) -> Any:
    """As a receiver parses it: the dictionary first in the message, though it is written last."""
    schema = pytest.importorskip("opentelemetry.proto.profiles.v1development.profiles_pb2")
    return schema.ProfilesData.FromString(content)


def of_kind(made: Any, kind: str) -> list[Any]:
    """The profiles of one kind of value, in order."""
    text = made.dictionary.string_table
    return [
        profile
        for resource in made.resource_profiles
        for scope in resource.scope_profiles
        for profile in scope.profiles
        if text[profile.sample_type.type_strindex] == kind
    ]


def total(form: str, content: bytes) -> int:
    """The bytes in a file, as a reader of that format adds them up."""
    if form == "pprof":
        return sum(sample.value[0] for sample in profile(content).sample)
    if form == "speedscope":
        return sum(json.loads(content)["profiles"][0]["weights"])
    if form == "collapsed":
        return sum(int(line.rsplit(" ", 1)[1]) for line in content.decode().splitlines())
    if form == "csv":
        rows = csv.DictReader(io.StringIO(content.decode(), newline=""))
        return sum(int(row["size"]) for row in rows)
    if form == "json":
        return sum(row["size"] for row in json.loads(content)["rows"])
    if form == "parquet":
        parquet = pytest.importorskip("pyarrow.parquet")
        return sum(parquet.read_table(io.BytesIO(content)).column("size").to_pylist())
    if form == "otlp":
        (profile_of_bytes,) = of_kind(otlp(content), "inuse_space")
        return sum(sum(sample.values) for sample in profile_of_bytes.samples)
    assert form == "tracemalloc"
    loaded = pickle.loads(content)
    return sum(trace.size for trace in loaded.traces)


def needed(form: str) -> None:
    libraries = {
        "pprof": "google.protobuf",
        "parquet": "pyarrow",
        "otlp": "opentelemetry.proto.profiles.v1development.profiles_pb2",
    }
    pytest.importorskip(libraries.get(form, "json"))


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("path", SNAPSHOTS)
def test_recorded_snapshots_add_up(form: str, path: Path) -> None:
    needed(form)
    snapshot = read(path)
    assert total(form, exported(form, snapshot)) == snapshot.totals.size > 0


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "tracemalloc"])
def test_odd_names_add_up(form: str) -> None:
    needed(form)
    assert total(form, exported(form, odd())) == sum(100 * n for n in range(1, len(ODD) + 1))


def test_collapsed_lines_keep_their_frames_apart() -> None:
    lines = exported("collapsed", odd()).decode().split("\n")
    assert lines.pop() == ""
    assert len(lines) == len(ODD)
    assert all(line.rsplit(" ", 1)[0].count(";") == 1 for line in lines)
    assert all(line.isprintable() for line in lines)


def test_pprof_names_its_values_and_lists_the_innermost_frame_first() -> None:
    needed("pprof")
    made = profile(exported("pprof", odd()))
    text = made.string_table
    kinds = [(text[each.type], text[each.unit]) for each in made.sample_type]
    assert kinds == [("inuse_space", "bytes"), ("inuse_objects", "count")]
    assert text[0] == ""
    assert text[made.default_sample_type] == "inuse_space"
    places = {each.id: each for each in made.location}
    functions = {each.id: each for each in made.function}
    for sample in made.sample:
        _, outer = (places[at].line[0] for at in sample.location_id)
        assert text[functions[outer.function_id].filename] == "/srv/shop/tasks.py"
        assert sample.value[1] == outer.line
    assert sum(sample.value[1] for sample in made.sample) == sum(range(1, len(ODD) + 1))


def test_pprof_of_a_difference_is_signed() -> None:
    needed("pprof")
    before, after = _grown_and_shrunk()
    made = profile(exported_diff("pprof", before, after))
    assert sorted(tuple(sample.value) for sample in made.sample) == [(-1024, -1), (2048, 2)]


def test_collapsed_of_a_difference_has_both_sides() -> None:
    lines = exported_diff("collapsed", *_grown_and_shrunk()).decode().splitlines()
    assert sorted(line.rsplit(" ", 2)[1:] for line in lines) == [
        ["1024", "0"], ["1024", "3072"], ["4096", "4096"],
    ]  # fmt: skip


def test_speedscope_of_a_difference_is_two_profiles() -> None:
    grown, shrunk = json.loads(exported_diff("speedscope", *_grown_and_shrunk()))["profiles"]
    assert (grown["weights"], shrunk["weights"]) == ([2048], [1024])


def _grown_and_shrunk() -> tuple[Snapshot, Snapshot]:
    from tests.support.builders import snap

    return (
        snap("/a.py:1 1KiB x1", "/b.py:2 4KiB x4", "/c.py:3 1KiB x1"),
        snap("/a.py:1 3KiB x3", "/b.py:2 4KiB x4"),
    )


def test_speedscope_is_what_its_schema_says() -> None:
    """The parts of file-format-schema.json that a sampled profile has to keep."""
    made = json.loads(exported("speedscope", odd(), odd("other.bin")))
    assert made["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    assert [each["unit"] for each in made["profiles"]] == ["bytes", "none"] * 2
    for each in made["profiles"]:
        assert each["type"] == "sampled"
        assert len(each["samples"]) == len(each["weights"])
        assert each["startValue"] == 0
        assert each["endValue"] == sum(each["weights"])
        assert all(0 <= at < len(made["shared"]["frames"]) for s in each["samples"] for at in s)
    assert all(frame["name"] and frame.get("line", 1) > 0 for frame in made["shared"]["frames"])


def test_a_spreadsheet_takes_no_name_for_a_formula() -> None:
    rows = list(csv.reader(io.StringIO(exported("csv", odd()).decode(), newline="")))
    assert len(rows) == len(ODD) + 1
    assert not [cell for row in rows[1:] for cell in row if cell.startswith(("=", "+", "-", "@"))]


def test_json_has_every_snapshot_and_its_rows() -> None:
    one, other = odd("one.bin"), odd("other.bin")
    made = json.loads(exported("json", one, other))
    assert made["schema"] == "leakhunt/export@1"
    assert [each["path"] for each in made["snapshots"]] == ["one.bin", "other.bin"]
    assert made["snapshot"] is None
    assert made["totals"]["size"] == 2 * one.totals.size
    for number, snapshot in enumerate(made["snapshots"]):
        rows = [row for row in made["rows"] if row["snapshot"] == number]
        assert sum(row["count"] for row in rows) == snapshot["totals"]["count"]
        assert [row["rank"] for row in rows] == list(range(1, len(rows) + 1))
    alone = json.loads(exported("json", one))
    assert alone["snapshot"]["path"] == "one.bin"


@pytest.mark.parametrize("path", SNAPSHOTS)
def test_the_standard_library_reads_the_dump(path: Path, tmp_path: Path) -> None:
    """Every block, every frame: as statistics by traceback, both sides agree."""
    snapshot = read(path)
    (tmp_path / "plain.bin").write_bytes(exported("tracemalloc", snapshot))
    loaded = tracemalloc.Snapshot.load(str(tmp_path / "plain.bin"))
    found = {
        tuple((frame.filename, frame.lineno) for frame in each.traceback): (each.size, each.count)
        for each in loaded.statistics("traceback")
    }
    assert found == {tuple(map(tuple, stack)): tuple(t) for stack, t in snapshot.tallies.items()}
    assert loaded.traceback_limit == snapshot.nframe
    again = read(tmp_path / "plain.bin")
    assert (again.totals, again.meta.pid) == (snapshot.totals, None)


def test_a_dump_without_block_sizes_is_refused() -> None:
    with pytest.raises(ExportError, match="single blocks are not known"):
        exported("tracemalloc", odd())


@pytest.mark.parametrize("form", FORMATS)
def test_an_ending_means_its_format(form: str) -> None:
    assert by_ending(f"heap{BY_NAME[form].ending}") == form
    assert by_ending("heap.txt") is None
