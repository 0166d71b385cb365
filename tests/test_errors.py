"""What is raised on purpose: one family, and the module's picture of it is the truth."""

from __future__ import annotations

import inspect
import re

import pytest

from leakhunt import errors
from leakhunt.cli import execute

FAMILY = {
    name: each
    for name, each in vars(errors).items()
    if inspect.isclass(each) and issubclass(each, Exception)
}


def test_all_are_told_to_the_user_without_a_traceback() -> None:
    assert all(issubclass(each, errors.LeakhuntError) for each in FAMILY.values())


def test_the_picture_names_all_of_them() -> None:
    assert errors.__doc__ is not None
    assert set(re.findall(r"\b\w+Error\b", errors.__doc__)) == set(FAMILY)


def test_the_console_makes_one_line_and_exit_2_of_each(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from leakhunt.cli import group

    for name, each in FAMILY.items():

        def fails(*_: object, what: type[Exception] = each, **__: object) -> None:
            raise what("it went wrong")

        monkeypatch.setattr(group, "main", fails)
        assert execute([]) == 2, name
        assert capsys.readouterr().err == "leakhunt: it went wrong\n"
