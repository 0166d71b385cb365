"""Versions compare as their numbers, and a name is one in any spelling."""

from __future__ import annotations

import pytest

from leakhunt.advice import versions
from leakhunt.advice.rule import Versions


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("5.5.3", "5.6"),
        ("5.6.0rc1", "5.6.0"),
        ("5.6.0b1", "5.6.0.post1"),
        ("5.9", "5.10"),
        ("v1", "2"),
    ],
)
def test_versions_in_order(earlier: str, later: str) -> None:
    assert versions._version(earlier) < versions._version(later)


@pytest.mark.parametrize(
    ("installed", "said"),
    [("5.0.5", False), ("5.0.6", True), ("5.1", True), ("5.2", False), ("unknown", False)],
)
def test_a_rule_speaks_of_the_versions_from_the_first_to_before_the_last(
    installed: str, said: bool
) -> None:
    assert versions.between(installed, Versions("amqp", since="5.0.6", before="5.2")) is said


def test_a_name_is_one_in_any_spelling() -> None:
    assert versions.installed_names({"Zope.Interface": "1", "a__B": "2"}) == {
        "zope-interface": "1",
        "a-b": "2",
    }
