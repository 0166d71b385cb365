"""``leakhunt export``: files for other tools, whole or not at all."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from leakhunt.render.export.formats import BY_NAME
from leakhunt.report.words import exported
from tests.support.console import grown, run
from tests.support.places import ROOT

FORMATS = ("speedscope", "collapsed", "csv", "json", "tracemalloc")


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_is_never_written_over_unasked(
    form: str, pair: tuple[str, str], tmp_path: Path
) -> None:
    output = tmp_path / "out"
    output.write_text("precious")
    arguments = ("export", pair[1], "--format", form, "-o", str(output))
    refused = run(*arguments)
    assert refused.returncode == 2
    assert "--force" in refused.stderr
    assert output.read_text() == "precious"
    assert run(*arguments, "--force").returncode == 0
    assert output.read_bytes() != b"precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "snapshots"]


def test_what_fails_leaves_what_was_there(tmp_path: Path) -> None:
    output, broken = tmp_path / "out.csv", tmp_path / "broken.bin"
    output.write_text("precious")
    broken.write_bytes(b"no snapshot")
    done = run("export", str(broken), "-o", str(output), "--force")
    assert done.returncode == 2
    assert output.read_text() == "precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.bin", "out.csv"]


def test_a_full_disk_leaves_nothing(pair: tuple[str, str]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    done = run("export", pair[1], "--format", "csv", "-o", "/dev/full")
    assert done.returncode == 2
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_pipe_gets_the_bytes_and_nothing_else(pair: tuple[str, str]) -> None:
    done = run("export", pair[1], "--format", "json", "-o", "-")
    assert done.returncode == 0
    top = json.loads(run("top", pair[1], "--all", "--json").stdout)
    assert json.loads(done.stdout)["totals"] == top["totals"]
    assert "does not carry" not in done.stdout


def test_a_closed_pipe_ends_quietly(pair: tuple[str, str]) -> None:
    program = f"{sys.executable} -m leakhunt export '{pair[1]}' --format csv -o - | head -c 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "s")
    assert "Traceback" not in done.stderr


def test_what_is_lost_is_told(pair: tuple[str, str], tmp_path: Path) -> None:
    done = run("export", pair[1], "-o", str(tmp_path / "out.folded"))
    assert "collapsed does not carry numbers of blocks, source lines and the process" in done.stderr
    assert run("export", pair[1], "-o", str(tmp_path / "out.json")).stderr.count("note") == 0


def test_parquet_in_a_pipe_has_no_table_of_stacks_and_says_so(
    pair: tuple[str, str], tmp_path: Path
) -> None:
    pytest.importorskip("pyarrow")
    command = [sys.executable, "-m", "leakhunt", "export", pair[1], "--format", "parquet", "-o"]
    piped, filed = (
        subprocess.run(
            [*command, output], cwd=ROOT, capture_output=True, check=True
        ).stderr.decode()
        for output in ("-", str(tmp_path / "out.parquet"))
    )
    assert "parquet does not carry the stacks and source lines" in piped
    assert "does not carry" not in filed


@pytest.mark.parametrize("form", BY_NAME)
def test_each_format_names_all_that_it_has_no_place_for(form: str) -> None:
    """Of a snapshot that has everything; and what it does carry is not called lost."""
    everything = exported.Seen(1, 1, set(exported.SAID))
    (said, *_) = [*exported.left_behind(form, BY_NAME[form].carries, everything), ""]
    for part, words in exported.SAID.items():
        assert (words in said) is (part not in BY_NAME[form].carries)
    rows = (ROOT / "leakhunt/render/export/README.md").read_text().splitlines()
    assert sum(row.startswith(f"| `{form}` |") for row in rows) == 1


def test_the_ending_chooses_and_an_unknown_one_asks(pair: tuple[str, str], tmp_path: Path) -> None:
    done = run("export", pair[1], "-o", str(tmp_path / "out.speedscope.json"))
    assert done.returncode == 0
    assert "$schema" in json.loads((tmp_path / "out.speedscope.json").read_text())
    unknown = run("export", pair[1], "-o", str(tmp_path / "out.xyz"))
    assert unknown.returncode == 2
    assert "--format" in unknown.stderr


def test_a_folder_is_all_of_its_snapshots_or_the_newest(tmp_path: Path) -> None:
    folder = tmp_path / "series"
    grown(folder, 4)
    everything = json.loads(run("export", str(folder), "--format", "json", "-o", "-").stdout)
    assert len(everything["snapshots"]) == 4
    newest = run("export", str(folder), "--format", "collapsed", "-o", "-").stdout
    total = sum(int(line.rsplit(" ", 1)[1]) for line in newest.splitlines())
    assert total == everything["snapshots"][-1]["totals"]["size"]
    several = run("export", *map(str, folder.iterdir()), "--format", "collapsed", "-o", "-")
    assert several.returncode == 2
    assert "holds one snapshot and 4 were named; --diff" in several.stderr


def test_a_difference_is_for_formats_that_can(pair: tuple[str, str]) -> None:
    done = run("export", *pair, "--diff", "--format", "collapsed", "-o", "-")
    assert done.returncode == 0
    assert any(line.endswith(" 10240 1034240") for line in done.stdout.splitlines())
    refused = run("export", *pair, "--diff", "--format", "csv", "-o", "-")
    assert refused.returncode == 2
    assert "pprof, speedscope, collapsed and otlp" in refused.stderr


def test_one_bad_file_among_many_is_a_warning(tmp_path: Path) -> None:
    folder = tmp_path / "series"
    grown(folder, 3)
    (folder / "000009.bin").write_bytes(b"no snapshot")
    arguments = ("export", *map(str, sorted(folder.iterdir())), "--format", "json", "-o", "-")
    done = run(*arguments)
    assert done.returncode == 0
    assert len(json.loads(done.stdout)["snapshots"]) == 3
    assert "000009.bin" in done.stderr
    assert run(*arguments, "--strict").returncode == 2


def test_a_missing_library_is_told_by_its_extra(pair: tuple[str, str], tmp_path: Path) -> None:
    """As where neither is installed: a folder that shadows them."""
    for name in ("google", "pyarrow", "opentelemetry"):
        (tmp_path / "shadow" / name).mkdir(parents=True)
        (tmp_path / "shadow" / name / "__init__.py").write_text("raise ImportError('none here')")
    for form, extra in (("pprof", "leakhunt[export]"), ("parquet", "leakhunt[parquet]"),
                        ("otlp", "leakhunt[otlp]")):  # fmt: skip
        output = tmp_path / f"out.{form}"
        done = run("export", pair[1], "--format", form, "-o", str(output),
                   PYTHONPATH=f"{tmp_path / 'shadow'}:{ROOT}")  # fmt: skip
        assert done.returncode == 2
        assert extra in done.stderr
        assert not output.exists()


def test_many_snapshots_need_no_more_memory_than_few(tmp_path: Path) -> None:
    """A thousand pass one by one: never more alive than are read ahead."""
    program = """
import gc, io, sys
from pathlib import Path
from leakhunt.errors import ExportError
from leakhunt.model.snapshot import Snapshot
from leakhunt.render.export.formats import FORMATS, BY_NAME, watched, write
from leakhunt.snapshots.load import PARALLEL, each

paths = [Path(sys.argv[1])] * 40
for form in (name for name in FORMATS if BY_NAME[name].several):
    try:
        write(form, io.BytesIO(), iter(()))
    except ExportError:
        continue  # its library is not installed here
    most = 0
    def look(snapshot):
        global most
        most = max(most, sum(isinstance(one, Snapshot) for one in gc.get_objects()))
    write(form, io.BytesIO(), watched(each(paths), look))
    assert 1 <= most <= 2, (form, most)
"""
    grown(tmp_path, 1)
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "000001.bin")], cwd=ROOT,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
