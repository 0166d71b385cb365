"""The laws hold for every report of the snapshots that are kept here, and the law checker sees what breaks them."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from leakhunt.model.query import Query
from leakhunt.render import formats
from leakhunt.report import tables, trend
from tests.support import laws, reading, recorded
from tests.support.builders import history, snap
from tests.support.console import grown
from tests.support.places import ROOT

SNAPSHOTS = ROOT / "fixtures" / "snapshots"


def test_every_kind_of_report_has_its_laws() -> None:
    names = {name for name, _ in formats.RENDERERS}
    assert set(laws.LAWS) == names
    assert {kind.__name__ for kind in laws.kinds()} | {"PruneReport"} == names


@pytest.mark.parametrize("version", ["3.9", "3.11", "3.13"])
def test_reports_of_plain_dumps_obey(version: str, tmp_path: Path) -> None:
    folder = tmp_path / "dumps"
    folder.mkdir()
    for side in ("before", "after"):
        shutil.copy(SNAPSHOTS / f"py{version}-nframe5-{side}.bin", folder / f"{side}.bin")
    assert list(recorded.wrong(tmp_path)) == []


def test_reports_of_a_workers_snapshots_obey(tmp_path: Path) -> None:
    folder = tmp_path / "celery@web1-4242"
    folder.mkdir()
    for number, side in enumerate(("before", "after"), 1):
        shutil.copy(SNAPSHOTS / f"leakhunt-{side}.bin", folder / f"{number:06d}-x.bin")
    assert list(recorded.wrong(tmp_path)) == []


def test_reports_of_a_pool_with_a_leak_obey(tmp_path: Path) -> None:
    for pid in (4242, 4243):
        grown(tmp_path / f"celery@web1-{pid}", 8, pid=pid)
    assert list(recorded.wrong(tmp_path)) == []


# -- the checker itself -----------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        "reaches its limit in 1 tasks", "of 3 process it grew", "in 12 block", "1 lines more",
        "36 of 100: 136 % of the RSS growth", "about 1.2e+06 B", "at None", "+nan B per task", "1 are left",
        "by 1 sample, and 2 sample more", "+1.9 KiB per task (95 %: 1 B to 2 B), 2 blocks per task, by 2 samples",
        "the child reaches its memory limit soon\n\nthe child reaches its memory limit soon",
    ],
)  # fmt: skip
def test_a_sentence_that_is_not_true_is_seen(wrong: str) -> None:
    with pytest.raises(AssertionError):
        reading.reads_well(wrong)


@pytest.mark.parametrize(
    "right",
    [
        "in 1 task", "of 1,001 tasks", "1 line more (-n 0 shows all)", "0 snapshots", "seen in 1 of 3 children",
        "36 % of the RSS growth", "snapshot 1 of 12", "0.1 blocks", "row 1 is ranked", "shop.py:1 tasks",
        "0.01 blocks per task, by 1,000 samples",
    ],
)  # fmt: skip
def test_a_sentence_that_is_true_passes(right: str) -> None:
    reading.reads_well(right)


@pytest.mark.lawless("a byte is lost: that is what is looked for")
def test_a_table_that_loses_a_byte_is_seen() -> None:
    report = tables.top(
        snap("/srv/shop/a.py:1 4KiB x10", "/srv/shop/b.py:1 1KiB x1"), Query(limit=1)
    )
    laws.obeyed(report)
    lost = replace(report.comparison, remainder_sites=0, rows=())
    with pytest.raises(AssertionError):
        laws.obeyed(replace(report, comparison=lost))


@pytest.mark.lawless("each of these contradicts itself: that is what is looked for")
def test_a_verdict_that_contradicts_its_findings_is_seen() -> None:
    sizes = [100_000 * n for n in range(1, 11)]
    report = trend.trend([history(("/srv/shop/tasks.py:40", sizes, list(range(1, 11))))])
    laws.obeyed(report)
    (finding,) = report.verdict.findings
    for changed in (
        replace(report.verdict, verdict="no-leak"),
        replace(report.verdict, findings=(replace(finding, share=1.4),)),
        replace(report.verdict, findings=(replace(finding, low=finding.rate + 1),)),
        replace(report.verdict, findings=()),
    ):
        with pytest.raises(AssertionError):
            laws.obeyed(replace(report, verdict=changed))
