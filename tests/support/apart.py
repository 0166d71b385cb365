"""A file of tests in a session of its own, where it is one of many: what it told is told here.

To walk over the heap of a process, and to fork it, takes as long as it is large, and a session has all its tests in
memory: some 10^6 objects for ten thousand of them. The child is a session of one file, and so has what that file needs.
"""

from __future__ import annotations

import contextlib
import marshal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

#: Lines of what the child has printed that are told of a test that it says nothing of.
TOLD = 40


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--reports", metavar="FILE", help="where to write the reports")


class Reports:
    """In the child: the reports one after the other, of plain values; tuples stay what they are."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        content = self._config.hook.pytest_report_to_serializable(
            config=self._config, report=report
        )
        with Path(self._config.option.reports).open("ab") as file:
            marshal.dump(content, file)


def pytest_configure(config: pytest.Config) -> None:
    if config.option.reports:
        config.pluginmanager.register(Reports(config))


class Apart:
    """In a session of many files: the reports of those that have sessions of their own."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._told: dict[Path, tuple[dict[str, list[Any]], str]] = {}
        """Of each file that was run the reports by test, and what was printed."""

    def run(self, item: pytest.Item, following: pytest.Item | None) -> None:
        """Tell the reports of a test; the first one of a file has all of the file's run. ``following``: the next test."""
        if item.path not in self._told:
            these = [each.nodeid for each in item.session.items if each.path == item.path]
            self._told[item.path] = self._session(these)
        by_test, printed = self._told[item.path]
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        reports = by_test.get(item.nodeid, [])
        if not any(report.when == "teardown" for report in reports):
            reports = [*reports, _untold(item, printed)]
        for report in reports:
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        # What the test before has left standing for this one, the next may have no part in: it would not be set up.
        item.session._setupstate.teardown_exact(following)

    def _session(self, tests: list[str]) -> tuple[dict[str, list[Any]], str]:
        config = self._config
        by_test: dict[str, list[Any]] = {}
        with tempfile.TemporaryDirectory(prefix="apart-") as folder:
            file = Path(folder, "reports")
            file.touch()
            command = [
                sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "-p", __name__,
                f"--reports={file}", f"--basetemp={folder}/base", *tests,
            ]  # fmt: skip
            with subprocess.Popen(
                command, cwd=config.rootpath, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, errors="replace",
            ) as child:  # fmt: skip
                try:
                    printed, _ = child.communicate()
                except BaseException:
                    child.kill()
                    raise
            with file.open("rb") as told, contextlib.suppress(EOFError):
                while True:
                    report = config.hook.pytest_report_from_serializable(
                        config=config, data=marshal.load(told)
                    )
                    by_test.setdefault(report.nodeid, []).append(report)
        return by_test, printed


def _untold(item: pytest.Item, printed: str) -> pytest.TestReport:
    """What is told of a test that the child has not come to, or not to the end of."""
    said = "\n".join(printed.splitlines()[-TOLD:])
    return pytest.TestReport(
        item.nodeid,
        item.location,
        {},
        "failed",
        f"its own session did not run it to its end:\n{said}",
        "call",
    )
