"""The page in a real headless Chromium: opened, zoomed, searched, sorted, walked by keyboard, printed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from leakhunt.render.html.page import document
from tests.support.browsing import standing
from tests.support.builders import history
from tests.support.web import HOSTILE, SLOPE, hostile, html, leaking, reported

pytestmark = pytest.mark.live

#: Milliseconds after which what is waited for is taken for hung.
HANGS = 100_000


class Page:
    """One page, with all that went wrong in it."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.wrong: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda message: self.wrong.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))

    def text(self, selector: str) -> str:
        return str(self.page.inner_text(selector))

    def until(self, expression: str) -> None:
        """Wait until it holds in the page."""
        # Not wait_for_function, which evaluates strings in the page: its policy forbids that.
        self.page.evaluate(
            f"""() => new Promise((done, fail) => {{
                const ends = performance.now() + {HANGS};
                const look = () => ({expression}) ? done()
                    : performance.now() > ends ? fail(new Error("it never held")) : requestAnimationFrame(look);
                look();
            }})"""
        )

    def settled(self) -> None:
        """The flame graph moves no more: what it is drawn as has stayed the same for ten frames."""
        self.page.evaluate(
            """() => new Promise((done) => {
                let same = 0, before = "";
                const look = () => {
                    const now = document.querySelector("#flame-graph").innerHTML;
                    same = now === before ? same + 1 : 0;
                    before = now;
                    if (same > 30) done(); else requestAnimationFrame(look);
                };
                look();
            })"""
        )


@pytest.fixture(scope="module")
def launched() -> Iterator[Any]:
    with standing() as found:
        yield found


@pytest.fixture
def browser(launched: Any) -> Iterator[Any]:
    """To start it takes half of what a test does; what a test opens is closed, and with it all that it has set."""
    yield launched
    for context in launched.contexts:
        context.close()


def opened(browser: Any, folder: Path, text: str, **options: Any) -> Page:
    path = folder / "report.html"
    path.write_text(text, encoding="utf-8")
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce", **options)  # fmt: skip
    page = Page(context.new_page())
    page.page.goto(path.as_uri())
    page.until("document.documentElement.dataset.ready === 'yes'")
    page.settled()
    assert page.asked == [path.as_uri()], "something was fetched"
    assert page.wrong == []
    return page


