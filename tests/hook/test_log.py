"""One line in the worker's log, from wherever it is said; never an error."""

from __future__ import annotations

import logging

import pytest

from leakhunt.hook import log


def test_a_line_names_who_says_it(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="leakhunt"):
        log.say(logging.INFO, "hooked")
    assert caplog.messages == ["leakhunt: hooked"]


def test_what_is_not_enabled_is_not_said_and_a_warning_goes_to_standard_error(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log.LOGGER, "isEnabledFor", lambda level: False)
    log.say(logging.INFO, "hooked")
    assert capfd.readouterr().err == ""
    log.say(logging.WARNING, "not hooked")
    assert capfd.readouterr().err == "leakhunt: not hooked\n"


def test_inside_a_logging_call_it_goes_around_the_log(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """A signal that arrives while a record is written: the stream under it is not reentrant."""

    class Interrupted(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            log.say(logging.ERROR, "a capture failed")

    handler, other = Interrupted(), logging.getLogger("of.a.test")
    other.addHandler(handler)
    try:
        other.error("interrupted")
    finally:
        other.removeHandler(handler)
    assert "leakhunt: a capture failed\n" in capfd.readouterr().err
    assert "leakhunt: a capture failed" not in caplog.messages


@pytest.mark.parametrize(("above", "is_known"), [(logging.Handler, True), (None, False)])
@pytest.mark.parametrize("passes_on", [True, False])
def test_every_handler_that_a_line_reaches_is_looked_at(
    above: type[logging.Handler] | None, is_known: bool, passes_on: bool
) -> None:
    """Those of the loggers above too, as long as a line is passed on to them."""

    class Exporter(logging.Handler):
        """Of a package of which nothing is known."""

    parent, own = logging.Logger("of"), logging.Logger("of.a.test")
    own.parent, own.propagate = parent, passes_on
    own.addHandler(logging.Handler())
    parent.addHandler((above or Exporter)())
    assert log._all_reentrant(own) is (is_known or not passes_on)


def test_a_log_that_fails_fails_nobody(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(log.LOGGER, "log", broken)
    monkeypatch.setattr(log.LOGGER, "isEnabledFor", lambda level: True)
    log.say(logging.INFO, "hooked \udc80")
    assert capfd.readouterr().err.startswith("leakhunt: hooked")
