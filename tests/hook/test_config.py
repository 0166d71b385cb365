"""Settings: keywords, variables, and what each refuses."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from leakhunt.errors import SettingError
from leakhunt.hook import config


def test_defaults() -> None:
    found = config.settings({}, {"LEAKHUNT_DIR": "/tmp/x"})
    assert (found.signal, found.every, found.keep, found.fork) == (signal.SIGUSR1, 0, 16, True)
    assert (found.engine, found.nframe, found.start) == (None, None, None)
    assert found.dir == Path("/tmp/x")


def test_keywords_win_over_variables() -> None:
    environ = {"LEAKHUNT_EVERY": "100", "LEAKHUNT_RSS": "400MiB", "LEAKHUNT_SIGNAL": "usr2"}
    found = config.settings({"every": 7, "at_exit": True}, environ)
    assert (found.every, found.rss, found.at_exit) == (7, 400 << 20, True)
    assert found.signal == signal.SIGUSR2
    assert found.signal_name == "SIGUSR2"
    assert config.settings({"fork": False}, {"LEAKHUNT_FORK": "1"}).fork is False


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("signal", "SIGKILL", "meaning of its own"),
        ("signal", "SIGTERM", "meaning of its own"),
        ("signal", "SIGNOSUCH", "no such signal"),
        ("signal", "9999", "no such signal"),
        ("every", "often", "not a whole number"),
        ("every", "-1", "between 0"),
        ("interval", "12", "between 64 B and 1 GiB"),
        ("budget", "much", "not a share"),
        ("budget", "90%", "between 0.01% and 50%"),
        ("engine", "magic", "one of sampled, exact, off"),
        ("nframe", "0", "between 1"),
        ("start", "later", "one of signal, boot"),
        ("keep", "1", "cannot be compared"),
        ("rss", "lots", "not a size"),
        ("rss", "400", "that is 400 B; give a unit, such as 400MiB"),
        ("rss", "409600", "that is 400.0 KiB; give a unit, such as 409600MiB"),
        ("rss_step", "64", "give a unit, such as 64MiB"),
        ("at_exit", "maybe", "use 1 or 0"),
    ],
)
def test_a_bad_value_names_its_variable(name: str, value: str, message: str) -> None:
    with pytest.raises(SettingError, match=message) as raised:
        config.settings({}, {f"LEAKHUNT_{name.upper()}": value})
    assert name in str(raised.value).lower()
    assert value in str(raised.value)


def test_an_unknown_keyword_is_refused() -> None:
    with pytest.raises(SettingError, match="no setting 'evry'"):
        config.settings({"evry": 3}, {})


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("LEAKHUNT_EVRY", "'LEAKHUNT_EVRY' is no setting: did you mean LEAKHUNT_EVERY?"),
        ("LEAKHUNT_KEPT", "'LEAKHUNT_KEPT' is no setting: did you mean LEAKHUNT_KEEP?"),
        ("LEAKHUNT_XYZZY", "'LEAKHUNT_XYZZY' is no setting; there are LEAKHUNT_DIR, "),
    ],
)
def test_an_unknown_variable_is_told_with_the_nearest(name: str, said: str) -> None:
    (message,) = config.unknown({name: "1", "LEAKHUNT_EVERY": "3", "PATH": "/bin"})
    assert message.startswith(said)


def test_what_is_known_is_not_warned_of(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert config.unknown(dict.fromkeys(config.VARIABLES, "1")) == []
    config.say_unknown()
    assert caplog.text == ""
    monkeypatch.setenv("LEAKHUNT_EVRY", "100")
    config.say_unknown()
    monkeypatch.delenv("LEAKHUNT_EVRY")
    assert "did you mean LEAKHUNT_EVERY?" in caplog.text


@pytest.mark.parametrize(
    "name",
    [
        "KILL",
        "STOP",
        "INT",
        "TERM",
        "QUIT",
        "HUP",
        "CHLD",
        "ALRM",
        "SEGV",
        "BUS",
        "FPE",
        "ILL",
        "ABRT",
        "PIPE",
    ],
)
def test_a_signal_that_others_need_is_not_taken(name: str) -> None:
    """Of SIGCHLD a pool hears that a child has ended, for one."""
    for said in (f"SIG{name}", name.lower(), str(int(signal.Signals[f"SIG{name}"]))):
        with pytest.raises(SettingError, match="meaning of its own"):
            config.settings({"signal": said}, {})
