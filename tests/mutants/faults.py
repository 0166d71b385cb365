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
    Fault("leakhunt/hook/capture/fork.py", "posix.closerange(3, max(open_descriptors(), default=2) + 1)", "posix.closerange(3, 3)",
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
    Fault("leakhunt/judge/verdict.py", "share=amount(finding) / most", "share=most / amount(finding)",
          "the share of the RSS growth is inverted"),
    Fault("leakhunt/snapshots/series.py", "return max(growing, key", "return min(growing, key",
          "the process that grows slowest is judged", ("tests/cli/test_trend.py",)),
    Fault("leakhunt/cli/judging.py", "worst = max(", "worst = min(", "--fail-above looks at the smallest leak"),
    Fault("leakhunt/cli/judging.py", "worst > asked.fail_above", "worst < asked.fail_above",
          "--fail-above fails where nothing leaks"),
    Fault("leakhunt/render/json/trend.py", '"ci95": [finding.low, finding.high]', '"ci95": [finding.high, finding.low]',
          "the interval is upside down for scripts"),
    Fault("leakhunt/judge/rss.py", "rest = rate - own_rate", "rest = rate - traced_rate",
          "the tracer's own tables count as growth outside Python"),
    Fault("leakhunt/judge/rss.py", "native = used - own\n    rise", "native = used\n    rise",
          "what malloc hands to Python counts as native memory"),
    Fault("leakhunt/judge/rss.py", "round(grown - max(0.0, explained))", "round(grown - explained)",
          "memory that Python gave back counts as held by the allocator"),
    Fault("leakhunt/judge/enough.py", "if seen < LEVELS.samples.enough else seen)", "if seen <= LEVELS.samples.enough else seen)",
          "a growth with just enough samples wants none more, and is left open for ever"),
    Fault("leakhunt/judge/history.py", "max(reversed(list(stretches.values())), key=len)", "max(list(stretches.values()), key=len)",
          "of two stretches the older one is judged"),
    Fault("leakhunt/judge/history.py", "spots = {**first.spots, **last.spots}", "spots = {**last.spots, **first.spots}",
          "source lines of before a deployment are shown"),
    Fault("leakhunt/judge/reasons.py", "codes.STEADY, since=judged.since + 1", "codes.STEADY, since=judged.since",
          "snapshots are counted from nought"),
    Fault("leakhunt/judge/pool.py", "growth.shape.p * processes > LEVELS", "growth.shape.p * len(parts) > LEVELS",
          "processes in which nothing grows are no choice of several"),
    Fault("leakhunt/judge/pool.py", "if growth.shape.open else 1.0", "if True else 1.0",
          "what is judged to slow down witnesses for a leak"),
    Fault("leakhunt/judge/blame/caller.py", "and present(stacks)]", "]",
          "a caller that hardly ever holds memory proves that another one leaks"),
    Fault("leakhunt/judge/blame/caller.py", "callers & before", "callers | before",
          "lines are one leak that have one caller of many in common"),
    Fault("leakhunt/judge/blame/parts.py", "            if (size, count) in before:\n                continue\n", "",
          "a table that was there from the first keeps what leaks"),
    Fault("leakhunt/judge/blame/parts.py", "if free and not ours else None", "if free else None",
          "a stranger's leak is put to a line of the application that only has a table"),
    Fault("leakhunt/judge/excuses/framework.py", "name and way.length is not None", "name",
          "a module that holds one object of Celery's ends its excuse"),
    Fault("leakhunt/judge/excuses/free_list.py", "key=lambda size: size * grown[size]", "key=lambda size: grown[size]",
          "the size of most blocks, and not of most bytes, is looked for in a free list"),
    Fault("leakhunt/judge/excuses/garbage.py", "((history.last, 1), (history.first, -1))", "((history.last, 1),)",
          "garbage that was always there excuses a leak"),
    Fault("leakhunt/judge/excuses/overrated.py", "accumulate(told, min)", "accumulate(told, max)",
          "the allocators seem to have handed out nothing after a peak"),
    Fault("leakhunt/judge/births/survivors.py", "tuple(intervals[1:])", "tuple(intervals[:-1])",
          "each period's samples weigh as those of the one before it"),
    Fault("leakhunt/judge/series/rise.py", "looks * part.errors.chance(part)", "part.errors.chance(part)",
          "the choice of a start is free"),
    Fault("leakhunt/judge/series/exact.py", "if all(step > 0 for step in steps):", "if any(step > 0 for step in steps):",
          "a series that stands still now and then is as sure as its blocks are many"),
    Fault("leakhunt/snapshots/series.py", "[int(number) for number in _NUMBER.findall(entry.path.name)]", "_NUMBER.findall(entry.path.name)",
          "the tenth dump comes before the ninth"),
    Fault("leakhunt/snapshots/source.py", "all(_line(lines, line) == code", "any(_line(lines, line) == code",
          "a source that was edited elsewhere is shown as what ran"),
    Fault("leakhunt/snapshots/facts.py", "sum_told.count <= tallies[stack].count", "True",
          "holders keep more blocks than there are"),
    Fault("leakhunt/snapshots/retention.py", "            paths.append(())\n            continue", "            continue",
          "after a malformed row every path is another object's"),
    Fault("leakhunt/sites/tree.py", "node.size - node.ends_size - sum", "node.size - sum",
          "what ends at a node is told as its hidden children's, too"),
    Fault("leakhunt/report/words/lines.py", "rest = rss - traced - tracer", "rest = rss - traced",
          "the parts of the growth are more than the whole"),
    Fault("leakhunt/report/words/choices.py", "line.alive is False", "not line.alive",
          "a process of another host is said to have ended"),
    Fault("leakhunt/hook/capture/turns.py", "            except BlockingIOError:\n                posix.close(descriptor)\n", "            except BlockingIOError:\n                pass\n",
          "a capture that waits runs out of descriptors"),
    Fault("leakhunt/hook/current.py", "        _hook.take(settings)\n", "",
          "settings of the application are not taken after those of the environment"),
)  # fmt: skip
