"""A file that has a session of its own tells what it would have told in the one that it is of."""

from __future__ import annotations

import pytest

from tests.support.places import ROOT

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.live

CONFTEST = """
from tests.support import apart

SESSIONS = []

def pytest_collection_modifyitems(config):
    if not getattr(config.option, "reports", None):
        SESSIONS.append(apart.Apart(config))

def pytest_runtest_protocol(item, nextitem):
    if SESSIONS and item.path.name not in ("test_before.py", "test_light.py"):
        SESSIONS[0].run(item, nextitem)
        return True
"""


def test_what_is_run_apart_is_told_here(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:cacheprovider")
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(
        test_heavy="""
        import os, pytest
        from pathlib import Path

        def note():
            with open("processes", "a") as file:
                file.write(f"{os.getpid()}\\n")

        def test_passes():
            note()

        @pytest.mark.parametrize("text", ["a b", "[::]"])
        def test_fails(text):
            note()
            assert text == "another"

        def test_is_skipped():
            note()
            pytest.skip("for a reason")

        def test_is_left_out():
            raise AssertionError("nobody has asked for it")
        """,
        test_ends="""
        import os

        def test_ends_its_process():
            os._exit(7)
        """,
        test_light="import os\n\ndef test_here():\n    open('here', 'w').write(str(os.getpid()))\n",
    )
    found = pytester.runpytest_subprocess("-n", "0", "-ra", "-k", "not left_out")
    found.assert_outcomes(passed=2, failed=3, skipped=1, deselected=1)
    text = found.stdout.str()
    assert "E       AssertionError: assert 'a b' == 'another'" in text
    assert "test_heavy.py:18: for a reason" in text
    assert "its own session did not run it to its end" in text
    processes = (pytester.path / "processes").read_text().split()
    assert len(processes) == 4
    (apart,) = set(processes)
    assert apart != (pytester.path / "here").read_text()


def test_who_follows_a_file_of_another_folder_is_set_up(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands before it was set up for its folder, which the one that follows is not in."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:cacheprovider")
    pytester.makeconftest(CONFTEST)
    plain = "def test_passes():\n    pass\n"
    room = pytester.mkpydir("room")
    for name in ("test_before.py", "test_heavy.py"):
        (room / name).write_text(plain)
    pytester.makepyfile(test_light=plain)
    pytester.runpytest_subprocess("-n", "0").assert_outcomes(passed=3)
