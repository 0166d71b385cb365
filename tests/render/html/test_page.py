"""The page as text: what it says without its script, and that no name gets out of its place."""

from __future__ import annotations

import base64
import hashlib
import inspect
import json
import re
from importlib import import_module

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakhunt.render.html.markup import el, embedded
from leakhunt.render.html.page import document, shipped
from leakhunt.report.page import page
from leakhunt.report.trend import trend
from tests.support.web import HOSTILE, Outline, drawn, hostile, html, leaking, reported


def test_it_says_what_matters_without_a_script() -> None:
    said = " ".join(Outline(html(leaking())).said.split())
    assert re.search(r"Leak \+9\d B per task at tasks.py:40 \(process\)", said)
    assert "celery@web1, child 4242 (prefork), Python 3.11.7: 12 snapshots over 1,100 tasks" in said
    assert "ORDERS.append(json.loads(text))" in said
    assert re.search(r"MiB a day, at the pace seen: [\d,]+ tasks a day", said)
    assert "leakhunt 1.2.3 at 2027-01-15 08:15:00Z" in said


def test_nothing_is_fetched_and_only_its_own_script_runs() -> None:
    outline = Outline(html(leaking()))
    assert not {"link", "iframe", "object", "embed", "base", "form"} & set(outline.tags)
    assert outline.tags.count("script") == 2
    assert outline.tags.count("style") == 1
    names = [name for name, _ in outline.attributes]
    assert not [name for name in names if name in ("src", "style") or name.startswith("on")]
    policy = next(value for name, value in outline.attributes if value and "default-src" in value)
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for kind in ("script", "style"):
        digest = hashlib.sha256(outline.raw[kind].encode()).digest()
        assert f"{kind}-src 'sha256-{base64.b64encode(digest).decode()}'" in policy


def test_a_hostile_name_is_text_everywhere() -> None:
    text = html(hostile())
    plain = Outline(html(leaking()))
    outline = Outline(text)
    assert set(outline.tags) <= {*plain.tags, "ol", "li"}
    assert outline.tags.count("script") == 2
    assert "img" not in outline.tags
    assert not [c for c in text if not c.isprintable() and c != "\n"]
    assert not set("\u202e\u2066\u2028\x1b\x07\x00") & set(text)
    files = {file[0] for file in drawn(text)["files"]}
    assert len(files) == len(HOSTILE)
    assert any("</script>" in file for file in files)


@given(st.text())
def test_no_text_ends_its_element(text: str) -> None:
    made = str(el("p", text, title=text))
    assert made.count("<") == 2
    assert made.count('"') == 2
    inside = str(embedded({text: [text]}))
    assert not set("<>&") & set(inside)
    assert json.loads(inside) == {text: [text]}


def test_the_tree_holds_every_byte_of_the_table() -> None:
    """What is drawn, per process, adds up to what is alive less what is left out."""
    report = reported(leaking(), leaking(4243))
    values = drawn(document(report))
    for process, ends, total in zip(report.processes, values["tree"]["ends"], report.tree.totals):
        assert sum(end[1] for end in ends) == total.now == process.history.sizes[-1]
        assert sum(end[2] for end in ends) - sum(end[3] for end in ends) == total.change
        assert total.change == process.history.sizes[-1] - process.history.sizes[0]
    table = values["table"]
    shown = [row["sizes"] for row in table["rows"]] + [table["remainder"], table["dropped"]]
    assert [sum(column) for column in zip(*(each[:4] for each in shown))] == table["totals"]


@pytest.mark.parametrize("nodes", [1, 3, 4, 100])
def test_a_cut_tree_says_so_and_keeps_the_sum(nodes: int) -> None:
    report = reported(leaking(), nodes=nodes)
    framed = [node for node in report.tree.nodes if node.frame is not None]
    assert len(framed) <= nodes
    assert report.tree.totals == reported(leaking()).tree.totals
    told = [note for note in report.notes if "drawn together" in note]
    assert len(told) == (report.tree.cut > 0)


@pytest.mark.parametrize("unit", ["task", "request", "job", "unit"])
def test_units_of_work_have_one_name_all_over_the_page(unit: str) -> None:
    text = document(reported(leaking(unit=unit)))
    page = Outline(text)
    told = json.loads(page.raw["application/json"])
    assert {told["table"]["unit"], told["findings"][0]["unit"], told["processes"][0]["unit"]} == {
        unit
    }
    for said in (f"B per {unit}", f"1,100 {unit}s", f"{unit}s</th>", f"{unit}s a day"):
        assert said in text, said
    others = {"task", "request", "job", "unit"} - {unit}
    plain = page.said[: page.said.index("Licences")] if "Licences" in page.said else page.said
    assert not re.search(
        rf"\b\d[\d,]* ({'|'.join(others)})s?\b(?!\.py)|per ({'|'.join(others)})\b", plain
    )


def test_the_judgement_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page draws what was judged: nothing is judged again for it, and nothing is read."""
    histories = leaking(), leaking(4243)
    judged = trend(histories, command="verdict")

    def again(*_: object, **__: object) -> None:
        raise AssertionError("judged again")

    for module in ("shape", "rise", "curves", "stats"):
        found = import_module(f"leakhunt.judge.series.{module}")
        for name, function in vars(found).items():
            if inspect.isfunction(function) and function.__module__ == found.__name__:
                monkeypatch.setattr(found, name, again)
    assert document(page(judged, 1_800_000_900.0, "1.2.3"))


def test_the_line_goes_through_the_series() -> None:
    values = drawn(html(leaking()))
    leak = values["findings"][0]
    line = leak["fit"]
    assert line["low"] <= line["rate"] <= line["high"]
    for at, size in zip(leak["x"], leak["y"]):
        if at >= line["start"]:
            assert abs(line["at"] + line["rate"] * (at - line["start"]) - size) < 2_000


def test_a_page_is_small() -> None:
    assert len(html(leaking(), leaking(4243), hostile()).encode()) < 400_000


def test_what_is_shipped_cannot_end_its_element() -> None:
    for name in ("page.js", "page.css"):
        assert not re.search(r"</(script|style)|<!--", shipped(name), re.IGNORECASE)
