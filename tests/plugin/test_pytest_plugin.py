"""The plugin in real sessions of pytest: what leaks fails, what does not passes, whatever runs the tests."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.plugin.conftest import Run, needs
from tests.support.places import ROOT

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.live


def test_a_marked_test_that_leaks_fails_with_the_finding(
    pytester: pytest.Pytester, run: Run
) -> None:
    pytester.makepyfile(
        test_shop="""
        import pytest, shop

        @pytest.mark.leakhunt
        def test_it():
            shop.leaks()

        @pytest.mark.leakhunt(max_bytes_per_run="4KiB")
        def test_allowed():
            shop.leaks()

        @pytest.mark.leakhunt
        def test_healthy():
            shop.healthy()

        def test_unmarked():
            shop.leaks()
        """
    )
    found = run()
    found.assert_outcomes(passed=3, failed=1)
    text = found.stdout.str()
    assert "shop.py:5 (leaks)" in text
    assert "KEPT.append(bytearray(1000))" in text
    assert "kept by module shop > KEPT: list" in text
    assert "fix  " in text
    assert "leakhunt: 1 leaks, 2 keep nothing" in text
    assert "plugin/checks.py" not in text


def test_every_test_that_can_be_repeated_is_checked_where_somebody_asks(
    pytester: pytest.Pytester, run: Run, tmp_path: Path
) -> None:
    pytester.makepyfile(
        test_shop="""
        import pytest, shop

        @pytest.fixture(scope="module")
        def wide():
            return 3

        @pytest.mark.parametrize("number", [1, 2])
        def test_parametrised(number):
            shop.leaks() if number == 2 else shop.healthy()

        class TestClass:
            @pytest.fixture(scope="class")
            def made(self):
                return []

            def test_in_a_class(self, made, wide):
                shop.healthy()

        def test_once(tmp_path):
            shop.leaks()
        """
    )
    file = tmp_path / "found.json"
    found = run("--leakhunt", f"--leakhunt-report={file}")
    found.assert_outcomes(passed=3, failed=1)
    content = json.loads(file.read_text())
    assert content["schema"] == "leakhunt/pytest@1"
    assert {each["test"]: each["verdict"] for each in content["checks"]} == {
        "test_shop.py::test_parametrised[1]": "no-leak",
        "test_shop.py::test_parametrised[2]": "leak",
        "test_shop.py::TestClass::test_in_a_class": "no-leak",
    }


def test_the_fixture_checks_functions_and_blocks(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(
        test_shop="""
        import pytest, shop

        async def coroutine():
            shop.leaks()

        def test_leaks(leakhunt):
            leakhunt.options(warm_up=100).check(shop.leaks)

        def test_healthy(leakhunt):
            assert leakhunt.options(warm_up=100).check(shop.healthy)["verdict"] == "no-leak"

        def test_coroutine(leakhunt):
            leakhunt.options(warm_up=100).check(coroutine)

        def test_options(leakhunt):
            leakhunt.options(warm_up=100, max_bytes_per_run="4KiB").check(shop.leaks)

        def test_block_that_grows(leakhunt):
            with leakhunt.no_growth():
                for _ in range(50):
                    shop.leaks()

        def test_block_that_does_not(leakhunt):
            shop.healthy()
            with leakhunt.no_growth():
                shop.healthy()

        def test_raises(leakhunt):
            with pytest.raises(ZeroDivisionError):
                leakhunt.check(lambda: 1 / 0)
        """
    )
    found = run()
    found.assert_outcomes(passed=4, failed=3)
    assert "leaves 5" in found.stdout.str()


def test_a_test_that_cannot_be_repeated_fails_with_its_own_error(
    pytester: pytest.Pytester, run: Run
) -> None:
    pytester.makepyfile(
        test_shop="""
        import pytest
        SEEN = []

        @pytest.mark.leakhunt
        def test_it():
            assert not SEEN
            SEEN.append(1)
        """
    )
    found = run()
    found.assert_outcomes(failed=1)
    assert "assert not SEEN" in found.stdout.str()


def test_what_pytest_keeps_of_the_log_is_no_leak(pytester: pytest.Pytester, run: Run) -> None:
    """Each run's records are its own: a test may ask for them, and they do not pile up."""
    pytester.makepyfile(
        test_shop="""
        import logging, pytest

        @pytest.mark.leakhunt(warm_up=100)
        def test_logs(caplog):
            logging.getLogger("shop").warning("order %s is late", "x" * 500)
            assert len(caplog.records) == 1
        """
    )
    run("--leakhunt").assert_outcomes(passed=1)


@pytest.mark.parametrize("name", ["setup_method", "setup_function"])
def test_what_is_set_up_anew_for_each_test_is_not_repeated(
    pytester: pytest.Pytester, run: Run, name: str
) -> None:
    lines = [
        "BASKET = []",
        f"def {name}(self=None):",
        "    BASKET.clear()",
        "def test_it(self=None):",
        "    BASKET.append(1)",
        "    assert BASKET == [1]",
    ]
    if name == "setup_method":
        lines = [lines[0], "class TestShop:", *(f"    {line}" for line in lines[1:])]
    pytester.makepyfile(test_shop="\n".join(lines))
    found = run("--leakhunt")
    found.assert_outcomes(passed=1)
    assert "leakhunt:" not in found.stdout.str()