def audited(page: Page) -> list[str]:
    """What axe-core finds against WCAG 2.1 A and AA and its best practices."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    # Evaluated from outside, as a debugger does: the page's policy lets no other script in.
    found = axe.run(page.page).response
    return [
        f"{each['id']}: {[node['target'] for node in each['nodes']][:3]}"
        for each in found["violations"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser: Any, tmp_path: Path, scheme: str) -> None:
    report = replace(reported(leaking(), leaking(4243)), types=(("dict", 600), ("<b>", 150)), types_of=1000)  # fmt: skip
    page = opened(browser, tmp_path, document(report), color_scheme=scheme)
    assert page.page.locator("table.types").count() == 1
    assert audited(page) == []
    page.page.click("#table-body .open >> nth=0")
    page.page.click("#findings summary >> nth=0")
    assert audited(page) == []
    assert page.wrong == []


def test_a_narrow_page_scrolls_in_one_direction(browser: Any, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, html(leaking(), hostile()))
    for width in (1280, 700, 390, 320):
        page.page.set_viewport_size({"width": width, "height": 800})
        page.until(f"document.documentElement.scrollWidth <= {width}")
        page.until(
            f"[...document.querySelectorAll('.uplot')].every((each) => each.clientWidth <= {width})"
        )
    assert audited(page) == []
    assert page.wrong == []


def test_the_flame_graph_is_zoomed_searched_and_walked(browser: Any, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, html(leaking(), leaking(4243)))

    def width(name: str) -> float:
        box = page.page.locator("#flame-graph g.frame", has_text=name).first.locator("rect")
        return float(box.get_attribute("width") or 0)

    graph = page.page.locator("#flame-graph .graph")
    whole = float(page.page.locator("#flame-graph svg").get_attribute("width") or 0)
    before = width("process")
    assert 0 < before < whole
    page.page.locator("#flame-graph g.frame", has_text="process").first.click()
    page.settled()
    assert width("process") == pytest.approx(whole, abs=1)
    page.page.get_by_role("button", name="Zoom out").click()
    page.settled()
    assert width("process") == pytest.approx(before, abs=1)

    search = page.page.get_by_role("searchbox", name="Search function, file, code")
    search.fill("ORDERS.append")
    page.until("document.querySelector('#flame-controls .found').textContent.includes('%')")
    assert "box" in page.text("#flame-controls .found")
    search.fill("nothing is called so")
    page.until("document.querySelector('#flame-controls .found').textContent === 'nothing found'")
    search.fill("")

    graph.focus()
    page.page.keyboard.press("ArrowDown")
    assert page.page.locator("#flame-graph g.walked").count() == 1
    page.page.keyboard.press("Enter")
    page.settled()
    page.page.keyboard.press("Escape")
    page.settled()
    assert page.wrong == []


def test_every_way_to_look_at_the_flame_graph_keeps_the_total(browser: Any, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, html(leaking(), leaking(4243)))
    totals = {}
    for what in ("what is alive", "what changed"):
        page.page.get_by_role("radio", name=what).check()
        said = set()
        for name in ("Own code only", "Callers below", "Every frame"):
            for _ in range(2):
                page.page.get_by_label(name).click()
                page.settled()
                said.add(page.text("#flame-graph .details strong"))
        page.page.get_by_role("radio", name="package").check()
        page.settled()
        said.add(page.text("#flame-graph .details strong"))
        page.page.get_by_role("radio", name="line").check()
        totals[what] = said
    assert all(len(said) == 1 for said in totals.values()), totals
    page.page.get_by_label("Process").last.select_option("1")
    page.settled()
    assert page.text("#flame-graph .details strong") not in totals["what changed"]
    assert page.wrong == []


def test_boxes_of_one_function_are_told_apart_where_they_are_narrow(
    browser: Any, tmp_path: Path
) -> None:
    """The line comes right behind the function; file and source are there where they have room."""
    page = opened(browser, tmp_path, html(leaking()))
    names = page.page.locator("#flame-graph .d3-flame-graph-label").all_text_contents()
    assert "+ process:40  +97.0 KiB  tasks.py  ORDERS.append(json.loads(text))" in names
    assert "\u2212 take:24  tasks.py  process(order)" in names
    page.page.set_viewport_size({"width": 390, "height": 800})
    page.until("document.querySelector('#flame-graph svg').getAttribute('width') < 390")
    page.settled()
    names = page.page.locator("#flame-graph .d3-flame-graph-label").all_text_contents()
    assert "\u2212 take:24  tasks.py  process(order)" in names
    assert any(name.startswith("+ process:40  +97.0 KiB") for name in names), names


def test_the_details_of_a_box_tell_its_blocks(browser: Any, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, html(leaking()))
    page.page.locator("#flame-graph g.frame", has_text="process:40").first.hover(force=True)
    said = page.text("#flame-graph .details .numbers")
    first, *_, last = (size // 64 for size in SLOPE)
    assert f" alive in {last:,} blocks; " in said
    assert f", shrunk 0 B, +{last - first:,} blocks; " in said
    page.page.get_by_role("radio", name="what is alive").check()
    page.settled()
    page.page.locator("#flame-graph g.frame", has_text="in all").first.hover(force=True)
    said = page.text("#flame-graph .details .numbers")
    assert f" alive in {last + 150:,} blocks; 100 % " in said
    assert page.wrong == []


def test_what_did_not_change_is_alive_all_the_same(browser: Any, tmp_path: Path) -> None:
    """It has no width among what changed, and counts in what is alive below a box: take calls cache.py, which stands still."""
    page = opened(browser, tmp_path, html(leaking()))

    def alive(name: str) -> str:
        page.page.locator("#flame-graph g.frame", has_text=name).first.hover(force=True)
        return page.text("#flame-graph .details .numbers").split(" alive")[0]

    changed = [alive(name) for name in ("in all", "take:24", "old.py:3")]
    page.page.get_by_role("radio", name="what is alive").check()
    page.settled()
    assert [alive(name) for name in ("in all", "take:24", "old.py:3")] == changed
    assert changed[1:] == ["116.2 KiB", "67.4 KiB"]
    assert page.wrong == []


def test_stacks_that_are_told_together_at_the_root_are_called_smaller(
    browser: Any, tmp_path: Path
) -> None:
    """A tree that is cut down to nothing has no unknown lines: it has small ones."""
    page = opened(browser, tmp_path, document(reported(leaking(), nodes=0)))
    names = page.page.locator("#flame-graph .d3-flame-graph-label").all_inner_texts()
    assert [name.split()[0] for name in names][1:] == ["smaller"], names
    page.page.get_by_role("radio", name="package").check()
    page.settled()
    assert page.page.locator("#flame-graph g.frame").count() == 2
    assert page.wrong == []


def test_the_table_is_sorted_searched_and_opened(browser: Any, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, html(leaking()))

    def column(number: int) -> list[str]:
        cells = page.page.locator(f"#table-body tbody tr:not(.opened) td:nth-child({number})")
        return [text.strip() for text in cells.all_inner_texts()]

    assert column(1) == ["1", "2"]
    head = page.page.locator("#table-body thead th")
    page.page.get_by_role("button", name="growth").click()
    assert head.nth(1).get_attribute("aria-sort") == "descending"
    largest = column(2)
    page.page.get_by_role("button", name="growth").click()
    assert head.nth(1).get_attribute("aria-sort") == "ascending"
    assert column(2) == largest[::-1]
    assert page.page.evaluate("document.activeElement.textContent").startswith("growth")

    row = page.page.locator("#table-body .open", has_text="decoder.py:353")
    row.press("Enter")
    assert "/srv/shop/tasks.py:40 in process" in page.text("#table-body tr.opened")
    page.page.get_by_role("searchbox", name="Search the table").fill("decoder")
    page.until("document.querySelector('#table-controls .found').textContent === '1 of 2 rows'")
    assert page.wrong == []


def test_on_a_phone_a_name_has_the_whole_width_below_its_numbers(
    browser: Any, tmp_path: Path
) -> None:
    """Beside them it had a third, and broke in the middle of words with its arrow alone above it."""
    page = opened(browser, tmp_path, html(leaking()))
    page.page.set_viewport_size({"width": 390, "height": 800})
    page.until("document.documentElement.scrollWidth <= 390")
    page.page.locator("#table-body .open").first.click()
    page.page.locator("#functions-body .open").first.click()
    for name, shown in (("table", ["growth", "per task", "where"]), ("functions", ["self", "total", "function"])):  # fmt: skip
        wide, places, rows, heads = page.page.evaluate(
            """(name) => {
                const all = (each) => [...document.querySelectorAll(`#${name}-body ${each}`)];
                const box = (each) => each.getBoundingClientRect();
                const width = box(all("table")[0]).width;
                const lines = all("tbody tr:not(.opened)").map((row) => [...row.cells].filter((cell) => cell.offsetWidth));
                return [width, all("tbody td:not(.number)").map((each) => box(each).width),
                    lines.map((cells) => cells.slice(0, -1).every((cell) => box(cell).bottom <= box(cells.at(-1)).top)),
                    all("thead th").filter((each) => each.offsetWidth).map((each) => [each.innerText.split(" ▼")[0], Math.round(box(each).right)])];
            }""",
            name,
        )
        assert places, name
        assert places == pytest.approx([wide] * len(places), abs=1)
        assert all(rows), name
        assert [head for head, _ in heads] == shown
        below = page.page.evaluate(
            "(name) => [...document.querySelectorAll(`#${name}-body tbody tr:not(.opened) td.number`)].filter((each) => each.offsetWidth).slice(0, 2).map((each) => Math.round(each.getBoundingClientRect().right))",
            name,
        )
        assert below == [right for _, right in heads[:2]], "numbers stand below their heads"
    assert audited(page) == []
    # Roles of a table stay, whatever it is laid out as.
    assert page.page.get_by_role("cell", name="decoder.py:353").count() > 0
    assert page.page.get_by_role("columnheader", name="growth").count() == 1
    assert page.wrong == []


def functions(page: Page, *columns: int) -> list[tuple[str, ...]]:
    """Those cells of each row of the functions."""
    rows = page.page.locator("#functions-body tbody tr:not(.opened)")
    return [
        tuple(row.locator("td").nth(at).inner_text().strip() for at in columns)
        for row in rows.all()
    ]


def test_functions_have_what_they_hold_themselves_and_with_what_they_call(
    browser: Any, tmp_path: Path
) -> None:
    """By hand of what :func:`leaking` says: 99,309 B more by json for process, 11,000 B less by old.py for take."""
    page = opened(browser, tmp_path, html(leaking()))
    # Self, total, function: lines without a name stand for themselves.
    assert functions(page, 0, 1, 2) == [
        ("+97.0 KiB", "+97.0 KiB", "json/decoder.py:353"),
        ("0 B", "+97.0 KiB", "celery/app/trace.py:760"),
        ("0 B", "+97.0 KiB", "process tasks.py"),
        ("0 B", "-10.7 KiB", "take tasks.py"),
        ("-10.7 KiB", "-10.7 KiB", "old.py:3"),
    ]
    assert page.text("#functions-body tfoot").split("\n")[-1].split("\t")[0] == "+86.2 KiB"
    page.page.get_by_role("radio", name="what is alive").check()
    alive = functions(page, 0, 1, 2, 4)
    assert ("48.8 KiB", "16 %", "48.8 KiB", "cache.py:7") in alive
    # What is left once is what two of take's callees hold.
    assert ("0 B", "0 %", "116.2 KiB", "take tasks.py") in alive
    page.page.get_by_label("Own code only").click()
    assert [name for _, name in functions(page, 0, 4)] == [
        "process tasks.py", "old.py:3", "cache.py:7", "take tasks.py",
    ]  # fmt: skip
    page.page.get_by_role("radio", name="package").check()
    assert page.wrong == []


def test_functions_are_sorted_searched_and_walked(browser: Any, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, html(leaking(), leaking(4243)))
    head = page.page.locator("#functions-body thead th")
    assert head.nth(0).get_attribute("aria-sort") == "descending"
    page.page.locator("#functions-body thead").get_by_role("button", name="total").click()
    assert head.nth(1).get_attribute("aria-sort") == "descending"
    page.page.locator("#functions-body thead").get_by_role("button", name="total").click()
    assert functions(page, 1)[0] == ("-21.5 KiB",)
    assert "all 2 processes" in page.text("#functions-of")

    page.page.locator("#functions-body .open", has_text="process").press("Enter")
    opened_row = page.text("#functions-body tr.opened")
    assert "Called from" in opened_row
    assert "app/trace.py:760" in opened_row
    page.page.locator("#functions-body tr.opened .link", has_text="decoder.py").click()
    assert "process tasks.py" in page.text("#functions-body tr.opened")
    assert "Nothing: all of it is held by itself." in page.text("#functions-body tr.opened")
    page.page.get_by_role("button", name="Find in the flame graph").click()
    page.until("document.querySelector('#flame-controls .found').textContent.includes('1 box,')")
    page.page.get_by_role("searchbox", name="Search function or file").fill("OLD.py")
    page.until("document.querySelector('#functions-controls .found').textContent === '1 of 5 rows'")
    assert audited(page) == []
    page.page.set_viewport_size({"width": 390, "height": 800})
    page.until("document.documentElement.scrollWidth <= 390")
    assert len(functions(page, 0)) == 1, "what was searched stays so in another width"
    assert page.wrong == []


def test_a_function_that_calls_itself_is_counted_once_a_stack(browser: Any, tmp_path: Path) -> None:
    walk = "/srv/shop/tree.py:5 < /srv/shop/tree.py:7 < /srv/shop/tree.py:7 < /srv/shop/tasks.py:1"
    told = history(
        (walk, SLOPE, [10] * 12), frames={"/srv/shop/tree.py": {5: ("walk", ""), 7: ("walk", "")}}
    )
    page = opened(browser, tmp_path, html(told))
    assert functions(page, 0, 1, 2) == [
        ("+97.0 KiB", "+97.0 KiB", "walk tree.py"), ("0 B", "+97.0 KiB", "tasks.py:1"),
    ]  # fmt: skip
    page.page.locator("#functions-body .open", has_text="walk").click()
    around = page.text("#functions-body tr.opened")
    assert "+97.0 KiB tasks.py:1" in " ".join(around.split())
    assert "Nothing: all of it is held by itself." in around


@pytest.mark.parametrize("nodes", [0, 3, 6000])
def test_functions_and_what_stands_in_none_add_up(browser: Any, tmp_path: Path, nodes: int) -> None:
    """What is drawn together is told below the functions, and lost nowhere."""
    report = reported(leaking(), hostile(), nodes=nodes)
    page = opened(browser, tmp_path, document(report))
    page.page.get_by_role("radio", name="what is alive").check()
    told = page.page.evaluate(
        """() => {
            const bytes = (text) => {
                const [number, unit] = text.trim().split(" ");
                return Number(number.replaceAll(",", "")) * 1024 ** ["B", "KiB", "MiB"].indexOf(unit);
            };
            const cells = (rows) => [...document.querySelectorAll(`#functions-body ${rows}`)].map((row) => bytes(row.cells[0].textContent));
            return [cells("tbody tr"), cells("tfoot tr")];
        }"""
    )
    rows, (*apart, whole) = told
    # Each is told with one decimal: twelve rows of KiB and MiB are off by a few percent of one MiB.
    rounded = 0.05 * (1024 * len(rows + apart) + 1024**2)
    assert whole == pytest.approx(sum(weight.now for weight in report.tree.totals), abs=rounded)
    assert sum(rows) + sum(apart) == pytest.approx(whole, abs=rounded)
    assert bool(apart) == (nodes < 6000)
    assert page.wrong == []


def test_the_timeline_is_zoomed(browser: Any, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, html(leaking(), leaking(4243)))
    over = page.page.locator("#timeline-plot .u-over")
    box = over.bounding_box()
    ticks = "document.querySelector('#timeline-plot canvas').toDataURL()"
    whole = page.page.evaluate(ticks)
    page.page.mouse.move(box["x"] + 100, box["y"] + 50)
    page.page.mouse.down()
    page.page.mouse.move(box["x"] + 300, box["y"] + 50, steps=5)
    page.page.mouse.up()
    page.until(f"{ticks} !== {json.dumps(whole)}")
    page.page.get_by_role("button", name="Whole time").click()
    page.until(f"{ticks} === {json.dumps(whole)}")
    page.page.get_by_label("Process").first.select_option("all")
    assert "4243" in page.text("#timeline-plot .u-legend")
    assert page.wrong == []


def test_lines_of_a_pool_are_told_apart_and_the_legend_shows_each_as_it_is_drawn(
    browser: Any, tmp_path: Path
) -> None:
    """A pool whose children are replaced has more of them than there are colours."""
    page = opened(browser, tmp_path, html(*(leaking(4242 + number) for number in range(16))))
    page.page.get_by_label("Process").first.select_option("all")
    shown = page.page.evaluate(
        """[...document.querySelectorAll("#timeline-plot .u-legend .u-marker line")].map((line) => [
            line.getAttribute("stroke"), line.getAttribute("stroke-dasharray"), line.getBoundingClientRect().width > 20])"""
    )
    assert len(shown) == 16
    assert len({(stroke, dashes) for stroke, dashes, _ in shown}) == 16
    assert (
        len({stroke for stroke, _, _ in shown[:4]})
        == len({dashes for _, dashes, _ in shown[:4]})
        == 4
    )
    assert all(visible for _, _, visible in shown)
    assert "where a process began" in page.text("#timeline-help")
    assert page.wrong == []


def test_hostile_names_do_nothing(browser: Any, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, html(hostile()))
    page.page.get_by_label("Every frame").click()
    page.settled()
    for button in page.page.locator("#table-body .open").all():
        button.click()
    for number in range(page.page.locator("#flame-graph g.frame").count()):
        page.page.locator("#flame-graph g.frame").nth(number).hover(force=True)
    assert "owned" not in page.page.title().replace(HOSTILE[0], "").replace(HOSTILE[1], "")[:9]
    assert page.page.evaluate("document.title") != "owned"
    assert page.page.locator("img").count() == 0
    assert "\\u202e" in page.text("body")
    assert page.wrong == []


def test_it_prints_light_and_unfolded(browser: Any, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, html(leaking(), leaking(4243)), color_scheme="dark")
    # Into no file: Playwright writes one with threads of its own, which stay.
    pdf = page.page.pdf(format="A4", print_background=True)
    assert pdf.startswith(b"%PDF")
    page.page.emulate_media(media="print")
    page.until("document.documentElement.dataset.theme === 'light'")
    assert page.page.locator("main details:not([open])").count() == 0
    assert page.page.locator(".controls").first.is_hidden()
    page.page.emulate_media(media="screen")
    page.until("document.documentElement.dataset.theme !== 'light'")
    assert page.page.locator("main details:not([open])").count() > 0
    assert page.wrong == []


def test_on_paper_sums_stand_at_the_end_alone_and_what_is_not_listed_is_told(
    browser: Any, tmp_path: Path
) -> None:
    """A footer is repeated on every sheet, where it reads as the sum of that sheet; a button is not printed."""
    many = history(*((f"/srv/shop/m{at}.py:1", [at, 100 + 2 * at], [1, 2]) for at in range(60)))
    page = opened(browser, tmp_path, html(many))
    page.page.emulate_media(media="print")
    ends = page.page.evaluate(
        "[...document.querySelectorAll('tfoot')].map((each) => getComputedStyle(each).display)"
    )
    assert ends
    assert set(ends) == {"table-row-group"}
    for name, number in (("functions", 60), ("table", 60)):
        assert f"25 of {number} rows are listed." in page.text(f"#{name}-body > p")
        assert page.page.locator(f"#{name}-body > p button").is_hidden()
    assert page.wrong == []


def test_what_is_drawn_is_whole_when_the_paper_is_taken(browser: Any, tmp_path: Path) -> None:
    """A browser prints what is there when its event returns: no movement may be under way then."""
    page = opened(browser, tmp_path, html(leaking(), leaking(4243)), color_scheme="dark")
    boxes = """[...document.querySelectorAll('#flame-graph g.frame')].map((each) => [
        Number(each.querySelector('rect').getAttribute('width')), each.querySelector('div').textContent])"""
    shown = page.page.evaluate(boxes)
    assert len(shown) > 3
    printed = page.page.evaluate(
        f"() => {{ dispatchEvent(new Event('beforeprint')); return {boxes}; }}"
    )
    assert [name for _, name in printed] == [name for _, name in shown]
    part = printed[0][0] / shown[0][0]  # a sheet is as wide as it is, whatever the window
    assert [width for width, _ in printed] == pytest.approx(
        [width * part for width, _ in shown], abs=1
    )
    page.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.wrong == []


@pytest.mark.parametrize("width", [1280, 390])
def test_all_that_is_drawn_fits_a_sheet_from_a_window_of_any_width(
    browser: Any, tmp_path: Path, width: int
) -> None:
    """At the browser's event the page is as wide as its window still: a wide one was cut off, a narrow one stayed small."""
    page = opened(browser, tmp_path, html(leaking(), leaking(4243)))
    page.page.set_viewport_size({"width": width, "height": 900})
    page.until(f"document.documentElement.scrollWidth <= {width}")
    widths = """[...document.querySelectorAll("#flame-graph svg, .u-wrap")].map((each) => parseFloat(each.getAttribute("width") ?? each.style.width))"""
    printed = page.page.evaluate(
        # uPlot gives its parts their size in a microtask, which a browser runs before it prints.
        f"async () => {{ dispatchEvent(new Event('beforeprint')); await null; return {widths}; }}"
    )
    timeline, *findings, graph = printed
    assert timeline == graph == 680
    assert findings
    assert set(findings) == {272}
    # A4 with margins of a centimetre: 718 CSS pixels, which on a screen are a narrow page.
    page.page.set_viewport_size({"width": 718, "height": 1000})
    page.page.emulate_media(media="print")
    page.until("document.documentElement.scrollWidth <= 718")
    assert page.page.locator("#table-body .minor").first.is_visible()
    arrow = "getComputedStyle(document.querySelector('#table-body .open'), '::before').display"
    assert page.page.evaluate(arrow) == "none"
    # Smaller than any sheet that was thought of: the graph shrinks with it.
    page.page.set_viewport_size({"width": 400, "height": 600})
    page.until(
        "document.querySelector('#flame-graph svg').getBoundingClientRect().right <= innerWidth"
    )
    assert page.wrong == []


