"""Findings as cards: leaks are open, the rest is folded, holder, advice and stack stand beside."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from leakhunt.judge.series.shape import LEAK, STEP
from leakhunt.judge.verdict import NO_LEAK
from leakhunt.model.retention import Retention, Step
from leakhunt.render.html import findings as cards
from leakhunt.report.page import PageReport
from leakhunt.report.words import page as words
from tests.support.web import leaking, reported


def report_of(*verdicts: str, **changes: Any) -> PageReport:
    """The one finding of a leak so often, each judged so."""
    report = reported(leaking())
    (judged,) = report.trend.findings
    found = tuple(
        replace(
            judged,
            finding=replace(judged.finding, verdict=each, share=None, **changes),
            advice=judged.advice if each == LEAK else None,
        )
        for each in verdicts
    )
    leaks = LEAK in verdicts
    verdict = replace(
        report.trend.verdict,
        verdict=LEAK if leaks else NO_LEAK,
        findings=tuple(each.finding for each in found),
        outside=None,
    )
    summary = report.trend.summary if leaks else "No leak: nothing else"
    changed = replace(report.trend, verdict=verdict, summary=summary, findings=found)
    return replace(report, trend=changed)


def test_a_leak_has_its_line_its_rate_its_code_and_its_stack() -> None:
    text = cards.findings(reported(leaking()))
    leak = text[text.index("<article") : text.index("</article>")]
    assert "tasks.py:40" in leak
    assert re.search(r'class="rate">[^<]* per task<', leak)
    assert "<pre><code>ORDERS.append(json.loads(text))</code></pre>" in leak
    assert leak.count('class="where"') == 4, "in the title and once a frame"
    assert re.search(r'<li class="site"><span class="where">[^<]*tasks.py:40<', leak)
    assert "<details open>" in leak, "the stack of a leak is open where it is short"


def test_leaks_are_numbered_as_the_script_finds_them() -> None:
    text = cards.findings(report_of("leak", "leak", STEP))
    assert re.findall(r'data-finding="(\d)"', text) == ["0", "1", "2"]
    assert re.findall(r'<h3 id="finding-(\d)"', text) == ["1", "2", "3"]


def test_the_sixth_leak_and_what_is_no_leak_are_folded() -> None:
    text = cards.findings(report_of(*["leak"] * 7, STEP))
    assert "<summary>2 more leaks</summary>" in text
    assert "<summary>1 growth that is no leak</summary>" in text
    assert '<details class="others">' in text, "closed beside leaks"
    assert text.count("<article") == 8
    assert re.search(r"<details open class=.others.><summary>2 growths that are no leak", cards.findings(report_of(STEP, STEP)))  # fmt: skip


def test_of_what_is_no_leak_the_growth_is_told_and_no_rate() -> None:
    step = cards.findings(report_of(STEP))
    assert 'class="rate">+' in step
    assert "per task" not in step[step.index('class="rate"') : step.index("</h3>")]


def test_what_keeps_it_is_told_step_by_step_and_no_name_is_markup() -> None:
    path = (
        Step("module", "shop.tasks", "module"),
        Step("attribute", "</code><script>", "list", 1200),
    )
    held = Retention(path, 5, 64_000, "list", 1200, None, 7, None, path)
    text = cards.findings(report_of("leak", holder=held))
    assert "<h4>Kept by (5 objects, 62.5 KiB)</h4>" in text
    assert re.findall(r"<li><code>(.*?)</code></li>", text) == [
        "module shop.tasks", "&lt;/code&gt;&lt;script&gt;: list[1,200]",
    ]  # fmt: skip
    beside = cards.findings(report_of("leak", holder=held._replace(objects=0)))
    assert "<h4>Kept by (62.5 KiB)</h4>" in beside, "an array's data are no objects"
    assert "Kept by" not in cards.findings(reported(leaking()))


def test_advice_has_its_reason_its_fix_and_a_link_that_tells_nobody_where_from() -> None:
    text = cards.findings(reported(leaking()))
    advice = text[text.index("<h4>Advice</h4>") :]
    assert "<p>Looks like a module-level container" in advice
    assert '<a href="https://docs.python.org/' in advice
    assert 'rel="noreferrer noopener"' in advice
    report = reported(leaking())
    (judged,) = report.trend.findings
    assert judged.advice is not None
    odd = replace(judged, advice=replace(judged.advice, source="javascript:alert(1)"))
    plain = cards.findings(replace(report, trend=replace(report.trend, findings=(odd,))))
    assert "javascript:alert(1)" in plain
    assert 'href="javascript' not in plain


def test_without_findings_it_says_so() -> None:
    nothing = cards.findings(report_of())
    assert "<article" not in nothing
    assert words.NOTHING_GROWS in nothing
