"""The shape of a rule: what is not said holds."""

from __future__ import annotations

import pytest

from leakhunt.advice.rule import AGENT, CALL, FACTS, SHAPE, Advice, Look, Rule, Sign


def test_who_knows_more_weighs_more() -> None:
    assert AGENT > CALL > SHAPE > FACTS


def test_an_empty_condition_is_none() -> None:
    sign = Sign()
    assert (sign.inside, sign.innermost, sign.line, sign.head) == ((), None, "", "")
    assert Look().module == "*"


@pytest.mark.parametrize(
    ("pattern", "made"),
    [
        ("logger-per-task", True), ("ssl-context-per-call", True), ("file-never-closed", True),
        ("threads-never-joined", True), ("callbacks-never-removed", False), ("logger-per-id", False),
    ],
)  # fmt: skip
def test_what_is_made_anew_is_known_by_how_its_pattern_ends(pattern: str, made: bool) -> None:
    rule = Rule(pattern, "a title", "why", "fix", "https://celery.dev/", (Sign(line="x"),))
    assert rule.is_made is made


def test_advice_has_what_json_tells_of_it() -> None:
    assert list(Advice.__dataclass_fields__) == ["pattern", "why", "fix", "source", "because"]