def test_what_pytests_own_fixtures_keep_of_a_run_is_no_leak(
    pytester: pytest.Pytester, run: Run
) -> None:
    """Each run sees them as the first did, and what others have patched for the test stays."""
    pytester.makepyfile(
        test_shop="""
        import os, sys, warnings
        import pytest

        @pytest.fixture
        def outside(monkeypatch):
            monkeypatch.setenv("SHOP", "outside")

        @pytest.mark.leakhunt(warm_up=100)
        def test_captured(capsys):
            print("order " * 100)
            print("late " * 100, file=sys.stderr)
            assert capsys.readouterr().out.count("order") == 100
            print("order " * 100)

        @pytest.mark.leakhunt(warm_up=100)
        def test_warned(recwarn):
            warnings.warn("x" * 500)
            assert len(recwarn) == 1

        @pytest.mark.leakhunt(warm_up=100)
        def test_patched(outside, monkeypatch):
            assert os.environ["SHOP"] == "outside"
            assert "ORDER" not in os.environ
            monkeypatch.setenv("SHOP", "inside")
            monkeypatch.setenv("ORDER", "1")

        def test_undone():
            assert "SHOP" not in os.environ
            assert "ORDER" not in os.environ
        """
    )
    found = run()
    found.assert_outcomes(passed=4)
    found.stdout.fnmatch_lines(["leakhunt: 3 keep nothing"])


def test_a_coroutine_function_is_not_checked_inside_a_loop(
    pytester: pytest.Pytester, run: Run
) -> None:
    pytester.makepyfile(
        test_shop="""
        import asyncio

        async def sold():
            pass

        def test_it(leakhunt):
            async def inside():
                leakhunt.check(sold)

            asyncio.run(inside())
        """
    )
    found = run("-W", "error")
    found.assert_outcomes(failed=1)
    found.stdout.fnmatch_lines(["E *RuntimeError: what a coroutine function begins *"])
    assert "never awaited" not in found.stdout.str() + found.stderr.str()


def test_workers_of_xdist(pytester: pytest.Pytester, run: Run, tmp_path: Path) -> None:
    needs("xdist")
    pytester.makepyfile(
        test_shop="""
        import pytest, shop

        @pytest.mark.leakhunt(warm_up=100)
        def test_leaks():
            shop.leaks()

        @pytest.mark.leakhunt(warm_up=100)
        def test_healthy():
            shop.healthy()
        """
    )
    file, junit = tmp_path / "found.sarif", tmp_path / "junit.xml"
    found = run("-n", "2", f"--leakhunt-report={file}", f"--junitxml={junit}")
    found.assert_outcomes(passed=1, failed=1)
    log = json.loads(file.read_text())
    assert [each["ruleId"] for each in log["runs"][0]["results"]] == ["memory-leak"]
    told = {
        (case.get("name"), each.get("name")): each.get("value")
        for case in ElementTree.parse(junit).getroot().iter("testcase")
        for each in case.iter("property")
    }
    assert told["test_leaks", "leakhunt_verdict"] == "leak"
    assert told["test_healthy", "leakhunt_verdict"] == "no-leak"
    assert float(str(told["test_leaks", "leakhunt_bytes_per_run"])) > 1000


ASYNC = """
    import pytest, shop

    pytestmark = pytest.mark.{mark}

    @pytest.mark.leakhunt(warm_up=100)
    async def test_leaks():
        shop.leaks()

    @pytest.mark.leakhunt(warm_up=100)
    async def test_healthy():
        shop.healthy()
"""


@pytest.mark.parametrize(("module", "mark"), [("pytest_asyncio", "asyncio"), ("anyio", "anyio")])
def test_coroutines(pytester: pytest.Pytester, run: Run, module: str, mark: str) -> None:
    needs(module)
    pytester.makepyfile(test_shop=ASYNC.format(mark=mark))
    if module == "anyio":
        pytester.makeconftest(
            "import pytest\n@pytest.fixture(scope='session')\ndef anyio_backend():\n    return 'asyncio'\n"
        )
    run().assert_outcomes(passed=1, failed=1)


def test_a_baseline_lets_pass_what_it_knows(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(
        test_shop="""
        import pytest, shop

        @pytest.mark.leakhunt(warm_up=100)
        def test_it():
            shop.leaks()
        """
    )
    run("--leakhunt-baseline=leaks.json", "--leakhunt-update-baseline")
    run("--leakhunt-baseline=leaks.json").assert_outcomes(passed=1)
    run().assert_outcomes(failed=1)


@pytest.mark.parametrize("wrong", ["3", "colour=3", "runs='many'", "max_bytes_per_run='much'"])
def test_a_wrong_word_is_an_error_that_says_so(
    pytester: pytest.Pytester, run: Run, wrong: str
) -> None:
    pytester.makepyfile(
        test_shop=f"""
        import pytest

        @pytest.mark.leakhunt({wrong})
        def test_it():
            pass
        """
    )
    found = run()
    found.assert_outcomes(failed=1)
    assert "leakhunt" in found.stdout.str()


def test_it_costs_nothing_until_a_test_asks() -> None:
    code = (
        "import sys, pytest; before = set(sys.modules); import leakhunt.pytest_plugin;"
        "print(sorted(name for name in set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "['leakhunt', 'leakhunt.pytest_plugin']"
