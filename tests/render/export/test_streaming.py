"""Many snapshots are exported in the memory of a few: what is held is counted, at two lengths of one series."""

from __future__ import annotations

import gc
import io
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

import pytest

from leakhunt.model.snapshot import Snapshot
from leakhunt.render.export.formats import BY_NAME, write
from leakhunt.snapfile.write import Run
from leakhunt.snapfile.write import write as write_snapshot
from tests.support.builders import FACTS, snap
from tests.support.exporting import exported

SEVERAL = [each.name for each in BY_NAME.values() if each.several]
#: Two lengths of one series; bytes that each snapshot more may cost.
FEW, MANY, EACH = 20, 220, 100
LIBRARIES = {"parquet": "pyarrow.parquet", "otlp": "opentelemetry.proto.profiles.v1development.profiles_pb2"}  # fmt: skip


class Nowhere(io.RawIOBase):
    """Takes bytes and keeps their number alone."""

    length = 0

    def write(self, content: object) -> int:
        size = memoryview(content).nbytes  # type: ignore[arg-type]
        self.length += size
        return size

    def tell(self) -> int:
        return self.length

    def writable(self) -> bool:
        return True


def nowhere() -> IO[bytes]:
    return cast("IO[bytes]", Nowhere())


def series(number: int) -> Iterator[Snapshot]:
    """Snapshots of one process, each made when it is asked for, with the same ten stacks."""
    for at in range(number):
        lines = [
            f"/srv/shop/m{line}.py:{line} < /srv/shop/tasks.py:4 {100 + at}B x{line}"
            for line in range(1, 11)
        ]
        yield snap(*lines, path=f"/var/lib/leakhunt/{at:06d}.bin", tasks_done=at, sequence=at)


def held(form: str) -> tuple[int, int]:
    """Bytes that are held when the last of a few and the last of many are asked for, in one run."""
    seen = {}

    def watched() -> Iterator[Snapshot]:
        for at, snapshot in enumerate(series(MANY), 1):
            if at in (FEW, MANY):
                gc.collect()
                seen[at] = tracemalloc.get_traced_memory()[0]
            yield snapshot

    tracemalloc.start()
    try:
        write(form, nowhere(), watched(), nowhere() if form == "parquet" else None)
    finally:
        tracemalloc.stop()
    return seen[FEW], seen[MANY]


@pytest.mark.parametrize("form", SEVERAL)
def test_memory_does_not_grow_with_the_number_of_snapshots(
    form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is held back on purpose up to an amount is filled by the first few."""
    if form in LIBRARIES:
        pytest.importorskip(LIBRARIES[form])
        monkeypatch.setattr("leakhunt.render.export.parquet_file.BATCH", 50)
    monkeypatch.setattr("leakhunt.render.export.json_file.SPOOLED", 2048)
    # What another thread of this process took meanwhile, or a module on its first use, is not in every run.
    few, many = min((held(form) for _ in range(3)), key=lambda each: each[1] - each[0])
    assert many - few <= EACH * (MANY - FEW), (
        f"{(many - few) / (MANY - FEW):.0f} B for each snapshot more"
    )


def test_parquet_gathers_small_snapshots_into_one_row_group() -> None:
    """A group each would be read slowly, and what the file says of each stays in memory."""
    pytest.importorskip("pyarrow.parquet")
    import pyarrow.parquet as parquet

    beside = io.BytesIO()
    out = io.BytesIO()
    write("parquet", out, series(MANY), beside)
    assert parquet.ParquetFile(out).metadata.num_row_groups == 1
    assert parquet.ParquetFile(out).metadata.num_rows == 10 * MANY
    assert parquet.ParquetFile(beside).metadata.num_row_groups == 1
    assert parquet.ParquetFile(beside).metadata.num_rows == 20


def test_json_of_many_says_of_each_what_it_was_in_their_order() -> None:
    """Beyond what stays in memory too."""
    import json

    said = json.loads(exported("json", *series(MANY)))
    assert [each["tasks_done"] for each in said["snapshots"]] == list(range(MANY))
    assert said["snapshot"] is None
    assert sum(each["totals"]["size"] for each in said["snapshots"]) == said["totals"]["size"]
    assert len(said["rows"]) == 10 * MANY


def many(folder: Path, number: int) -> Path:
    """So many files of one process with a hundred stacks each."""
    folder.mkdir()
    for at in range(1, number + 1):
        runs: list[Run] = [
            ((0, 100 + line, tuple((f"/srv/shop/m{line}.py", at) for at in range(1, 9)), 8), 1 + at % 50)
            for line in range(100)
        ]  # fmt: skip
        facts = {**FACTS, "tasks_done": at, "sequence": at, "taken_at": FACTS["started_at"] + at}
        write_snapshot(folder / f"{at:06d}.bin", runs, 8, facts)
    return folder


#: Runs a command and prints the most that it and what it started had resident, in KiB.
PEAK = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, capture_output=True); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"


@pytest.fixture(scope="module")
def hundred_and_thousand(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    home = tmp_path_factory.mktemp("many")
    return many(home / "hundred", 100), many(home / "thousand", 1000)


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in KiB on Linux")
@pytest.mark.parametrize("form", list(BY_NAME))
def test_a_thousand_snapshots_are_exported_in_the_memory_of_a_hundred(
    form: str, hundred_and_thousand: tuple[Path, Path], tmp_path: Path
) -> None:
    """The process as a user starts it. A list of 900 files more may cost 8 MiB, and so may a row group, which a hundred do not fill; snapshots
    that were kept would be 70.
    """
    if form in LIBRARIES or form == "pprof":
        pytest.importorskip(LIBRARIES.get(form, "google.protobuf"))

    def peak(folder: Path) -> int:
        command = [sys.executable, "-m", "leakhunt", "export", str(folder), "--format", form, "-o", str(tmp_path / folder.name)]  # fmt: skip
        return int(subprocess.check_output([sys.executable, "-c", PEAK, *command], text=True))

    few, thousand = map(peak, hundred_and_thousand)
    allowed = 8192 * (2 if form == "parquet" else 1)
    assert thousand - few < allowed, f"{few} KiB, then {thousand} KiB"