#: Notes every text that is drawn on a canvas, with where its middle or its end is and how wide it is, in CSS pixels.
LABELS = """
    window.labels = [];
    const fill = CanvasRenderingContext2D.prototype.fillText;
    CanvasRenderingContext2D.prototype.fillText = function (text, x, ...rest) {
        const at = this.getTransform().transformPoint({ x, y: rest[0] }).x;
        const part = { left: 1, center: 0.5, right: 0 }[this.textAlign];
        window.labels.push([text, at + part * this.measureText(text).width, this.canvas.width, at - (1 - part) * this.measureText(text).width]);
        return fill.call(this, text, x, ...rest);
    };
"""


@pytest.mark.parametrize("width", [1280, 390])
def test_no_label_of_an_axis_is_cut_off(browser: Any, tmp_path: Path, width: int) -> None:
    """The last moment stands at the right edge where no other axis is; tasks may be millions."""
    tasks = [300_000_000 * at for at in range(1, 13)]
    line = ("/srv/shop/tasks.py:40", SLOPE, [10] * 12)
    page = Page(browser.new_context(viewport={"width": width, "height": 900}).new_page())
    page.page.add_init_script(LABELS)
    path = tmp_path / "report.html"
    path.write_text(html(history(line, tasks=tasks), history(line, tasks=tasks, pid=9)))
    page.page.goto(path.as_uri())
    page.until("document.documentElement.dataset.ready === 'yes'")
    page.page.get_by_label("Process").first.select_option("all")
    drawn = page.page.evaluate("window.labels")
    assert len(drawn) > 10
    assert [label for label in drawn if label[1] > label[2] or label[3] < 0] == []
    assert page.wrong == []


