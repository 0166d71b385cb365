from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakhunt import units


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1024, "1.0 KiB"),
        (1_048_575, "1.0 MiB"),
        (-1536, "-1.5 KiB"),
        (5 * 1024**3, "5.0 GiB"),
        (2**70, "1,048,576.0 PiB"),
    ],
)
def test_size(amount: int, text: str) -> None:
    assert units.size(amount) == text


def test_signs() -> None:
    assert units.signed_size(2048) == "+2.0 KiB"
    assert units.signed_size(-1) == "-1 B"
    assert units.signed_size(0) == "0 B"
    assert units.signed_count(1234) == "+1,234"
    assert units.signed_count(0) == "0"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (9.96, "10 s"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
        (273600, "3 d 4 h"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert units.duration(seconds) == text


@pytest.mark.parametrize(
    ("text", "size"),
    [("1", 1), ("1KiB", 1024), ("1 kb", 1024), ("1.5M", 1572864), ("2GiB", 2**31), (" 7 B ", 7)],
)
def test_parse_size(text: str, size: int) -> None:
    assert units.parse_size(text) == size


@pytest.mark.parametrize("text", ["", "MiB", "-1", "1iB", "ten", "1 Zi", "nan", "1e3e3"])
def test_parse_size_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="not a size"):
        units.parse_size(text)


@given(st.integers(0, 2**50))
def test_what_is_printed_parses_back_to_about_the_same(amount: int) -> None:
    assert units.parse_size(units.size(amount).replace(",", "")) == pytest.approx(amount, rel=0.06)
