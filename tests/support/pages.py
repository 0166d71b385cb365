"""Reports as text, in any format, with the laws looked after on the way."""

from __future__ import annotations

import json
from typing import Any

from leakhunt.model.snapshot import Snapshot
from leakhunt.render import formats
from leakhunt.render.screen import CSV, JSON, MARKDOWN, TABLE, Screen
from leakhunt.report.place import place
from leakhunt.sites.place import Shown
from tests.support import laws, reading


def page(
    report: object, width: int = 100, verbose: bool = True, color: bool = False, height: int = 24
) -> str:
    """For the eye."""
    laws.obeyed(report)
    text = formats.text(report, TABLE, Screen(width, color, verbose=verbose, height=height))
    reading.reads_well(text, folded=True)
    return text


def shown_as(found: Shown, snapshot: Snapshot, width: int = 100) -> str:
    """A place for the eye, without its source."""
    return page(place(found, snapshot, None), width)


def text_of(report: object, form: str) -> str:
    """In another format."""
    laws.obeyed(report)
    return formats.text(report, form, Screen())


def as_json(report: object) -> str:
    text = text_of(report, JSON)
    reading.adds_up(json.loads(text))
    return text


def document(report: object) -> Any:
    return json.loads(as_json(report))


def as_csv(report: object) -> str:
    return text_of(report, CSV)


def as_markdown(report: object) -> str:
    text = text_of(report, MARKDOWN)
    reading.reads_well(text, folded=True)
    return text
