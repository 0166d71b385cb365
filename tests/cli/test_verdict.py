"""``leakhunt verdict``: the judgement of trend, from whatever there is."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.console import grown, inside, store


def test_a_series_is_judged_as_trend_judges_it(tmp_path: Path) -> None:
    grown(tmp_path, 8)
    verdict, trend = (
        json.loads(inside(name, str(tmp_path), "--json")[1]) for name in ("verdict", "trend")
    )
    assert (verdict.pop("schema"), trend.pop("schema")) == (
        "leakhunt/verdict@1",
        "leakhunt/trend@1",
    )
    assert verdict == trend
    assert verdict["verdict"] == "leak"


def test_one_exact_snapshot_does_not_tell(tmp_path: Path) -> None:
    status, out, _ = inside("verdict", str(store(tmp_path / "000001.bin", 10)))
    assert status == 0
    assert out.startswith("Inconclusive: 1 snapshot")


def test_a_leak_above_what_is_allowed_fails(tmp_path: Path) -> None:
    grown(tmp_path, 8)
    status, _, err = inside("verdict", str(tmp_path), "--fail-above", "9KiB")
    assert status == 3
    assert "a leak of 10.0 KiB per task, more than 9.0 KiB" in err
    assert inside("verdict", str(tmp_path), "--fail-above", "11KiB")[0] == 0
