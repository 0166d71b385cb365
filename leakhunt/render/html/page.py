"""The page: text that needs no script, and beside it what the script draws.

Everything is in the one file. Its policy lets only that script and that style run (by their
hashes), and nothing be fetched: a name in a snapshot could not call home even if it got out of
its place.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib import resources

from leakhunt import units
from leakhunt.judge.series.shape import LEAK
from leakhunt.model import account as parts
from leakhunt.model.account import Account
from leakhunt.model.paths import APP, visible
from leakhunt.render.html.markup import Markup, el, embedded, escaped, together
from leakhunt.render.html.values import drawn, spread
from leakhunt.report.page import PageReport
from leakhunt.report.trend import Judged
from leakhunt.report.words import growths, kept, supports
from leakhunt.report.words import page as words
from leakhunt.report.words.account import label, source
from leakhunt.report.words.places import place, who
from leakhunt.report.words.verdicts import head

SCRIPT, STYLE, LICENSES = "page.js", "page.css", "LICENSES.txt"
#: Snapshots and other lines of a leak that are listed.
LISTED, WITH_IT = 50, 8
#: Leaks that are not folded away.
OPEN = 5


@lru_cache(maxsize=4)
def shipped(name: str) -> str:
    """A file that the build has made (see README.md)."""
    return (resources.files("leakhunt.render.html") / "shipped" / name).read_text("utf-8")


def document(report: PageReport) -> str:
    """The whole page."""
    script, style = shipped(SCRIPT), shipped(STYLE)
    title = f"{head(report.trend.summary)}: {who(report.trend.verdict.main)}"
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    page = el(
        "html",
        el(
            "head",
            el("meta", charset="utf-8"),
            el("meta", http_equiv="Content-Security-Policy", content=Markup(policy.replace("'", "&#39;"))),
            el("meta", name="viewport", content="width=device-width, initial-scale=1"),
            el("meta", name="referrer", content="no-referrer"),
            el("title", f"leakhunt: {title}"),
            Markup(f"<style>{style}</style>"),
        ),
        el(
            "body",
            el("a", words.SKIP, class_="skip", href="#findings"),
            _header(report),
            el("main", *_sections(report), id="main"),
            _footer(report),
            Markup(f'<script type="application/json" id="data">{embedded(drawn(report))}</script>'),
            Markup(f"<script>{script}</script>"),
        ),
        lang="en",
    )  # fmt: skip
    return f"<!doctype html>\n{page}\n"


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


# -- the verdict ----------------------------------------------------------------------

SECTIONS = (
    ("timeline", "Timeline"), ("findings", "Findings"), ("flame", "Flame graph"),
    ("table", "Table"), ("memory", "Memory"), ("measured", words.HOW),
)  # fmt: skip


def _header(report: PageReport) -> Markup:
    links = [el("li", el("a", title, href=f"#{name}")) for name, title in SECTIONS]
    return el(
        "header",
        el("div", el("span", "leakhunt", class_="brand"), el("nav", el("ul", *links), aria_label="Sections"),
           el("button", "Dark / light", type="button", id="theme", class_="quiet", hidden=True), class_="bar"),
        class_="top",
    )  # fmt: skip


def _sections(report: PageReport) -> Iterator[Markup]:
    yield _verdict(report)
    yield _timeline(report)
    yield _findings(report)
    yield _flame(report)
    yield _table(report)
    yield _memory(report)
    yield _measured(report)


def _verdict(report: PageReport) -> Markup:
    verdict = report.trend.verdict
    word, _, rest = report.trend.summary.partition(":")
    story = [together(el("dt", title), el("dd", sentence)) for title, sentence in report.story]
    return el(
        "section",
        el("h1", el("span", word, class_=f"badge {verdict.verdict}"), " ", rest.strip()),
        el("dl", *story, class_="story"),
        class_=f"verdict {verdict.verdict}",
        aria_label="Verdict",
    )


def _section(name: str, *children: object) -> Markup:
    title = dict(SECTIONS)[name]
    return el("section", el("h2", title, id=f"{name}-title"), *children,
              id=name, aria_labelledby=f"{name}-title")  # fmt: skip


# -- the timeline ---------------------------------------------------------------------


def _timeline(report: PageReport) -> Markup:
    main = report.processes[0]
    heads = ("when (UTC)", f"{main.meta.unit}s", "RSS", "USS", "traced", "file")
    looks = spread(main.looks, LISTED)
    rows = [
        el(
            "tr",
            *(
                el("td", text, class_="number" if 0 < at < 5 else None)
                for at, text in enumerate((
                    units.moment(look.meta.taken_at),
                    "" if look.meta.tasks_done is None else units.count(look.meta.tasks_done),
                    *("" if size is None else units.size(size)
                      for size in (look.meta.rss, look.meta.uss, look.meta.traced)),
                    look.file,
                ))
            ),
        )
        for look in looks
    ]  # fmt: skip
    caption = words.spread(len(looks), len(main.looks), who(main.history))
    return _section(
        "timeline",
        el("div", id="timeline-controls", class_="controls"),
        el("div", id="timeline-plot", class_="plot"),
        el("p", "", id="timeline-help", class_="hint"),
        el("details", el("summary", "The figures"),
           _scrolled(el("table", el("caption", caption), el("thead", el("tr", *_heads(heads[:-1]), el("th", heads[-1], scope="col"))),
              el("tbody", *rows), class_="figures"), words.TIMELINE_FIGURES)),
    )  # fmt: skip


def _heads(names: Sequence[str]) -> list[Markup]:
    """Of columns of numbers, after the first: over their numbers."""
    return [
        el("th", name, scope="col", class_="number" if at else None)
        for at, name in enumerate(names)
    ]


def _scrolled(table: Markup, label: str) -> Markup:
    """Wider than a phone: it scrolls by itself, with the keyboard too."""
    return el("div", table, class_="scroll", tabindex="0", role="region", aria_label=label)


# -- findings -------------------------------------------------------------------------


def _findings(report: PageReport) -> Markup:
    ranked = report.trend.ranked
    if not ranked:
        return _section("findings", el("p", words.NOTHING_GROWS))
    leaks = [each for each in ranked if each[1].finding.verdict == LEAK]
    others = ranked[len(leaks) :]
    cards = [_finding(report, rank, judged) for rank, judged in leaks[:OPEN]]
    if len(leaks) > OPEN:
        more = units.counted(len(leaks) - OPEN, "more leak")
        inside = [_finding(report, rank, judged) for rank, judged in leaks[OPEN:]]
        cards.append(el("details", el("summary", more), *inside, class_="others"))
    if others:
        more = f"{units.counted(len(others), 'growth')} that {units.plural(len(others), 'is', 'are')} no leak"
        inside = [_finding(report, rank, judged) for rank, judged in others]
        cards.append(el("details", el("summary", more), *inside, open=not leaks, class_="others"))
    if report.trend.hidden:
        cards.append(el("p", supports.hidden(report.trend.hidden), class_="hint"))
    return _section("findings", *cards)


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
    grown = units.signed_size(finding.sizes[-1] - finding.sizes[0])
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
    much = f"{units.counted(held.objects, 'object')}, {units.size(held.size)}"
    return el("div", el("h4", f"Kept by ({much})"), el("ol", *steps, class_="path"))


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
    for frame in finding.stacks[0]:
        label = labels.label(frame)
        own = labels.roots.kind(frame.file) == APP
        kind = "site" if frame == finding.site else "own" if own else None
        function = f" in {visible(label.function)}" if label.function else ""
        code = el("code", visible(label.code)) if label.code else None
        lines.append(el("li", el("span", label.where, class_="where"), function, code, class_=kind))
    return el(
        "details",
        el("summary", words.stack(len(finding.stacks))),
        el("ol", *lines, class_="stack"),
        open=finding.verdict == LEAK and len(lines) <= 8,
    )


# -- pictures that the script draws ---------------------------------------------------


def _flame(report: PageReport) -> Markup:
    return _section(
        "flame",
        el("div", id="flame-controls", class_="controls"),
        el("p", "", id="flame-help", class_="hint"),
        el("div", id="flame-graph", class_="flame"),
        el("noscript", el("p", words.NEEDS_SCRIPT)),
    )


def _table(report: PageReport) -> Markup:
    what = who(report.processes[0].history)
    return _section(
        "table",
        el("p", words.table(what, report.compared)),
        el("div", id="table-controls", class_="controls"),
        el("div", id="table-body"),
        el("noscript", el("p", words.NEEDS_SCRIPT)),
    )  # fmt: skip


# -- memory ---------------------------------------------------------------------------


def _memory(report: PageReport) -> Markup:
    children: list[object] = []
    if report.account is not None:
        said = [el("p", visible(sentence)) for sentence in report.account_said]
        children += [
            el("h3", f"Where the {units.size(report.account.rss)} of RSS are"),
            _bar(report.account),
            *said,
            _parts(report.account, report.grown),
        ]
    else:
        children.append(el("p", words.NO_RSS))
    if report.types:
        whole = report.types_of
        told = sum(size for _, size in report.types)
        shown = [*report.types, *([("other types", whole - told)] if whole > told else [])]
        rows = [
            el("tr", el("th", name, scope="row"), el("td", units.size(size), class_="number"), el("td", units.share(size / whole), class_="number"),
               el("td", el("meter", units.share(size / whole), min=0, max=whole, value=size, aria_label=name)))
            for name, size in shown
        ]  # fmt: skip
        children += [
            el("h3", "Objects by type"),
            _scrolled(el("table", el("thead", el("tr", *_heads(("type", "size", "share")), el("th", "", scope="col"))),
               el("tbody", *rows), class_="figures types"), "Objects by type"),
        ]  # fmt: skip
    return _section("memory", *children)


#: What has to be done about a part, which is its colour.
_FAMILIES = {
    parts.UNTRACKED: "python", parts.PYMALLOC_FREE: "free", parts.MALLOC_FREE: "free",
    parts.NATIVE: "native", parts.NATIVE_MAPPED: "native", parts.UNTRACED: "native",
    parts.ENGINE: "engine", parts.STACKS: "mapped", parts.LIBRARIES: "mapped",
    parts.FILES: "mapped", parts.SHARED: "mapped", parts.SYSV: "mapped",
    parts.UNSHARED: "mapped", parts.STILL_SHARED: "mapped", parts.REST: "rest",
}  # fmt: skip
#: Shades of a family that the style tells apart.
SHADES = 5


def _colours(names: Sequence[str]) -> dict[str, str]:
    """The classes of each part: its family's colour, each further one of the family paler."""
    seen: dict[str, int] = {}
    classes = {}
    for name in names:
        family = _FAMILIES.get(name, "python")
        shade = seen[family] = seen.get(family, -1) + 1
        classes[name] = f"part-{family} shade-{min(shade, SHADES - 1)}"
    return classes


