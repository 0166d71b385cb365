"""``leakhunt tasks``: the newest ledger of each process."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.console import inside, store

LEDGER = {"shop.take": {"runs": 10, "kept": 4000, "kept_runs": 8}}


def test_the_newest_snapshot_of_a_process_counts(tmp_path: Path) -> None:
    folder = tmp_path / "celery@web1-4242-x"
    store(folder / "000001.bin", 10, sequence=1, tasks={"shop.take": {"runs": 1}})
    store(folder / "000002.bin", 20, sequence=2, tasks=LEDGER)
    status, out, err = inside("tasks", "--dir", str(tmp_path), "--json")
    assert (status, err) == (0, "")
    (task,) = json.loads(out)["tasks"]
    assert (task["task"], task["runs"]) == ("shop.take", 10)


def test_a_bad_file_is_warned_of_or_an_error(tmp_path: Path) -> None:
    good, bad = store(tmp_path / "000001.bin", 10, tasks=LEDGER), tmp_path / "000002.bin"
    bad.write_bytes(b"torn")
    status, _, err = inside("tasks", str(good), str(bad))
    assert status == 0
    assert "not read" in err
    assert inside("tasks", str(good), str(bad), "--strict")[0] == 2
    status, out, err = inside("tasks", str(bad))
    assert (status, out) == (2, "")
