"""Pages for tests: histories with a known leak, with awkward names, with many processes."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

from leakhunt.judge.history import History
from leakhunt.render.html.page import document
from leakhunt.report.page import PageReport, page
from leakhunt.report.trend import trend
from tests.support.builders import history

#: Every one would do harm somewhere: end an element, be a tag, turn text round, ring a bell.
HOSTILE = (
    "/srv/shop/</script><script>document.title='owned'</script>.py",
    "/srv/shop/<img src=x onerror=\"document.title='owned'\">.py",
    "/srv/shop/\u202egnp.\u2066exe.py",
    "/srv/shop/\x1b[31mred\x07\x00.py",
    "/srv/shop/'\"&amp;`${document.title='owned'}.py",
    "/srv/shop/\udcff\u2028\u2029--><!--.py",
)

SLOPE = [100_000 + 9_000 * at + (at * 7919) % 400 for at in range(12)]
FLAT = [50_000] * 12


def leaking(pid: int = 4242, **facts: Any) -> History:
    """A leak of 90 bytes a task in shop/tasks.py:40, a cache that filled, a line that shrank."""
    return history(
        ("/usr/lib/python3.11/json/decoder.py:353 < /srv/shop/tasks.py:40 < /srv/venv/lib/python3.11/site-packages/celery/app/trace.py:760",
         SLOPE, [size // 64 for size in SLOPE]),
        ("/srv/shop/cache.py:7 < /srv/shop/tasks.py:24", FLAT, [100] * 12),
        ("/srv/shop/old.py:3 < /srv/shop/tasks.py:24", [80_000 - 1_000 * at for at in range(12)], [50] * 12),
        frames={"/srv/shop/tasks.py": {40: ("process", "ORDERS.append(json.loads(text))"), 24: ("take", "process(order)")}},
        tasks=[100 * at for at in range(1, 13)],
        pid=pid,
        **facts,
    )  # fmt: skip


def hostile() -> History:
    """Names that nobody should have, in every place where a name is shown."""
    lines = [
        (f"{name}:{at} < {HOSTILE[0]}:99", [size * at for size in SLOPE], [10 * at] * 12)
        for at, name in enumerate(HOSTILE, 1)
    ]
    frames = {name: {at: (name, f"{name} # </code>")} for at, name in enumerate(HOSTILE, 1)}
    return history(*lines, frames=frames, node=HOSTILE[1], pool=HOSTILE[0], python=HOSTILE[4])


def reported(*histories: History, nodes: int = 6000) -> PageReport:
    return page(trend(histories, command="verdict"), 1_800_000_900.0, "1.2.3", nodes)


def html(*histories: History) -> str:
    return document(reported(*histories))


class Outline(HTMLParser):
    """Elements and the text of one page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.said = ""
        self.raw: dict[str, str] = {}
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        kind = dict(attrs).get("type")
        self._inside = tag if kind is None else kind

    def handle_data(self, text: str) -> None:
        if self._inside in ("script", "style", "application/json"):
            self.raw[self._inside] = self.raw.get(self._inside, "") + text
        else:
            self.said += f"{text} "

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""


def drawn(text: str) -> Any:
    """What the script of a page draws."""
    return json.loads(Outline(text).raw["application/json"])
