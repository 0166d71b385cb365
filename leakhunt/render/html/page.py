"""The page: text that needs no script, and beside it what the script draws.

Everything is in the one file. Its policy lets only that script and that style run (by their
hashes), and nothing be fetched: a name in a snapshot could not call home even if it got out of
its place.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from functools import lru_cache
from importlib import resources

from leakhunt import units
from leakhunt.model.gcpause import uncollected
from leakhunt.render.html.findings import findings
from leakhunt.render.html.markup import Markup, el, embedded, escaped, together
from leakhunt.render.html.memory import memory
from leakhunt.render.html.sections import SECTIONS, heads, scrolled, section
from leakhunt.render.html.values import drawn, spread
from leakhunt.report.page import PageReport
from leakhunt.report.words import page as words
from leakhunt.report.words import supports
from leakhunt.report.words.places import who
from leakhunt.report.words.verdicts import head

SCRIPT, STYLE, LICENSES = "page.js", "page.css", "LICENSES.txt"
#: Snapshots that are listed.
LISTED = 50


@lru_cache(maxsize=4)
def shipped(name: str) -> str:
    """A file that the build has made (see README.md)."""
    return (resources.files("leakhunt.render.html") / "shipped" / name).read_text("utf-8")


def document(report: PageReport) -> str:
    """The whole page."""
    script, style = shipped(SCRIPT), shipped(STYLE)
    with uncollected():
        values = drawn(report)
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
            Markup(f'<script type="application/json" id="data">{embedded(values)}</script>'),
            Markup(f"<script>{script}</script>"),
        ),
        lang="en",
    )  # fmt: skip
    return f"<!doctype html>\n{page}\n"


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


# -- the verdict ----------------------------------------------------------------------


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
    yield findings(report)
    yield _flame(report)
    yield _functions()
    yield _table(report)
    yield memory(report)
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


# -- the timeline ---------------------------------------------------------------------


def _timeline(report: PageReport) -> Markup:
    main = report.processes[0]
    titles = ("when (UTC)", units.plural(2, main.meta.unit), "RSS", "USS", "traced", "file")
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
    return section(
        "timeline",
        el("div", id="timeline-controls", class_="controls"),
        el("div", id="timeline-plot", class_="plot"),
        el("p", "", id="timeline-help", class_="hint"),
        el("details", el("summary", "The figures"),
           scrolled(el("table", el("caption", caption), el("thead", el("tr", *heads(titles[:-1]), el("th", titles[-1], scope="col"))),
              el("tbody", *rows), class_="figures"), words.TIMELINE_FIGURES)),
    )  # fmt: skip


# -- pictures that the script draws ---------------------------------------------------


def _flame(report: PageReport) -> Markup:
    return section(
        "flame",
        el("div", id="flame-controls", class_="controls"),
        el("p", "", id="flame-help", class_="hint"),
        el("div", id="flame-graph", class_="flame"),
        el("noscript", el("p", words.NEEDS_SCRIPT)),
    )


def _functions() -> Markup:
    return section(
        "functions",
        el("p", "", id="functions-of"),
        el("div", id="functions-controls", class_="controls"),
        el("div", id="functions-body"),
        el("noscript", el("p", words.NEEDS_SCRIPT)),
    )


def _table(report: PageReport) -> Markup:
    what = who(report.processes[0].history)
    return section(
        "table",
        el("p", words.table(what, report.compared)),
        el("div", id="table-controls", class_="controls"),
        el("div", id="table-body"),
        el("noscript", el("p", words.NEEDS_SCRIPT)),
    )  # fmt: skip


# -- how it was measured --------------------------------------------------------------


def _measured(report: PageReport) -> Markup:
    trend = report.trend
    rests = [el("li", line) for line, _ in supports.lines(trend.verdict, trend.ended)]
    notes = [el("li", note) for note in report.notes]
    chosen = el("p", f"Chosen: {trend.why}.") if trend.why else None
    return section("measured", chosen, el("ul", *rests, *notes))


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
