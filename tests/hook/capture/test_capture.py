"""Which captures are refused, and which snapshots of a series stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from leakhunt.engine.exact import Exact
from leakhunt.errors import CaptureError
from leakhunt.hook.capture import capture
from leakhunt.hook.process import vitals
from leakhunt.snapfile import folders


def test_a_capture_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    for name, text in (
        ("max", "1000000\n"),
        ("current", "900000\n"),
        ("stat", "anon 5\ninactive_file 300\n"),
    ):
        (tmp_path / name).write_text(text)
    limit, usage, statistics = (str(tmp_path / name) for name in ("max", "current", "stat"))
    group = vitals.Cgroup(limit, usage, statistics, b"\ninactive_file ")
    assert group.left() == 100300
    needy = Exact()
    needy.bytes_needed = lambda: 100301  # type: ignore[method-assign]
    with pytest.raises(CaptureError, match="of memory is left"):
        capture.guard(needy, [group])
    needy.bytes_needed = lambda: 100300  # type: ignore[method-assign]
    capture.guard(needy, [group])
    (tmp_path / "max").write_text("max\n")
    assert group.left() is None


def test_the_first_and_the_newest_are_kept(tmp_path: Path) -> None:
    for number in range(1, 21):
        (tmp_path / folders.snapshot_name(number, 1e9, "signal")).write_text("")
    (tmp_path / f".{folders.snapshot_name(9, 1e9, 'signal')[:-4]}.tmp").write_text("")
    capture.prune(tmp_path, 0)
    assert len(list(tmp_path.glob("*.bin"))) == 20
    capture.prune(tmp_path, 8)
    kept = [int(path.name[:6]) for path in sorted(tmp_path.iterdir())]
    assert kept == [1, 2, 15, 16, 17, 18, 19, 20]
    capture.prune(tmp_path, 2)
    assert [int(path.name[:6]) for path in sorted(tmp_path.iterdir())] == [1, 20]
