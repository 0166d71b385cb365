"""speedscope: profiles that share their frames, weights that add up."""

from __future__ import annotations

import io
import json

import pytest

from leakhunt.render.export.formats import write_diff
from leakhunt.report.labels import Labels
from tests.support.builders import snap
from tests.support.exporting import exported

ONE = snap("/srv/shop/b.py:1 < /srv/shop/tasks.py:40 3000B x3", "/srv/shop/tasks.py:40 1000B x1")
TWO = snap("/srv/shop/b.py:1 < /srv/shop/tasks.py:40 5000B x5", "/srv/shop/c.py:1 10B x1")


def test_bytes_and_blocks_of_each_snapshot_are_a_profile() -> None:
    document = json.loads(exported("speedscope", ONE, TWO))
    assert [profile["unit"] for profile in document["profiles"]] == ["bytes", "none"] * 2
    for profile in document["profiles"]:
        assert profile["endValue"] == sum(profile["weights"])
        assert len(profile["weights"]) == len(profile["samples"])
    assert document["profiles"][0]["endValue"] == ONE.totals.size


def test_frames_are_shared_and_every_index_leads_to_one() -> None:
    document = json.loads(exported("speedscope", ONE, TWO))
    frames = document["shared"]["frames"]
    assert len(frames) == len({tuple(sorted(frame.items())) for frame in frames}) == 3
    used = {
        at for profile in document["profiles"] for sample in profile["samples"] for at in sample
    }
    assert used == set(range(len(frames)))


def test_a_diff_has_what_grew_and_what_shrank_apart() -> None:
    out = io.BytesIO()
    write_diff("speedscope", out, ONE, TWO)
    grown, shrunk = json.loads(out.getvalue())["profiles"]
    assert (sum(grown["weights"]), sum(shrunk["weights"])) == (2010, 1000)
    assert (grown["name"][:6], shrunk["name"][:6]) == ("grown:", "shrunk")


def test_the_schema_has_no_line_0() -> None:
    document = json.loads(exported("speedscope", snap("<frozen importlib>:0 10B x1")))
    assert all(frame.get("line", 1) > 0 for frame in document["shared"]["frames"])


def test_each_file_is_named_once_a_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not once a frame and profile: there are 10^5 frames, and names of files are looked up by patterns."""
    shortened: list[str] = []
    file = Labels.file

    def counted(self: Labels, name: str) -> str:
        shortened.append(name)
        return file(self, name)

    monkeypatch.setattr(Labels, "file", counted)
    deep = " < ".join(f"/srv/shop/b.py:{line}" for line in range(1, 40))
    exported("speedscope", snap(f"{deep} 3000B x3"), snap(f"{deep} 5000B x5"))
    assert shortened == ["/srv/shop/b.py"] * 2
