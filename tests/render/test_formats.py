"""The one dispatch: every report and format leads to a function that is there."""

from __future__ import annotations

import inspect

import pytest

from leakhunt.model.query import Query
from leakhunt.render import formats
from leakhunt.render.screen import CSV, JSON, MARKDOWN, TABLE, Screen
from leakhunt.report.tables import top
from tests.support.builders import snap


@pytest.mark.parametrize(("report", "form"), formats.RENDERERS)
def test_what_is_named_exists_and_takes_what_it_is_given(report: str, form: str) -> None:
    function = formats.renderer(report, form)
    needed = [
        each
        for each in inspect.signature(function).parameters.values()
        if each.default is each.empty
    ]
    assert len(needed) == (2 if form == TABLE else 1)


def test_every_report_can_be_read_by_an_eye() -> None:
    reports = {report for report, _ in formats.RENDERERS}
    assert all((report, TABLE) in formats.RENDERERS for report in reports)


def test_the_formats_of_a_report_stand_in_one_order() -> None:
    assert formats.formats("TopReport") == (TABLE, JSON, CSV, MARKDOWN)
    assert formats.formats("FlameReport") == (TABLE,)
    assert formats.formats("NoReport") == ()


def test_a_format_that_a_report_does_not_have_is_an_error() -> None:
    report = top(snap("/srv/a.py:1 1KiB x1"), Query())
    assert formats.text(report, CSV, Screen()).startswith("rank,")
    with pytest.raises(KeyError):
        formats.text(report, "sarif", Screen())
