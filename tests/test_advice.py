"""Known leaks: each rule on its own example, none on another's, none on plain growth."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakhunt import advice
from leakhunt.advice import Advice, Evidence, advise
from leakhunt.known import RULES
from leakhunt.known.rule import AGENT, CALL, FACTS, SHAPE, Sign
from leakhunt.model import Frame
from tests.known_examples import EXAMPLES, SITE, evidence, seen


def pattern(found: Advice | None) -> str | None:
    return found.pattern if found else None


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_each_example_yields_its_own_pattern(example: Any) -> None:
    found = advise(seen(example))
    assert pattern(found) == example.pattern
    assert found is not None
    assert found.because.startswith("looks like ")


def test_every_rule_has_an_example() -> None:
    # The two that need growth without stacks have a test of their own below.
    without = {rule.pattern for rule in RULES} - {example.pattern for example in EXAMPLES}
    assert without == {"sockets-growing", "descriptors-growing"}
