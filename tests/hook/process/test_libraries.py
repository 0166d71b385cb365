"""Versions of what is imported, by the package's own word or by what installers leave."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from leakhunt.hook.process import libraries


@pytest.fixture(autouse=True)
def _nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in libraries.DISTRIBUTIONS:
        monkeypatch.delitem(sys.modules, name, raising=False)


def imported(monkeypatch: pytest.MonkeyPatch, name: str, **facts: object) -> None:
    module = ModuleType(name)
    module.__dict__.update(facts)
    monkeypatch.setitem(sys.modules, name, module)


def test_a_package_says_its_version_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    imported(monkeypatch, "celery", __version__="5.3.6")
    assert libraries.versions() == {"celery": "5.3.6"}


def test_else_the_folder_that_an_installer_left_says_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for folder in (
        "opentelemetry_api-1.20.0.dist-info",
        "Sentry.SDK-2.1.0-py3.11.egg-info",
        "redis-5.0.dist-info",
    ):
        (tmp_path / folder).mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path), "/nowhere/at/all"])
    imported(monkeypatch, "opentelemetry")
    imported(monkeypatch, "sentry_sdk", __version__=("2", "1"))
    assert libraries.versions() == {"opentelemetry": "1.20.0", "sentry_sdk": "2.1.0"}


def test_what_is_not_imported_is_not_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "celery-5.3.6.dist-info").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert libraries.versions() == {}
