"""Options that say something only beside another one, or only without it: nothing that is given is ignored."""

from __future__ import annotations

import click
from click.core import ParameterSource


def needs(leader: str, *others: str) -> None:
    """Raise UsageError for those of ``others``, options of the command that runs, that are given without ``leader``."""
    alone = [] if _is_given(leader) else [each for each in others if _is_given(each)]
    if alone:
        verb = "needs" if len(alone) == 1 else "need"
        raise click.UsageError(f"{_listed(alone)} {verb} {leader}")


def apart(leader: str, *others: str) -> None:
    """Raise UsageError for those of ``others`` that are given with ``leader``."""
    beside = [each for each in others if _is_given(each)] if _is_given(leader) else []
    if beside:
        raise click.UsageError(f"{leader} goes without {_listed(beside)}")


def _is_given(option: str) -> bool:
    """Whether the user has said it; ``option``: one of its names, as it is typed. Raises KeyError."""
    context = click.get_current_context()
    names = {
        word: parameter.name for parameter in context.command.params for word in parameter.opts
    }
    return context.get_parameter_source(names[option] or "") is not ParameterSource.DEFAULT


def _listed(options: list[str]) -> str:
    *first, last = options
    return f"{', '.join(first)} and {last}" if first else last
