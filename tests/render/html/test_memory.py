"""Where the resident set is, on the page: the bar, its parts and their sum."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from leakhunt import units
from leakhunt.render.html.page import document
from leakhunt.report.words.account import label
from tests.support.web import Outline, leaking, reported


def test_the_parts_of_the_resident_set_add_up() -> None:
    report = reported(leaking())
    assert report.account is not None
    assert report.grown is not None
    assert sum(part.size for part in report.account.parts) == report.processes[0].meta.rss
    first, last = report.processes[0].history.first, report.processes[0].history.last
    assert sum(part.size for part in report.grown.parts) == (last.rss or 0) - (first.rss or 0)


def test_every_part_has_its_line_and_the_last_one_is_their_sum() -> None:
    report = reported(leaking())
    assert report.account is not None
    said = " ".join(Outline(document(report)).said.split())
    memory = said[said.index("Where the") :]
    for part in report.account.parts:
        if part.size:
            assert label(part.part) in memory
            assert units.size(part.size) in memory
    assert f"RSS {units.size(report.account.rss)}" in memory


def test_each_part_has_its_share_of_the_resident_set() -> None:
    """By hand: 1,000,000 resident, of which 250,000 are the engine's; nothing else is known."""
    text = document(reported(leaking(rss=[1_000_000] * 12, tracer=[250_000] * 12)))
    part = re.search(
        r"leakhunt&#x27;s own tables</th>(.*?)</tr>|leakhunt&#39;s own tables</th>(.*?)</tr>", text
    )
    assert part is not None
    cells = re.findall(r"<td[^>]*>(.*?)</td>", part[0])
    assert cells[:3] == ["244.1 KiB", "25 %", "0 B"]
    assert re.search(r"RSS</th><td[^>]*>976.6 KiB</td><td[^>]*>100 %</td><td[^>]*>0 B</td>", text)


def test_a_rest_below_nothing_says_so() -> None:
    """Of what is there now, and of what it grew by: the live blocks alone are more than is resident."""
    said = document(reported(leaking(rss=[10_000] * 12)))
    assert said.count("the rest is negative: ") == 1
    assert said.count("the rest shrank: ") == 1
    whole = document(reported(leaking(rss=[2**30 + 2**20 * at for at in range(12)])))
    assert "the rest is negative" not in whole
    assert "the rest shrank" not in whole


def test_a_part_of_nothing_has_no_share() -> None:
    text = document(reported(leaking(rss=[1_000_000] * 11 + [0])))
    table = text[text.index("as told by") :]
    assert "100 %" not in table[: table.index("</table>")]


def test_a_rest_below_nothing_has_no_width_and_a_line() -> None:
    """What is allocated need not be resident: the bar shows the parts, the table the rest as it is."""
    report = reported(leaking(rss=[1_000_000] * 12, tracer=[3_000_000] * 12))
    assert report.account is not None
    assert report.account.of("rest") < 0
    text = document(report)
    assert not re.search(r'width="-', text)
    widths = [float(each) for each in re.findall(r'width="([0-9.]+)" height="28"', text)]
    assert sum(widths) == pytest.approx(1000, abs=0.1)
    assert units.size(report.account.of("rest")) in text


def test_a_part_that_is_gone_has_a_line_with_what_it_gave_back() -> None:
    text = document(reported(leaking(rss=[1_000_000] * 12, tracer=[250_000] * 11 + [0])))
    parts = text[text.index("as told by") :]
    line = re.search(r"own tables</th>(.*?)</tr>", parts)
    assert line is not None
    assert re.findall(r"<td[^>]*>(.*?)</td>", line[1])[:3] == ["0 B", "0 %", "-244.1 KiB"]


def test_what_is_of_no_named_type_has_a_line_so_that_shares_add_up() -> None:
    """By hand: of 1,000 B, 600 are dict's and 150 str's."""
    report = replace(reported(leaking()), types=(("dict", 600), ("<b>", 150)), types_of=1000)
    table = document(report)
    table = table[table.index('class="figures types"') :]
    rows = re.findall(r'<th scope="row">(.*?)</th><td[^>]*>(.*?)</td><td[^>]*>(.*?)</td>', table)
    assert rows == [
        ("dict", "600 B", "60 %"), ("&lt;b&gt;", "150 B", "15 %"), ("other types", "250 B", "25 %"),
    ]  # fmt: skip
    assert "other types" not in document(replace(report, types_of=750))
