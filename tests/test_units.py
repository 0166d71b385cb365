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
        (0.04, "<0.1 s"),
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


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "0 tasks"), (1, "1 task"), (2, "2 tasks"), (12345, "12,345 tasks")],
)
def test_one_is_singular(amount: int, text: str) -> None:
    assert units.counted(amount, "task") == text


def test_plurals_that_are_not_just_an_s() -> None:
    assert units.counted(2, "process") == "2 processes"
    assert units.counted(1, "process") == "1 process"
    assert units.counted(3, "child", "children") == "3 children"
    assert units.plural(0, "stack") == "stacks"


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (4690.4, "4,690"),
        (46_912, "46,900"),
        (100, "100"),
        (12.34, "12.3"),
        (1.0, "1"),
        (0.0512, "0.051"),
        (0.0000001, "<0.001"),
        (0, "0"),
        (-3.25, "-3.25"),
        (1e22, "10,000,000,000,000,000,000,000"),
    ],
)
def test_a_decimal_has_no_exponent(amount: float, text: str) -> None:
    assert units.decimal(amount) == text


@pytest.mark.parametrize(
    ("amount", "unit", "text"),
    [
        (0.4, "task", "less than 1 task"),
        (0.6, "task", "1 task"),
        (1.0, "task", "1 task"),
        (12_345, "task", "12,000 tasks"),
        (99, "snapshot", "99 snapshots"),
        (200, "second", "3 min 20 s"),
    ],
)
def test_a_forecast_has_two_digits_and_is_never_nothing(
    amount: float, unit: str, text: str
) -> None:
    assert units.forecast(amount, unit) == text


def test_a_rate_of_less_than_a_byte_is_not_nothing() -> None:
    assert units.rate(0.4, "second") == "+0.4 B per second"
    assert units.rate(-794, "task") == "-794 B per task"
    assert units.rate(0.001, "task") == "<0.1 B per task"
    assert units.rate(2048, "task") == "+2.0 KiB per task"


def test_sizes_that_read_alike_are_one() -> None:
    assert units.between(1 << 20, (1 << 20) + 5) == "1.0 MiB"
    assert units.between(1 << 20, 2 << 20) == "1.0 MiB to 2.0 MiB"


@given(st.floats(1e-9, 1e15, allow_nan=False))
def test_something_is_never_printed_as_nothing(amount: float) -> None:
    for text in (units.decimal(amount), units.duration(amount), units.rate(amount, "task"),
                 units.share(amount), units.spent(amount, "task")):  # fmt: skip
        assert not text.lstrip("+").startswith(("0 ", "0.0 ")), text
        assert text != "0"
        assert "e" not in text.replace("per", "").replace("less", "").replace("snapshot", "")


@given(st.floats(1e-3, 1e14))
def test_a_bound_is_never_rounded_down(amount: float) -> None:
    text = units.bound(amount)
    number, _, unit = text.rpartition(" ")
    scale = 1024 ** ["B", "KiB", "MiB", "GiB", "TiB", "PiB"].index(unit)
    assert float(number.replace(",", "")) * scale >= amount * (1 - 1e-6)
    assert float(number.replace(",", "")) * scale <= amount * 1.12 + 0.1


@pytest.mark.parametrize(
    ("amount", "error", "text"),
    [
        (1945.6, 100, "1.9 KiB ± 0.1"),
        (1945.6, 1, "1.9 KiB"),
        (227, 17.4, "227 B ± 17"),
        (521, 7.1, "521 B ± 7.1"),
        (3 << 20, 1 << 20, "3.0 MiB ± 1.0"),
    ],
)
def test_an_error_stands_in_the_unit_of_its_amount(amount: float, error: float, text: str) -> None:
    assert units.with_error(amount, error) == text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90), ("3m", 180), ("3min", 180), ("2h", 7200), ("1.5d", 129_600), ("2w", 1_209_600), (" .5 H ", 1800),
    ],
)  # fmt: skip
def test_every_unit_of_a_duration_is_that_long(text: str, seconds: float) -> None:
    assert units.parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("word", "pid"),
    [
        ("1", 1),
        ("0042", 42),
        ("2147483647", 2147483647),
        ("2147483648", None),
        ("9" * 5000, None),
        ("²", None),
        ("٣", None),
        ("-1", None),
        ("1.0", None),
        ("", None),
    ],
)
def test_a_word_is_a_pid_or_none(word: str, pid: int | None) -> None:
    assert units.parse_pid(word) == pid
