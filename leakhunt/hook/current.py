"""The one hook of this process."""

from __future__ import annotations

from leakhunt.errors import SettingError
from leakhunt.hook.config import Settings
from leakhunt.hook.hook import Hook

_hook: Hook | None = None


def claim(settings: Settings) -> Hook:
    """This process's hook, made now or earlier; ``settings`` are the newer ones.

    Raises SettingError when the hook already runs on another signal.
    """
    global _hook
    if _hook is None:
        _hook = Hook(settings)
    elif _hook.settings != settings:
        if _hook.settings.signal != settings.signal or _hook.settings.engine != settings.engine:
            raise SettingError(
                "leakhunt is installed in this process already, with another signal or engine"
            )
        _hook.take(settings)
    return _hook


def hook() -> Hook | None:
    """The hook, if one was claimed in this process or in the one that forked it."""
    return _hook
