"""Where the resident set is: a stacked bar, its parts, objects by type."""

from __future__ import annotations

from collections.abc import Sequence

from leakhunt import units
from leakhunt.model import account as parts
from leakhunt.model.account import Account
from leakhunt.model.paths import visible
from leakhunt.render.html.markup import Markup, el
from leakhunt.render.html.sections import heads, scrolled, section
from leakhunt.report.page import PageReport
from leakhunt.report.words import page as words
from leakhunt.report.words.account import label, source


def memory(report: PageReport) -> Markup:
    children: list[object] = []
    if report.account is not None:
        said = [el("p", visible(sentence)) for sentence in report.account_said]
        children += [
            el("h3", words.resident(report.account.rss)),
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
            scrolled(el("table", el("thead", el("tr", *heads(("type", "size", "share")), el("td"))),
               el("tbody", *rows), class_="figures types"), "Objects by type"),
        ]  # fmt: skip
    return section("memory", *children)


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
    titles = (*heads(("part", "now")), el("th", "share", scope="col", class_="number minor"),
             *(heads(("", "grown"))[1:] if grown else ()))  # fmt: skip
    by = el("th", "as told by", scope="col", class_="minor")
    head_row = el("tr", *titles, by)
    table = el(
        "table",
        el("thead", head_row),
        el("tbody", *rows),
        el("tfoot", total),
        class_="figures parts",
    )
    return scrolled(table, "Parts of the RSS")
