"""What every file of known leaks must obey."""

from __future__ import annotations

import re
from types import ModuleType

import pytest

from leakhunt.advice import match
from leakhunt.advice.match import advise
from leakhunt.advice.rule import AGENT, CALL, FACTS, SHAPE, Rule
from tests.support.known_examples import EXAMPLES, seen


def rules_of(module: ModuleType) -> tuple[Rule, ...]:
    """Every rule that a file has."""
    told = [
        value for name, value in vars(module).items() if name.isupper() and isinstance(value, tuple)
    ]
    return tuple(rule for value in told for rule in value if isinstance(rule, Rule))


def obeyed(module: ModuleType) -> None:
    """Each rule says what it is, why, what ends it and where that is written, and needs a condition."""
    rules = rules_of(module)
    assert rules
    for rule in rules:
        assert re.fullmatch(r"[a-z0-9-]+", rule.pattern), rule.pattern
        assert rule.tier in (AGENT, CALL, SHAPE, FACTS), rule.pattern
        assert rule.signs, rule.pattern
        for said in (rule.title, rule.why, rule.fix):
            assert said.strip() == said != "", rule.pattern
        assert rule.source, rule.pattern


def stands_alone(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its examples are told by this file's rules, where there are no others at all."""
    rules = rules_of(module)
    patterns = {rule.pattern for rule in rules}
    monkeypatch.setattr(match, "RULES", rules)
    told = {
        example.name: (advice.pattern if (advice := advise(seen(example))) else None)
        for example in EXAMPLES
        if example.pattern in patterns
    }
    assert told
    assert {name for name, pattern in told.items() if pattern not in patterns} == set()
