"""The shape of a rule: what is not said holds."""

from __future__ import annotations

from leakhunt.advice.rule import AGENT, CALL, FACTS, SHAPE, Advice, Look, Sign


def test_who_knows_more_weighs_more() -> None:
    assert AGENT > CALL > SHAPE > FACTS


def test_an_empty_condition_is_none() -> None:
    sign = Sign()
    assert (sign.inside, sign.innermost, sign.line, sign.head) == ((), None, "", "")
    assert Look().module == "*"


def test_advice_has_what_json_tells_of_it() -> None:
    assert list(Advice.__dataclass_fields__) == ["pattern", "why", "fix", "source", "because"]
