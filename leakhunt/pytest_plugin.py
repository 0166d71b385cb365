"""leakhunt under pytest: a marker, a fixture and options. See ``leakhunt/plugin``.

pytest loads this for every project that has leakhunt installed, so it imports nothing but the standard
library and pytest; all else is imported when a test asks for it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

#: The fixtures that pytest makes of ``setup_method`` and ``setup_function``, by the start of their names.
SET_UP = ("_xunit_setup_method_fixture_", "_xunit_setup_function_fixture_")

if TYPE_CHECKING:
    from leakhunt.plugin.checks import Checks, Leakhunt

#: pytest knows a marker by what stands before the bracket; what stands in it is for ``pytest --markers``.
MARKER = (
    "leakhunt(runs=None, max_bytes_per_run={limit:.0f}, warm_up=None, at_most={at_most:.0f}): run the test "
    "until it is sure whether it leaks, and fail it if so. SIZE and TIME may be texts such as '1KiB' and '30s'."
)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("leakhunt", "memory leaks")
    group.addoption("--leakhunt", action="store_true", dest="leakhunt_all",
                    help="Check every test that can be repeated, not only those that are marked.")  # fmt: skip
    group.addoption("--leakhunt-at-most", metavar="TIME", dest="leakhunt_at_most",
                    help="Time for a check of a test that names none [10s, with --leakhunt 3s].")  # fmt: skip
    group.addoption("--leakhunt-report", metavar="FILE", dest="leakhunt_report",
                    help="Write every check's result to FILE, as JSON, or as SARIF if it ends in .sarif.")  # fmt: skip
    group.addoption("--leakhunt-baseline", metavar="FILE", dest="leakhunt_baseline",
                    help="Known growths, by test: only what is new or worse fails.")  # fmt: skip
    group.addoption("--leakhunt-update-baseline", action="store_true", dest="leakhunt_update",
                    help="Write what is found to --leakhunt-baseline.")  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", _explained() if config.getoption("markers", False) else MARKER
    )
    if config.getoption("leakhunt_update") and not config.getoption("leakhunt_baseline"):
        raise pytest.UsageError("--leakhunt-update-baseline needs --leakhunt-baseline FILE")
    config.pluginmanager.register(_Results(config), "leakhunt-results")


def _explained() -> str:
    """The marker with the figures that hold where a test says none."""
    from leakhunt.gate.decision import LIMIT
    from leakhunt.plugin.checks import AT_MOST

    return MARKER.format(limit=LIMIT, at_most=AT_MOST)


def _checks(config: pytest.Config) -> Checks:
    """One for the whole session of this process, made when it is first asked for."""
    from leakhunt.gate.repository import repository
    from leakhunt.plugin.checks import Checks

    checks = getattr(config, "_leakhunt_checks", None)
    if checks is None:
        checks = Checks(
            at_most=config.getoption("leakhunt_at_most"),
            every=bool(config.getoption("leakhunt_all")),
            baseline=config.getoption("leakhunt_baseline"),
            update=bool(config.getoption("leakhunt_update")),
            root=str(repository(config.rootpath, os.environ)),
        )
        config._leakhunt_checks = checks  # type: ignore[attr-defined]
        config.add_cleanup(checks.close)
    return checks


@pytest.fixture
def leakhunt(request: pytest.FixtureRequest) -> Leakhunt:
    """``leakhunt.check(function, *args)`` and ``with leakhunt.no_growth():``."""
    from leakhunt.plugin.checks import Leakhunt

    return Leakhunt(_checks(request.config), request.node)


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, Any, None]:
    """Run as ever; then, where wanted, again and again through whatever runs it (asyncio, anyio, ...)."""
    wanted = None if getattr(pyfuncitem, "_leakhunt_repeats", False) else _wanted(pyfuncitem)
    if wanted is None:
        yield
        return
    from leakhunt.plugin import afresh

    with afresh.patches(pyfuncitem.funcargs):
        outcome = yield
    if outcome.excinfo is not None:
        return

    def repeat() -> None:
        pyfuncitem.ihook.pytest_pyfunc_call(pyfuncitem=pyfuncitem)

    _repeated(pyfuncitem, repeat, wanted, outcome)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, None]:
    """The same for a unittest case: each repetition is a case of its own, from setUp to tearDown."""
    outcome = yield
    case = getattr(getattr(item, "parent", None), "obj", None)
    unittest = sys.modules.get("unittest")  # where there is a case, somebody has loaded it
    if (
        unittest is None
        or not isinstance(item, pytest.Function)
        or not (isinstance(case, type) and issubclass(case, unittest.TestCase))
        or outcome.excinfo is not None
        or getattr(item, "_excinfo", None)
    ):
        return
    wanted = _wanted(item)
    if wanted is None:
        return
    kind, name = case, item.originalname or item.name

    def repeat() -> None:
        result = unittest.TestResult()
        kind(name)(result)
        for _, shown in (*result.errors, *result.failures):
            raise AssertionError(shown)

    _repeated(item, repeat, wanted, outcome)


def _wanted(item: pytest.Function) -> dict[str, Any] | None:
    """What the marker says; None where the test is not to be checked."""
    marker = item.get_closest_marker("leakhunt")
    if marker is not None:
        if marker.args:
            raise pytest.UsageError("the marker leakhunt takes keywords only, such as runs=1000")
        return dict(marker.kwargs)
    if item.config.getoption("leakhunt_all") and _repeats(item):
        return {}
    return None


def _repeats(item: pytest.Function) -> bool:
    """Whether a test may be called again with the same arguments: none of them is made for one call."""
    fixtures = getattr(item, "_fixtureinfo", None)
    if fixtures is None:
        return True
    if "leakhunt" in fixtures.argnames:
        return False  # it checks by itself
    if any(name.startswith(SET_UP) for name in fixtures.names_closure):
        return False  # its class or module sets it up anew for each call
    for name in fixtures.argnames:
        made = fixtures.name2fixturedefs.get(name)
        if made and made[-1].scope == "function" and "_pseudofixture" not in repr(made[-1]):
            params = getattr(getattr(item, "callspec", None), "params", {})
            if name not in params:
                return False
    return True


def _repeated(item: pytest.Function, repeat: Any, wanted: dict[str, Any], outcome: Any) -> None:
    item._leakhunt_repeats = True  # type: ignore[attr-defined]
    try:
        _checks(item.config).item(item, repeat, wanted)
    except BaseException as error:  # noqa: BLE001 - it becomes the test's outcome
        outcome.force_exception(error)
    finally:
        del item._leakhunt_repeats  # type: ignore[attr-defined]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Generator[None, Any, None]:
    """Results ride on the report, so that they come home from the workers of xdist."""
    outcome = yield
    results = getattr(item, "_leakhunt_results", None)
    if results and call.when == "call":
        outcome.get_result().leakhunt = list(results)


class _Results:
    """Gathers what all tests, in all processes, have found; writes it at the end."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.results: list[dict[str, Any]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.results += getattr(report, "leakhunt", [])

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self.results:
            from leakhunt.plugin import results

            results.summarise(terminalreporter, self.results)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        if hasattr(self.config, "workerinput"):  # a worker of xdist: the main process writes
            return
        report = self.config.getoption("leakhunt_report")
        update = self.config.getoption("leakhunt_update")
        if report or update:
            from leakhunt.plugin import results

            if report:
                results.write(Path(report), self.results)
            if update:
                results.update(Path(self.config.getoption("leakhunt_baseline")), self.results)
