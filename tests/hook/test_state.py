"""What the rooms of the hook share of one process."""

from __future__ import annotations

from pathlib import Path

from leakhunt.hook import config
from tests.hook.conftest import Hooking


def test_snapshots_lie_in_a_folder_of_this_process_below_the_one_of_the_settings(
    hooking: Hooking, tmp_path: Path
) -> None:
    state = hooking().state
    assert state.series == tmp_path / "dir" / state.process.series
    state.settings = config.settings({"dir": str(tmp_path / "other")}, {})
    assert state.series == tmp_path / "other" / state.process.series


def test_what_is_armed_is_armed_once_and_the_ledger_counts_from_there(hooking: Hooking) -> None:
    hook = hooking(engine="exact")
    state = hook.state
    state.ledger.count("shop.pay", None)
    assert state.arm()
    assert not state.arm()
    assert state.tracing.armed_tasks == 1
    state.ledger.count("shop.pay", state.tracing.traced)
    kept = bytearray(100_000)
    state.ledger.count("shop.pay", state.tracing.traced)
    assert state.ledger.facts()["shop.pay"]["kept"] >= len(kept)


def test_each_process_has_its_own_and_the_settings_that_hold_go_on(hooking: Hooking) -> None:
    hook = hooking(every=5)
    before = hook.state
    before.leaving = True
    hook.take(config.settings({"dir": str(before.settings.dir), "engine": "off", "every": 9}, {}))
    hook._become(before.process, hook.settings)
    assert hook.state is not before
    assert not hook.state.leaving
    assert hook.state.settings.every == 9
    assert hook.state.ledger is hook.ledger
