"""What a user asks of a report: what stands in the options is what the values allow."""

from __future__ import annotations

import dataclasses

import click
import pytest

from leakhunt.cli import group
from leakhunt.model.query import BLAMES, GROUPS, SORTS, SPLIT, Query


def test_what_splits_a_stack_is_a_grouping() -> None:
    assert set(SPLIT) < set(GROUPS)


def test_the_defaults_are_among_the_choices() -> None:
    query = Query()
    assert (query.group_by in GROUPS, query.sort in SORTS, query.blame in BLAMES) == (
        True,
        True,
        True,
    )


@pytest.mark.parametrize("name", ["top", "diff"])
def test_a_command_without_options_asks_what_the_plain_query_does(name: str) -> None:
    command = group.get_command(click.Context(group), name)
    assert command is not None
    defaults = {each.name: each.default for each in command.params}
    query = Query()
    assert defaults["group_by"] == query.group_by
    assert (defaults["limit"], defaults["sort"], defaults["blame"]) == (
        query.limit,
        query.sort,
        query.blame,
    )


def test_a_query_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Query().limit = 3  # type: ignore[misc]
