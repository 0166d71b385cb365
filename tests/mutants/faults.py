"""Small faults that would hurt a user, each in a place where one has been missed or was likely."""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """One small change for the worse."""

    file: str
    """From the repository's root."""
    old: str
    """Stands in the file once."""
    new: str
    """Takes its place."""
    why: str
    """What goes wrong with it."""
    beside: tuple[str, ...] = ()
    """Tests beyond those that mirror the module, live ones for instance."""


LIVE = ("tests/live/test_triggers.py", "tests/live/test_signals.py")

FAULTS = (
    Fault("leakhunt/hook/capture/fork.py", "            gc.enable()", "            pass",
          "the worker runs on without its collector after a capture", LIVE),
    Fault("leakhunt/hook/capture/fork.py", "(signal.SIGTERM, signal.SIGQUIT, signal.SIGCHLD)", "(signal.SIGQUIT, signal.SIGCHLD)",
          "the capture's child keeps the worker's SIGTERM handler", LIVE),
    Fault("leakhunt/hook/capture/fork.py", "posix.closerange(3, highest + 1)", "posix.closerange(3, 3)",
          "the capture's child keeps the worker's descriptors", LIVE),
    Fault("leakhunt/hook/capture/capture.py", "EXPLAINED_STACKS = 1500", "EXPLAINED_STACKS = 15",
          "no function or source line from the 16th stack on", LIVE),
    Fault("leakhunt/hook/schedule.py", "limit * 0.9", "limit * 0.45", "one snapshot by RSS only, ever"),
    Fault("leakhunt/hook/config.py", '        "SIGCHLD",\n', "", "SIGCHLD is allowed as the hook's signal"),
    Fault("leakhunt/hook/signals.py", "            previous(signum, frame)\n", "            pass\n",
          "the pool's own SIGCHLD handler is not called", LIVE),
    Fault("leakhunt/hook/signals.py", "            self._early = True\n", "",
          "a signal before a child is hooked is lost", LIVE),
    Fault("leakhunt/hook/letterbox.py", "os.O_CLOEXEC, 0o600", "os.O_CLOEXEC, 0o666", "others may read a process's record"),
    Fault("leakhunt/hook/hook.py", "        self.failures += 1", "        self.failures += 2", "captures stop after two failures", LIVE),
    Fault("leakhunt/snapfile/folders.py", "not in (os.geteuid(), 0)", "not in (os.geteuid(), 0, status.st_uid)",
          "somebody else's folder is accepted"),
    Fault("leakhunt/snapfile/write.py", "os.O_CLOEXEC, 0o600", "os.O_CLOEXEC, 0o644", "others may read a snapshot"),
    Fault("leakhunt/judge/levels.py", "false_discoveries: float = 0.05", "false_discoveries: float = 0.5",
          "ten times as many false leaks among many lines"),
    Fault("leakhunt/judge/levels.py", "jump: float = 0.7", "jump: float = 0.35", "a step and a leak are told apart by less"),
    Fault("leakhunt/judge/levels.py", "caller: float = 0.8", "caller: float = 0.4",
          "blame moves to a caller that makes less than half"),
    Fault("leakhunt/judge/verdict.py", "share=finding.rate / found.rss_rate", "share=found.rss_rate / finding.rate",
          "the share of the RSS growth is inverted"),
    Fault("leakhunt/snapshots/series.py", "return max(growing, key", "return min(growing, key",
          "the process that grows slowest is judged", ("tests/cli/test_trend.py",)),
    Fault("leakhunt/cli/trend.py", "worst = max(", "worst = min(", "--fail-above looks at the smallest leak"),
    Fault("leakhunt/cli/trend.py", "if fail_above is not None and worst > fail_above", "if fail_above is not None and worst < fail_above",
          "--fail-above fails where nothing leaks"),
    Fault("leakhunt/render/json/trend.py", '"ci95": [finding.low, finding.high]', '"ci95": [finding.high, finding.low]',
          "the interval is upside down for scripts"),
)  # fmt: skip
