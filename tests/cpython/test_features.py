"""What a version of CPython can do, held against what this one does."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path

import pytest

from leakhunt.cpython import features
from tests.support.places import ROOT


def test_code_tells_where_it_is_defined_or_not() -> None:
    code = test_code_tells_where_it_is_defined_or_not.__code__
    assert hasattr(code, "co_qualname") is features.CODE_IS_QUALIFIED


def test_the_standard_library_is_where_it_is_said_to_be() -> None:
    assert Path(sysconfig.get_path("stdlib")).name == features.LIBRARY


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 9, 18), False),
        ((3, 12, 8), False),
        ((3, 12, 9), True),
        ((3, 13, 1), False),
        ((3, 13, 2), True),
        ((3, 14, 0), True),
        ((3, 15, 2), True),
    ],
)
def test_tracing_stops_safely_from_some_release_on(
    version: tuple[int, int, int], safe: bool
) -> None:
    assert features.stops_tracing_safely(version) is safe


def test_a_mapping_keeps_no_descriptor_where_that_can_be() -> None:
    path = ROOT / "pyproject.toml"
    descriptor = os.open(path, os.O_RDWR)
    before = set(os.listdir("/dev/fd"))
    try:
        page = features.mapped_without_descriptor(descriptor, 10)
        if page is None:
            assert features.VERSION < (3, 13)
            return
        assert set(os.listdir("/dev/fd")) == before
        assert page[:10] == path.read_bytes()[:10]
        page.close()
    finally:
        os.close(descriptor)
