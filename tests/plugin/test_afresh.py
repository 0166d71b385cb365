"""What pytest's own fixtures keep of a run is let go before the next."""

from __future__ import annotations

import logging
import os
import warnings
from typing import Any

import pytest

from leakhunt.plugin import afresh


def test_patches_are_the_tests_own_and_what_others_have_patched_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SHOP", "outside")
    made: dict[str, Any] = {"monkeypatch": monkeypatch, "order": 1}
    for _ in range(2):
        with afresh.patches(made):
            own = made["monkeypatch"]
            assert own is not monkeypatch
            own.setenv("SHOP", "inside")
            own.setenv("SHOP_ORDER", "1")
        assert os.environ["SHOP"] == "outside"
        assert "SHOP_ORDER" not in os.environ
    assert made == {"monkeypatch": monkeypatch, "order": 1}


def test_patches_are_undone_where_the_test_fails() -> None:
    made: dict[str, Any] = {"monkeypatch": pytest.MonkeyPatch()}

    def fails() -> None:
        with afresh.patches(made):
            made["monkeypatch"].setenv("SHOP_ORDER", "1")
            raise ValueError("late")

    with pytest.raises(ValueError, match="late"):
        fails()
    assert "SHOP_ORDER" not in os.environ


def test_without_the_fixture_nothing_is_made() -> None:
    made: dict[str, Any] = {"monkeypatch": "somebody's own"}
    with afresh.patches(made):
        assert made == {"monkeypatch": "somebody's own"}


def test_what_was_written_and_not_read_is_gone(capsys: pytest.CaptureFixture[str]) -> None:
    print("order " * 10)
    afresh.forget({"capsys": capsys})
    print("late")
    assert capsys.readouterr().out == "late\n"


def test_a_warning_is_recorded_in_each_run(recwarn: pytest.WarningsRecorder) -> None:
    for _ in range(3):
        afresh.forget({"recwarn": recwarn})
        warnings.warn("late", stacklevel=1)
        assert len(recwarn) == 1


def test_records_of_the_log_are_those_of_the_run(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        afresh.forget({})
        logging.getLogger("shop").warning("late")
        assert len(caplog.records) == 1
