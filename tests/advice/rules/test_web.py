"""The known leaks of one file: each says what must be said, and is recognised without the other files."""

from __future__ import annotations

import pytest

from leakhunt.advice.rules import web
from tests.support import rule_laws


def test_every_rule_says_what_why_and_where() -> None:
    rule_laws.obeyed(web)


def test_its_examples_are_recognised_without_the_other_files(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rule_laws.stands_alone(web, monkeypatch)
