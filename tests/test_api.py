"""The notebook's side: a few functions, frozen values."""

from __future__ import annotations

import pytest

from leakhunt import api
from leakhunt.model.snapshot import Tally
from tests.support.builders import snap
from tests.support.places import SNAPSHOTS as RECORDED

BEFORE = snap(
    "/srv/shop/a.py:1 1KiB x1", "/usr/lib/python3.11/json/x.py:2 < /srv/shop/b.py:7 1KiB x1"
)
AFTER = snap(
    "/srv/shop/a.py:1 1KiB x1", "/usr/lib/python3.11/json/x.py:2 < /srv/shop/b.py:7 9KiB x9"
)


def test_load_compare_rows() -> None:
    before, after = api.load(RECORDED / "leakhunt-before.bin", RECORDED / "leakhunt-after.bin")
    found = api.compare(before, after, keep="shop", limit=1)
    assert api.rows(found)[0]["line"] == 11
    assert found.rows[0].change.site.file == "/srv/shop/tasks.py"
    assert len(api.load(str(RECORDED / "leakhunt-*.bin"))) == 2


def test_keep_and_group() -> None:
    mine = api.keep(AFTER, "shop.b")
    assert mine.totals == Tally(9 << 10, 9)
    assert [row["package"] for row in api.rows(api.group(mine, by="package"))] == ["json"]
    assert api.keep(AFTER, "shop", innermost=True).totals == Tally(1 << 10, 1)
    assert api.keep(AFTER, "shop", drop="json").totals == Tally(1 << 10, 1)
    assert api.group(AFTER, keep=["json", "shop.b"]).rows[0].change.site.file == (
        "/usr/lib/python3.11/json/x.py"
    )


def test_options_are_the_commands_options() -> None:
    assert api.rows(api.compare(BEFORE, AFTER, blame="app"))[0]["file"] == "/srv/shop/b.py"
    assert api.rows(api.compare(BEFORE, AFTER, keep="shop"))[0]["size_diff"] == 8 << 10
    with pytest.raises(ValueError, match="by must be one of lineno"):
        api.group(AFTER, by="line")
    with pytest.raises(TypeError):
        api.group(AFTER, wrong=1)
