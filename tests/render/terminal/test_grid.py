"""Tables whose last column folds: as rich draws them, and for ten thousand rows without waiting."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from leakhunt.render.screen import Screen
from leakhunt.render.terminal.console import drawn, make_console
from leakhunt.render.terminal.grid import LEAST, Column, Line, grid
from leakhunt.render.terminal.sheet import breaks
from leakhunt.render.terminal.styles import STRONG
from tests.support.costs import at_most

COLUMNS = (Column("#"), Column("size"), Column("born", right=False))


def made(rows: list[Line], width: int = 80, color: bool = False) -> str:
    console = make_console(Screen(width, color))
    grid(console, COLUMNS, "where", rows)
    return drawn(console)


def by_rich(rows: list[Line], width: int) -> str:
    console = make_console(Screen(width))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style=STRONG)
    for column in COLUMNS:
        table.add_column(column.name, justify="right" if column.right else "left", no_wrap=True)
    table.add_column("where", overflow="fold")
    for row in rows:
        table.add_row(*row.cells, row.last, style=row.style)
    console.print(table)
    return drawn(console)


#: Characters that stand in no other cell.
OWN = "xyq/_"
WORDS = st.lists(st.text(OWN, min_size=1, max_size=60), max_size=6).map(" ".join)
ROWS = st.lists(
    st.builds(
        Line,
        st.tuples(st.integers(1, 999).map(str), st.sampled_from(["1.0 MiB", "12 B"]), st.just("▁▂ even")),
        st.lists(WORDS, min_size=1, max_size=3).map("\n".join),
    ),
    min_size=1,
    max_size=4,
)  # fmt: skip


@given(ROWS, st.integers(40, 120))
def test_no_line_is_wider_than_the_screen_and_nothing_is_lost(rows: list[Line], width: int) -> None:
    text = made(rows, width)
    assert all(cell_len(line) <= width for line in text.splitlines())
    kept = "".join(row.last for row in rows if isinstance(row.last, str))
    assert [each for each in text if each in OWN] == [each for each in kept if each in OWN]


@given(st.lists(st.text("abé漢 ", max_size=30)).map(" ".join), st.integers(2, 20))
def test_a_line_is_broken_so_that_each_part_fits(text: str, room: int) -> None:
    ends = [0, *breaks(text, room), len(text)]
    assert ends == sorted(ends)
    parts = [text[start:end] for start, end in zip(ends, ends[1:])]
    assert all(cell_len(part.strip()) <= room for part in parts)


def test_it_looks_as_rich_draws_it() -> None:
    code = "ORDERS.append(json.loads(text)) and more of the same line of code"
    rows = [
        Line(("1", "1.0 MiB", "▁▂ early"), f"shop/tasks.py:40 in process\n{code}"),
        Line(("12", "12 B", ""), "/".join(["a_folder_with_a_very_long_name"] * 4) + "/tasks.py:40"),
        Line(("", "3 B", ""), "3 lines more"),
    ]
    assert made(rows) == by_rich(rows, 80)


def test_what_is_folded_stands_where_its_line_began() -> None:
    said = "  may be recycled from a freelist, kept by the list that grows at tasks.py:20"
    lines = made([Line(("1", "1.0 MiB", ""), f"a.py:1\n{said}")]).splitlines()
    at = lines[0].index("where")
    assert [line[at:] for line in lines[2:]] == [
        "  may be recycled from a freelist, kept by the list that grows",
        "  at tasks.py:20",
    ]


def test_in_a_narrow_column_nothing_is_folded_but_stands_below() -> None:
    rows = [Line(("1", "1.0 MiB", ""), "shop/tasks.py:40\n  ORDERS.append(json.loads(text))")]
    assert made(rows, 40).splitlines()[1:] == [
        "1  1.0 MiB        shop/tasks.py:40",
        "      ORDERS.append(json.loads(text))",
    ]
    deep = "a_folder_with_a_long_name/tasks.py:40"
    assert made([Line(("1", "1.0 MiB", ""), deep)], 44).splitlines()[1:] == [
        "1  1.0 MiB",
        f"    {deep}",
    ]


def test_cells_of_several_lines_stand_beside_each_other() -> None:
    text = made([Line(("1", "1.0 MiB\n12.0 MiB", ""), "child")], 60)
    assert text.splitlines()[1:] == ["1   1.0 MiB        child", "   12.0 MiB"]


def test_colours_are_of_the_cell_else_of_the_row() -> None:
    console = Console(color_system="standard", force_terminal=True)
    assert console.color_system == "standard"
    text = made([Line(("1", Text("1.0 MiB", "bold red"), ""), "rest", "dim")], 60, color=True)
    assert "\x1b[1;31m1.0 MiB\x1b[0m" in text
    assert "\x1b[2mrest\x1b[0m" in text
    assert "\x1b" not in made([Line(("1", Text("1.0 MiB", "bold red"), ""), "rest", "dim")], 60)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("one two three", ["one two ", "three"]),
        ("abcdefghijklmnop", ["abcdefghij", "klmnop"]),
        ("in abcdefghijklmnop x", ["in ", "abcdefghij", "klmnop x"]),
        ("漢字漢字漢字", ["漢字漢字漢", "字"]),
    ],
)
def test_lines_break_between_words_where_they_can(text: str, parts: list[str]) -> None:
    ends = [0, *breaks(text, 10), len(text)]
    assert [text[start:end] for start, end in zip(ends, ends[1:])] == parts


def test_a_very_narrow_screen_is_overrun_and_nothing_is_lost() -> None:
    assert LEAST <= 12
    text = made([Line(("1", "1.0 MiB", ""), "shop/tasks.py:40")], 10)
    assert "tasks.py:40" in text.replace("\n", "").replace(" ", "")


def test_ten_thousand_rows_are_drawn_without_waiting() -> None:
    deep = "/".join(["a_long_folder"] * 9)
    rows = [
        Line((str(at), "1.0 MiB", ""), f"{deep}/m{at}.py:{at}\n  call()") for at in range(10_000)
    ]
    with at_most(8):
        text = made(rows, 80)
    assert len(text.splitlines()) > 20_000


@pytest.mark.parametrize(("letters", "beside"), [(22, True), (23, False)])
def test_what_just_fits_a_narrow_column_stands_in_it(letters: int, beside: bool) -> None:
    """Of 40 columns the first three and their gaps take 18."""
    row = Line(("1", "12 B", "▁▂▃▄ ev"), "x" * letters + "\ny")
    first, second = made([row], 40).splitlines()[1:3]
    assert ("x" in first) is beside
    assert (second == " " * 18 + "y") is beside
