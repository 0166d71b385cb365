"""What machine and environment add: few variables, and no other one."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from leakhunt.live.surroundings import environment, surroundings
from tests.support.programs import waiting

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc")


def test_only_the_few_variables_are_read() -> None:
    said = {"PATH": os.environ["PATH"], "MALLOC_ARENA_MAX": "2", "SECRET_TOKEN": "x"}
    with waiting(env=said) as child:
        assert environment(child.pid) == {"MALLOC_ARENA_MAX": "2"}
    assert environment(child.pid) == {}


def test_a_folder_that_is_not_there_yet_is_judged_by_the_one_above(tmp_path: Path) -> None:
    seen = surroundings(tmp_path / "not" / "yet", [])
    assert seen.folder == str(tmp_path / "not" / "yet")
    assert seen.free is not None
    assert seen.free > 0
    assert seen.filesystem == surroundings(tmp_path, []).filesystem  # None: not known in a chroot
    assert seen.environments == {}
