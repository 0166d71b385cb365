"""Parquet for DuckDB and Polars: the examples of the README, run on real files."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from leakhunt.render.export.formats import write
from leakhunt.snapshots.load import load
from tests.support.builders import snap
from tests.support.exporting import odd, recorded
from tests.support.places import ROOT

README = (ROOT / "leakhunt/render/export/README.md").read_text()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The two files of an export of all recorded snapshots of one Python, and of odd names."""
    pytest.importorskip("pyarrow")
    snapshots = [load(path) for path in recorded() if path.name.startswith("leakhunt-")]
    names = (tmp_path / "pool.parquet", tmp_path / "pool.stacks.parquet")
    with names[0].open("wb") as out, names[1].open("wb") as beside:
        write("parquet", out, [*snapshots, odd()], beside)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def examples(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_sums_of_duckdb_are_those_of_top(folder: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    found = dict(duckdb.sql("SELECT snapshot, sum(size) FROM 'pool.parquet' GROUP BY 1").fetchall())
    expected = [load(path) for path in recorded() if path.name.startswith("leakhunt-")]
    assert found == {each.path: each.totals.size for each in [*expected, odd()]}


def test_a_long_name_is_whole_and_moments_are_moments(tmp_path: Path) -> None:
    """No column is cut as lines of a terminal are; a moment that is not known is none."""
    parquet = pytest.importorskip("pyarrow.parquet")
    long = f"/srv/{'folder/' * 400}tasks\x07.py"
    known = snap(f"{long}:3 1KiB x1", taken_at=1_800_000_000.25)
    unknown = snap(f"{long}:3 1KiB x1", taken_at=None)
    path = tmp_path / "one.parquet"
    with path.open("wb") as out:
        write("parquet", out, [known, unknown], None)
    rows = parquet.read_table(path).to_pylist()
    assert [row["file"] for row in rows] == [long.replace("\x07", "\\x07")] * 2
    assert [row["taken_at"] and row["taken_at"].timestamp() for row in rows] == [
        1_800_000_000.25,
        None,
    ]


def test_each_stack_is_told_once_and_joins(folder: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    ((lost,),) = duckdb.sql(
        "SELECT count(*) FROM 'pool.parquet' r ANTI JOIN 'pool.stacks.parquet' s USING (stack_id)"
    ).fetchall()
    ((twice,),) = duckdb.sql(
        "SELECT count(*) - count(DISTINCT (stack_id, position)) FROM 'pool.stacks.parquet'"
    ).fetchall()
    ((allocating,),) = duckdb.sql(
        "SELECT count(*) FROM 'pool.parquet' r JOIN (SELECT stack_id, arg_max(file, position) AS file,"
        " arg_max(line, position) AS line FROM 'pool.stacks.parquet' GROUP BY 1) s USING (stack_id)"
        " WHERE r.file != s.file OR r.line != s.line"
    ).fetchall()
    assert (lost, twice, allocating) == (0, 0, 0)


@pytest.mark.parametrize("query", examples("sql"), ids=lambda text: text.split("\n")[0])
def test_the_examples_for_duckdb_find_something(query: str, folder: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    assert duckdb.sql(query).fetchall()


@pytest.mark.parametrize("program", examples("python"), ids=lambda text: text.split("\n")[-2])
def test_the_examples_for_polars_find_something(program: str, folder: Path) -> None:
    pytest.importorskip("polars")
    found: dict[str, object] = {}
    exec(program, found)
    assert len(found["found"]) > 0  # type: ignore[arg-type]


def test_there_are_three_examples() -> None:
    assert len(examples("sql")) + len(examples("python")) >= 3


def test_a_pipe_takes_the_records_alone() -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    out = io.BytesIO()
    write("parquet", out, [odd()])
    assert parquet.read_table(out).num_rows == len(odd().tallies)
