"""Processes as values: an identity is more than a pid."""

from __future__ import annotations

from leakhunt.model.process import ROLES, Identity
from tests.support.fleet import process


def test_a_pid_that_is_given_again_is_another_process() -> None:
    assert Identity(7, 100) != Identity(7, 200)
    assert Identity(7, 100, "web1") != Identity(7, 100)
    assert len({Identity(7, 100), Identity(7, 100)}) == 1


def test_a_process_is_known_by_its_identitys_pid() -> None:
    assert process(7).pid == 7
    assert process(7).identity == Identity(7, 700)


def test_roles_are_told_once_each() -> None:
    assert len(set(ROLES)) == len(ROLES)
    assert process(7).role in ROLES
