"""The same advice for many workers is said once, with every figure that differs."""

from __future__ import annotations

import json

import pytest

from leakhunt.advice.doctor.case import ADVICE, NOTE, Finding
from leakhunt.model.configuration import Configuration, Surroundings
from leakhunt.render.json import doctor as jsonout
from leakhunt.render.screen import Screen
from leakhunt.render.terminal import doctor as terminal
from leakhunt.report.doctor import DoctorReport, alike, doctor
from leakhunt.report.ps import Growth, ps
from leakhunt.report.words import doctor as words
from tests.support.doctoring import crew
from tests.support.fleet import machine, process


def finding(where: str, what: str = "no concurrency is set", value: object = 4) -> Finding:
    return Finding(
        ADVICE, "concurrency", where, what, "cores count", "worker_concurrency", value, "https://x"
    )


def report(*findings: Finding) -> DoctorReport:
    return DoctorReport(findings, words.looked_at("proj", 7), ())


def test_one_advice_for_six_workers_is_one_paragraph() -> None:
    found = report(*(finding(f"w{n}@h") for n in range(6)))
    text = terminal.doctor(found, Screen(100, verbose=True))
    assert text.count("cores count") == 1
    assert text.count("-> worker_concurrency = 4") == 1
    assert "advice  w0@h, w1@h, w2@h, w3@h and 2 more: no concurrency is set" in text
    assert len(json.loads(jsonout.doctor(found))["findings"]) == 6


def test_figures_that_differ_are_each_told() -> None:
    found = report(finding("a@h", "grows by 1 KiB", 100), finding("b@h", "grows by 2 KiB", 50))
    text = terminal.doctor(found, Screen(100, verbose=True))
    assert "a@h: grows by 1 KiB" in text
    assert "b@h: grows by 2 KiB" in text
    assert text.count("cores count") == 1
    assert "-> worker_concurrency = 100  (a@h)" in text
    assert "-> worker_concurrency = 50  (b@h)" in text


def test_the_first_page_says_what_is_wrong_and_what_to_set() -> None:
    text = terminal.doctor(report(finding("a@h")), Screen(80))
    assert text.splitlines()[2:] == [
        "advice  a@h: no concurrency is set",
        "  -> worker_concurrency = 4",
        "",
        "-v says why, and where that is documented",
    ]


def test_an_address_is_in_one_piece_however_narrow_the_page() -> None:
    address = f"https://docs.example.org/{'a-long-name/' * 8}page.html"
    found = DoctorReport((Finding(NOTE, "n", "a@h", "w", "y", source=address),), "x", ())
    assert address in terminal.doctor(found, Screen(60, verbose=True))


def test_no_finding_is_lost_by_grouping() -> None:
    found = [
        finding("a@h"), finding("b@h", "other"), finding("a@h", value=None),
        Finding(NOTE, "n", "a@h", "w", "y"), Finding(NOTE, "n", "a@h", "w", "z"),
    ]  # fmt: skip
    groups = alike(found)
    assert sorted(map(len, groups)) == [1, 1, 3]
    assert sorted(map(str, (each for group in groups for each in group))) == sorted(map(str, found))


def test_a_program_that_is_no_worker_is_not_the_apps() -> None:
    """Whoever asks in CI about an app is told of it, and not of what else carries the hook on that machine."""
    odd = process(7, "program", celery=None, hooked=True, signal="none")
    everything = ps([*crew(count=1), odd], machine())
    app = Configuration("proj", {}, broker="redis", backend=None, django={}, versions={})
    places = {each.where for each in doctor(app, everything, Surroundings()).findings}
    assert "program 7" not in places
    assert "program 7" in {each.where for each in doctor(None, everything, Surroundings()).findings}


def test_what_was_looked_at() -> None:
    assert words.looked_at("proj", 1) == "the configuration of app proj and 1 running process"
    assert words.looked_at(None, 0).startswith("0 running processes; no app was named")


@pytest.mark.parametrize(
    ("collects", "frozen", "rules"),
    [
        (False, 0, {"collector-off"}),
        (True, 90_000, {"collector-frozen"}),
        (False, 90_000, {"collector-off", "collector-frozen"}),
        (True, 0, set()),
        (None, None, set()),
    ],
)
def test_what_the_newest_snapshots_say_of_the_collector_is_looked_at(
    collects: bool | None, frozen: int | None, rules: set[str]
) -> None:
    grown = Growth(5 << 20, 3600.0, 100, 3, collects=collects, frozen=frozen)
    (child,) = crew(count=1)[1:]
    found = doctor(None, ps([child], machine(), {child.identity: grown}), Surroundings())
    told = [each for each in found.findings if each.rule.startswith("collector-")]
    assert {each.rule for each in told} == rules
    assert {each.where for each in told} <= {f"child {child.pid}"}