def _bar(account: Account) -> Markup:
    """A stacked bar as SVG: attributes, which the page's policy lets be, and not styles."""
    shown, at = [], 0.0
    colours = _colours([part.part for part in account.parts])
    # A rest below nothing has no width; the others share the bar.
    wide = [part for part in account.parts if part.size > 0]
    whole = sum(part.size for part in wide)
    for part in wide:
        width = 1000 * part.size / whole
        shown.append(
            el("rect", el("title", f"{label(part.part)}: {units.size(part.size)}"), x=f"{at:.2f}", y="0",
               width=f"{width:.2f}", height="28", class_=f"part {colours[part.part]}")
        )  # fmt: skip
        at += width
    said = ", ".join(f"{label(part.part)} {units.share(part.size / whole)}" for part in wide)
    return el("svg", *shown, viewBox="0 0 1000 28", preserveAspectRatio="none", role="img",
              aria_label=said, class_="account")  # fmt: skip


def _parts(account: Account, grown: Account | None) -> Markup:
    """Each part, and what it has grown by; both columns add up to the last line."""
    names = list(
        dict.fromkeys([part.part for part in (*account.parts, *(grown.parts if grown else ()))])
    )
    names.sort(key=lambda name: name == parts.REST)
    told, changed = account.sizes, grown.sizes if grown else {}
    sources = {part.part: part.source for part in (*(grown.parts if grown else ()), *account.parts)}
    colours, rss = _colours(names), account.rss

    def line(head: Markup, now: int | None, change: int | None, said: str) -> Markup:
        return el(
            "tr",
            head,
            el("td", "" if now is None else units.size(now), class_="number"),
            el("td", "" if now is None or not rss else units.share(now / rss), class_="number minor"),
            el("td", "" if change is None else units.signed_size(change), class_="number") if grown else None,
            el("td", said, class_="minor"),
        )  # fmt: skip

    rows = [
        line(
            el("th", el("span", class_=f"key {colours[name]}", aria_hidden="true"), label(name), scope="row"),
            told.get(name), changed.get(name), source(sources[name]),
        )
        for name in names
        if told.get(name) or changed.get(name)
    ]  # fmt: skip
    total = line(el("th", "RSS", scope="row"), rss, grown.rss if grown else None, "")
    heads = (*_heads(("part", "now")), el("th", "share", scope="col", class_="number minor"),
             *(_heads(("", "grown"))[1:] if grown else ()))  # fmt: skip
    by = el("th", "as told by", scope="col", class_="minor")
    head_row = el("tr", *heads, by)
    table = el(
        "table",
        el("thead", head_row),
        el("tbody", *rows),
        el("tfoot", total),
        class_="figures parts",
    )
    return _scrolled(table, "Parts of the RSS")


# -- how it was measured --------------------------------------------------------------


def _measured(report: PageReport) -> Markup:
    trend = report.trend
    rests = [el("li", line) for line, _ in supports.lines(trend.verdict, trend.ended)]
    notes = [el("li", note) for note in report.notes]
    chosen = el("p", f"Chosen: {trend.why}.") if trend.why else None
    return _section("measured", chosen, el("ul", *rests, *notes))


def _footer(report: PageReport) -> Markup:
    made = words.made(report.version, report.made_at)
    return el(
        "footer",
        el("p", made),
        el("details", el("summary", words.LICENCES), el("pre", escaped_lines(shipped(LICENSES)))),
    )  # fmt: skip


def escaped_lines(text: str) -> Markup:
    """Several lines, each escaped."""
    return Markup("\n".join(escaped(line) for line in text.splitlines()))
