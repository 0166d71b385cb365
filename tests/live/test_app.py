"""The configuration of an app is read as its worker would read it, and of a URL no more than its scheme."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from leakhunt.live import app as apps
from leakhunt.live.app import AppError, configuration

PASSWORD = "hunter2"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A current folder whose modules are forgotten again."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = {*sys.modules}
    yield tmp_path
    for name in {*sys.modules} - before:
        if getattr(sys.modules[name], "__file__", None) is None or name.startswith("proj"):
            sys.modules.pop(name)


def project(folder: Path, name: str, text: str) -> str:
    (folder / f"{name}.py").write_text(f"from celery import Celery\n{text}\n")
    return name


def test_what_the_rules_ask_for_is_told_and_nothing_of_a_url_but_its_scheme(folder: Path) -> None:
    name = project(
        folder,
        "proj_plain",
        f"app = Celery('proj', broker='redis://:{PASSWORD}@host/0', backend='rpc://')\n"
        "app.conf.worker_prefetch_multiplier = 7\napp.conf.task_acks_late = True\n"
        f"app.conf.my_secret = '{PASSWORD}'",
    )
    told = configuration(name)
    assert (told.app, told.broker, told.backend) == (name, "redis", "rpc")
    assert told.values["worker_prefetch_multiplier"] == 7
    assert told.values["task_acks_late"] is True
    assert set(told.values) <= {*apps.SETTINGS}
    assert PASSWORD not in repr(told)
    assert told.versions["celery"].count(".") >= 1


def test_an_app_is_found_in_the_current_folder_as_celery_finds_it(folder: Path) -> None:
    (folder / "projpackage").mkdir()
    (folder / "projpackage" / "__init__.py").write_text("")
    project(folder / "projpackage", "celery", "inner = Celery('inner')")
    assert apps.load("projpackage").main == "inner"
    project(folder, "proj_two", "first = Celery('first')\nsecond = Celery('second')")
    assert apps.load("proj_two:second").main == "second"


@pytest.mark.parametrize(
    ("text", "said"),
    [("raise ValueError('no settings')", "no settings"), ("import nowhere_at_all", "nowhere_at_all")],
)  # fmt: skip
def test_an_app_that_cannot_be_loaded_says_why_and_where_to_run_it(
    folder: Path, text: str, said: str
) -> None:
    name = project(folder, f"proj_bad{len(text)}", text)
    with pytest.raises(AppError, match=f"celery -A {name} worker") as raised:
        configuration(name)
    assert said in str(raised.value)


def test_a_configuration_that_cannot_be_read_says_so(folder: Path) -> None:
    name = project(folder, "proj_conf", "app = Celery('proj')\napp.config_from_object('nowhere')")
    with pytest.raises(AppError, match=f"the configuration of '{name}' cannot be read"):
        configuration(name)


@pytest.mark.parametrize(
    ("url", "scheme"),
    [("amqp://a:b@c//", "amqp"), (["sentinel://a", "redis://b"], "sentinel"), ("", None),
     ([], None), (None, None), (3, None), ("memory", "memory")],
)  # fmt: skip
def test_the_scheme_of_the_first_url(url: Any, scheme: str | None) -> None:
    assert apps._scheme(url) == scheme


def test_djangos_settings_are_read_where_the_app_has_made_it_ready(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def said(**settings: Any) -> dict[str, Any]:
        made = SimpleNamespace(settings=SimpleNamespace(**settings))
        monkeypatch.setitem(sys.modules, "django.conf", made)
        return apps._django()

    assert said(configured=False, DEBUG=True) == {}
    assert said(configured=True, DEBUG=1, DATABASES={"default": {"CONN_MAX_AGE": 60}}) == {
        "DEBUG": True, "CONN_MAX_AGE": 60,
    }  # fmt: skip
    assert said(configured=True, DATABASES=None) == {"DEBUG": False, "CONN_MAX_AGE": 0}
    monkeypatch.delitem(sys.modules, "django.conf")
    assert apps._django() == {}


@pytest.mark.parametrize("code", ["0", "'SHOP_URL is not set'"])
def test_a_module_that_ends_the_program_is_no_app(folder: Path, code: str) -> None:
    name = project(folder, "proj_ends", f"raise SystemExit({code})")
    with pytest.raises(AppError, match=r"'proj_ends' cannot be loaded: SystemExit: (0|SHOP_URL)"):
        configuration(name)
