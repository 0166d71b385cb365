"""Baselines: a place is its text, a file survives the round trip."""

from __future__ import annotations

from pathlib import Path

import pytest

from leakhunt.errors import SettingError
from leakhunt.gate import baseline
from leakhunt.gate.baseline import Allowance, Baseline, Place
from leakhunt.model.snapshot import Frame
from tests.support.builders import history


def test_a_line_that_moves_is_the_same_place() -> None:
    def place(line: int) -> Place:
        moved = history(
            (f"/srv/shop/tasks.py:{line}", [1, 2, 3], [1, 2, 3]),
            frames={"/srv/shop/tasks.py": {line: ("process", "KEPT.append(order)")}},
        )
        return baseline.place(Frame("/srv/shop/tasks.py", line), moved)

    assert place(40) == place(57) == Place("tasks.py", "process", "KEPT.append(order)")


def test_a_line_whose_text_nobody_has_recorded_is_known_by_its_number() -> None:
    lines = [(f"/srv/shop/tasks.py:{line}", [1, 2, 3], [1, 2, 3]) for line in (40, 57)]
    places = [
        baseline.place(Frame("/srv/shop/tasks.py", line), history(*lines)) for line in (40, 57)
    ]
    assert [place.code for place in places] == [":40", ":57"]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    known = {Place("tasks.py", "process", "KEPT.append(order)"): Allowance(200.0, 199.5, 200.5, 40)}
    file = tmp_path / "leaks.json"
    file.write_text(baseline.text(Baseline({"shop:process": known})))
    assert baseline.read(file).of("shop:process") == known
    assert baseline.read(file).of("another") == {}
    assert baseline.read(tmp_path / "none.json").checks == {}


def test_what_one_target_may_keep_changes_nothing_of_another() -> None:
    first, second = (
        {Place("tasks.py", name, "KEPT.append(order)"): Allowance(200.0, 199.5, 200.5, 40)}
        for name in ("process", "take")
    )
    both = Baseline({"shop:process": first}).with_check("shop:take", first)
    assert both.checks == {"shop:process": first, "shop:take": first}
    assert both.with_check("shop:take", second).checks == {
        "shop:process": first, "shop:take": second,
    }  # fmt: skip


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"schema": "x"}', '{"schema": 3, "checks": 3}',
                                     '{"schema": "leakhunt/baseline@1", "checks": {"a": [{}]}}', "[" * 200_000,
                                     '{"schema": "\x1b[31m\x9b"}', "x" * (17 << 20)])  # fmt: skip
def test_another_file_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "leaks.json"
    file.write_text(content)
    with pytest.raises(SettingError, match="no baseline"):
        baseline.read(file)
