"""speedscope itself, in a browser: its importer takes what leakhunt writes, and its exporter gives it back."""

from __future__ import annotations

import base64
import io
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from leakhunt.model.snapshot import Snapshot
from leakhunt.render.export.formats import write_diff
from tests.support import node
from tests.support.browsing import chromium
from tests.support.builders import snap
from tests.support.exporting import exported, odd, read, recorded
from tests.support.places import SNAPSHOTS

BEFORE, AFTER = SNAPSHOTS / "leakhunt-before.bin", SNAPSHOTS / "leakhunt-after.bin"
#: Milliseconds after which what is waited for is taken for hung.
HANGS = 100_000

#: (name, file, line) of each frame, outermost first.
Called = tuple[tuple[Any, Any, Any], ...]


class Profile(NamedTuple):
    """One profile of a file, whoever wrote it."""

    name: str
    unit: str
    weights: Counter[Called]
    """By stack: what lies in it and in nothing below it."""


@pytest.fixture(scope="module")
def readers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return node.installed(tmp_path_factory.mktemp("node"))


@pytest.fixture
def browser() -> Iterator[Any]:
    with chromium() as launched:
        yield launched


def imported(browser: Any, readers: Path, name: str, content: bytes) -> list[Profile]:
    """What speedscope saves of a file that it has opened, as its command line opens one."""
    script = readers / "opened.js"
    text = base64.b64encode(content).decode()
    script.write_text(f"speedscope.loadFileFromBase64({json.dumps(name)}, {json.dumps(text)})")
    page = browser.new_page()
    page.set_default_timeout(HANGS)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))

    def refused(dialog: Any) -> None:
        wrong.append(dialog.message)
        dialog.dismiss()

    # It says in an alert what it cannot read.
    page.on("dialog", refused)
    index = readers / node.SPEEDSCOPE / "index.html"
    page.goto(f"{index.as_uri()}#localProfilePath={script}")
    page.wait_for_function("document.title !== 'speedscope'")
    with page.expect_download() as saved:
        page.keyboard.press("Control+s")
    assert wrong == []
    found = profiles(json.loads(Path(saved.value.path()).read_text(encoding="utf-8")))
    page.close()
    return found


def profiles(document: dict[str, Any]) -> list[Profile]:
    """Both kinds: stacks with weights, and calls that are entered and left."""
    frames = [
        (frame["name"], frame.get("file"), frame.get("line"))
        for frame in document["shared"]["frames"]
    ]
    found = []
    for profile in document["profiles"]:
        weights: Counter[Called] = Counter()
        if profile["type"] == "sampled":
            for sample, weight in zip(profile["samples"], profile["weights"]):
                weights[tuple(frames[at] for at in sample)] += weight
        else:
            open_: list[tuple[Any, Any, Any]] = []
            since = profile["startValue"]
            for event in profile["events"]:
                weights[tuple(open_)] += event["at"] - since
                since = event["at"]
                if event["type"] == "O":
                    open_.append(frames[event["frame"]])
                else:
                    assert open_.pop() == frames[event["frame"]]
            assert open_ == []
        found.append(Profile(profile["name"], profile["unit"], +weights))
    return found


def difference(before: Snapshot, after: Snapshot) -> bytes:
    out = io.BytesIO()
    write_diff("speedscope", out, before, after)
    return out.getvalue()


def test_it_opens_snapshots_and_gives_back_every_stack(browser: Any, readers: Path) -> None:
    """Of every Python, of a sampled engine, with odd names, without a block."""
    snapshots = [*map(read, recorded()), odd(), snap()]
    content = exported("speedscope", *snapshots)
    found = imported(browser, readers, "pool.speedscope.json", content)
    assert found == profiles(json.loads(content))
    assert [sum(profile.weights.values()) for profile in found] == [
        total for each in snapshots for total in (each.totals.size, each.totals.count)
    ]
    assert sum(len(profile.weights) for profile in found) > 200


def test_it_opens_a_difference(browser: Any, readers: Path) -> None:
    before, after = read(BEFORE), read(AFTER)
    for first, second in ((before, after), (before, before)):
        content = difference(first, second)
        grown, shrunk = imported(browser, readers, "change.speedscope.json", content)
        assert [grown, shrunk] == profiles(json.loads(content))
        by = sum(grown.weights.values()) - sum(shrunk.weights.values())
        assert by == second.totals.size - first.totals.size


def test_it_opens_the_other_formats_that_it_knows(browser: Any, readers: Path) -> None:
    pytest.importorskip("google.protobuf")
    for form, name in (("collapsed", "stacks.txt"), ("pprof", "heap.pb.gz")):
        for snapshot in (read(AFTER), odd()):
            found = imported(browser, readers, name, exported(form, snapshot))
            assert snapshot.totals.size in [sum(profile.weights.values()) for profile in found]


def test_its_schema_has_nothing_against_any_of_them(readers: Path) -> None:
    before, after = read(BEFORE), read(AFTER)
    documents = [
        exported("speedscope", before, after), exported("speedscope", odd()), difference(before, after),
    ]  # fmt: skip
    texts = [document.decode("utf-8") for document in documents]
    assert node.against(readers, node.SPEEDSCOPE_SCHEMA, *texts) == [[], [], []]
    broken = json.loads(texts[0])
    broken["profiles"][0]["unit"] = "pages"
    assert node.against(readers, node.SPEEDSCOPE_SCHEMA, json.dumps(broken)) != [[]]


def test_every_reader_is_pinned_and_hashed() -> None:
    asked = json.loads((node.READERS / "package.json").read_text())["dependencies"]
    locked = json.loads((node.READERS / "package-lock.json").read_text())["packages"]
    for name, version in asked.items():
        assert locked[f"node_modules/{name}"]["version"] == version
    for name, package in locked.items():
        if name:
            assert package["integrity"].startswith("sha512-")
            assert "resolved" not in package, "says where it was fetched from"
