"""Types that grow, as JSON and CSV: unrounded, and alike."""

from __future__ import annotations

import csv
import io
import json

from tests.support.heaps import FILLS, UP, census, types_report
from tests.support.pages import text_of


def test_rows_are_ranked_and_their_series_whole() -> None:
    shown = types_report(census(**{"shop.Order": UP, "a|b`c": FILLS}), limit=2)
    told = json.loads(text_of(shown, "json"))
    assert told["schema"] == "leakhunt/types@1"
    assert [row["type"] for row in told["rows"]] == ["shop.Order", "a|b`c"]
    assert told["rows"][0]["series"] == UP
    assert told["rows"][0]["size_last"] == UP[-1]
    rows = list(csv.DictReader(io.StringIO(text_of(shown, "csv"))))
    assert [row["type"] for row in rows] == ["shop.Order", "a|b`c"]
    assert int(rows[0]["size_last"]) == UP[-1]
