"""What ``leakhunt doctor`` says beside its findings, whose sentences the rules make."""

from __future__ import annotations

from collections.abc import Sequence

from leakhunt import units

NOTHING = "nothing to complain of"
MORE = "-v says why, and where that is documented"

#: What the names of environment variables begin with; all other settings are an app's or Django's.
ENVIRONMENT = ("LEAKHUNT_", "MALLOC_", "PYTHON")

#: Places that are named before they are counted.
SHOWN = 4


def looked_at(app: str | None, processes: int) -> str:
    """What the findings were found in."""
    running = f"{units.counted(processes, 'running process')}"
    if app is None:
        return f"{running}; no app was named (-A), so no configuration was read"
    return f"the configuration of app {app} and {running}"


def places(named: Sequence[str]) -> str:
    """``main 7, main 9``, or the first few and how many more."""
    distinct = list(dict.fromkeys(named))
    more = f" and {units.count(len(distinct) - SHOWN)} more" if len(distinct) > SHOWN else ""
    return ", ".join(distinct[:SHOWN]) + more


def setting(name: str, value: object) -> str:
    """What to set, as it is written where it is set: in a configuration, on a command line, in an environment."""
    if value is None:
        return name
    if name.startswith(ENVIRONMENT):
        return f"{name}={value} in the environment of the worker"
    if name.startswith("/"):
        return f"echo {value} > {name}"
    if isinstance(value, str) and value.startswith(">="):
        return f"pip install '{name}{value}'"
    return f"{name}={value}" if name.startswith("--") else f"{name} = {value!r}"