def test_tasks_are_counted_whole_and_told_only_where_some_ran(browser: Any, tmp_path: Path) -> None:
    """An axis read 0, 0, 0, 1, 1, 1; and a program that runs none had a line and an axis of nothing."""
    line = ("/srv/shop/tasks.py:40", SLOPE, [10] * 12)
    few = history(line, tasks_done=[0] * 6 + [1] * 6)
    page = Page(browser.new_context(viewport={"width": 1280, "height": 900}).new_page())
    page.page.add_init_script(LABELS)
    for tasks, told in ((few, True), (history(line, tasks_done=[0] * 12), False)):
        path = tmp_path / "report.html"
        path.write_text(html(tasks))
        page.page.goto(path.as_uri())
        page.until("document.documentElement.dataset.ready === 'yes'")
        labels = page.page.evaluate(
            "window.labels.filter(([, end, whole]) => whole > 1000 && end > whole - 60).map(([text]) => text)"
        )
        counts = [label for label in labels if ":" not in label]
        assert counts[:2] == (["0", "1"] if told else []), labels
        assert ("tasks" in page.text("#timeline-plot .u-legend")) is told
    assert page.wrong == []


def test_dark_and_light_change_by_hand(browser: Any, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, html(leaking()))
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.page.evaluate(ground)
    page.page.get_by_role("button", name="Dark / light").click()
    assert page.page.evaluate(ground) != light
    page.page.get_by_role("button", name="Dark / light").click()
    assert page.page.evaluate(ground) == light
    assert page.wrong == []


def test_it_reads_without_its_script(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(html(leaking()), encoding="utf-8")
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(path.as_uri())
    said = page.inner_text("body")
    assert "ORDERS.append(json.loads(text))" in said
    assert "does not run here" in said


def test_sizes_read_on_the_page_as_in_the_terminal(browser: Any, tmp_path: Path) -> None:
    """The script's formatter and units.py, on what each boundary has on either side."""
    from leakhunt import units

    amounts = [sign * (base**power + step) for sign in (1, -1) for base in (2, 10)
               for power in range(50 if base == 2 else 15) for step in (-1, 0, 1, 511, 512, 513)]  # fmt: skip
    source = (Path(__file__).parents[2] / "leakhunt/render/html/app/src/units.js").read_text()
    page = browser.new_page()
    page.set_content("<p></p>")
    program = (
        source.replace("export ", "")
        + "; return values.map((value) => [size(value), signedSize(value), share(value / 1e6), count(value)]);"
    )
    found = page.evaluate(f"(values) => {{ {program} }}", amounts)
    expected = [
        [units.size(each), units.signed_size(each), units.share(each / 1e6), units.count(each)]
        for each in amounts
    ]
    assert json.loads(json.dumps(found)) == expected
