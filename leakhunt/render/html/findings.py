"""Each finding as a card: what grows, what keeps it, what to do, its stack."""

from __future__ import annotations

from leakhunt import units
from leakhunt.judge.series.shape import LEAK
from leakhunt.model.paths import APP, visible
from leakhunt.render.html.markup import Markup, el
from leakhunt.render.html.sections import section
from leakhunt.report.page import PageReport
from leakhunt.report.trend import Judged
from leakhunt.report.words import growths, kept, supports
from leakhunt.report.words import page as words
from leakhunt.report.words.places import place

#: Other lines of a leak that are listed.
WITH_IT = 8
#: Leaks that are not folded away.
OPEN = 5


def findings(report: PageReport) -> Markup:
    ranked = report.trend.ranked
    if not ranked:
        main = report.trend.verdict.main
        seen = main.lived or len(main.metas) > 1
        return section("findings", el("p", words.NOTHING_GROWS if seen else words.ONE_MOMENT))
    leaks = [each for each in ranked if each[1].finding.verdict == LEAK]
    others = ranked[len(leaks) :]
    cards = [_finding(report, rank, judged) for rank, judged in leaks[:OPEN]]
    if len(leaks) > OPEN:
        more = units.counted(len(leaks) - OPEN, "more leak")
        inside = [_finding(report, rank, judged) for rank, judged in leaks[OPEN:]]
        cards.append(el("details", el("summary", more), *inside, class_="others"))
    if others:
        more = words.no_leaks(len(others))
        inside = [_finding(report, rank, judged) for rank, judged in others]
        cards.append(el("details", el("summary", more), *inside, open=not leaks, class_="others"))
    if report.trend.hidden:
        cards.append(el("p", supports.hidden(report.trend.hidden), class_="hint"))
    return section("findings", *cards)


def _finding(report: PageReport, rank: int, judged: Judged) -> Markup:
    finding, labels = judged.finding, report.trend.labels
    leak = finding.verdict == LEAK
    code = labels.label(finding.site).code
    facts = ", ".join(
        filter(None, (growths.reason(finding), growths.task(finding), growths.where(finding)))
    )
    lines = [el("p", facts)]
    if leak:
        lines.append(el("p", supports.figures(report.trend.verdict, finding), class_="figure"))
    if len(finding.parts) > 1:
        lines.append(el("p", growths.by_process(finding), class_="hint"))
    others = [labels.label(frame).where for frame in finding.sites[1:]]
    if others:
        lines.append(el("p", supports.with_it(others, WITH_IT), class_="hint"))
    grown = units.signed_size(finding.rise)
    rate = units.rate(finding.rate, finding.history.noun) if leak else grown
    name = f"finding-{rank}"
    return el(
        "article",
        el("h3", el("span", finding.verdict, class_=f"badge {finding.verdict}"), " ",
           el("span", place(finding.site, labels), class_="where"), " ", el("span", rate, class_="rate"), id=name),
        el("pre", el("code", visible(code))) if code else None,
        el("div",
           el("div", *lines, _held(judged), _advice(judged), class_="said"),
           el("div", class_="pictures", data_finding=rank - 1), class_="both"),
        _stack(report, judged),
        aria_labelledby=name,
        class_=f"finding {finding.verdict}",
    )  # fmt: skip


def _held(judged: Judged) -> Markup | None:
    held = judged.finding.holder
    if held is None:
        return None
    steps = [el("li", el("code", kept.step(step))) for step in held.container_path]
    return el("div", el("h4", f"Kept by ({kept.much(held)})"), el("ol", *steps, class_="path"))


def _advice(judged: Judged) -> Markup | None:
    advice = judged.advice
    if advice is None:
        return None
    because = advice.because[:1].upper() + advice.because[1:]
    source: object = advice.source
    if advice.source.startswith(("https://", "http://")):
        source = el("a", advice.source, href=advice.source, rel="noreferrer noopener")
    return el(
        "div",
        el("h4", "Advice"),
        el("p", because),
        el("dl", el("dt", "why"), el("dd", advice.why), el("dt", "fix"), el("dd", advice.fix),
           el("dt", "see"), el("dd", source)),
        class_="advice",
    )  # fmt: skip


def _stack(report: PageReport, judged: Judged) -> Markup | None:
    finding, labels = judged.finding, report.trend.labels
    if not finding.stacks:
        return None
    lines = []
    for frame in finding.stack:
        label = labels.label(frame)
        own = labels.roots.kind(frame.file) == APP
        kind = "site" if frame == finding.site else "own" if own else None
        function = f" in {visible(label.function)}" if label.function else ""
        code = el("code", visible(label.code)) if label.code else None
        lines.append(el("li", el("span", label.where, class_="where"), function, code, class_=kind))
    return el(
        "details",
        el("summary", words.stack(len(finding.shown))),
        el("ol", *lines, class_="stack"),
        open=finding.verdict == LEAK and len(lines) <= 8,
    )
