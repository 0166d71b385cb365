"""What the hook asks an engine: every engine answers all of it, by the same names."""

from __future__ import annotations

import inspect

import pytest

from leakhunt.engine.choice import ENGINES, choose
from leakhunt.engine.interface import Engine

METHODS = {
    name: each
    for name, each in vars(Engine).items()
    if inspect.isfunction(each) and not name.startswith("_")
}


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_has_every_method_with_its_parameters(name: str) -> None:
    made = type(choose(name))
    for method, asked in METHODS.items():
        given, wanted = (
            [name for name in inspect.signature(each).parameters if name != "self"]
            for each in (getattr(made, method), asked)
        )
        assert given == wanted, method


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_says_what_it_is(name: str) -> None:
    engine = choose(name)
    assert engine.name in ENGINES
    assert engine.default_start in ("boot", "signal")
    assert engine.default_nframe >= 1
    assert engine.tracing is False
