"""What a finding looks like: the known-leaks rule base put to its evidence.

Pure: frozen values in, one frozen value out. The rules are data, in
:mod:`leakhunt.advice.rules`; this module only reads them. A rule fits when one of its signs
holds in stacks that carry at least half of the growth; of a line that says what keeps
the growth (``CACHE[key] = ...``) one stack is enough. Of several, the most specific
is said:

1. a rule about a library's call before one that goes by the shape of a line, and
   that before one that goes by the process's facts (:data:`~leakhunt.advice.rule.CALL`,
   ``SHAPE``, ``FACTS``);
2. one that has more than the stack to show: an affected version, a count that grows;
3. an agent that watches calls before the calls (``AGENT``); then one that recognises the call nearest to the application's line: who calls
   ``httpx.Client()`` should hear of clients, not of the SSL contexts they make;
4. one that needs more conditions; one that holds for more of the growth; then the order
   of the rule base.

No rule fits: the container that keeps it may say what it is (:mod:`leakhunt.advice.holders`).
Nothing fits: None. Silence is better than a guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from leakhunt import units
from leakhunt.advice import holders
from leakhunt.advice.evidence import Evidence
from leakhunt.advice.rule import AGENT, CALL, Grows, Look, Rule, Sign
from leakhunt.advice.rule import Advice as Advice
from leakhunt.advice.rules import RULES
from leakhunt.advice.rules.containers import STORED, STORED_SHARED
from leakhunt.advice.versions import between, installed_names
from leakhunt.model.paths import APP, Prefixes, shorten, visible
from leakhunt.model.snapshot import Frame, Spot, Stack

#: A sign must hold for this part of the growth, or for this one where a count rises with it.
ENOUGH, ENOUGH_RISING = 0.5, 0.1
#: A count that grows per task must have grown by this much.
RISEN = 10
#: A quoted source line is cut here.
QUOTED = 80
#: Source beyond this is not read: a file's text may be anything, also slow to match.
READ = 400

_NONE: Mapping[Any, Any] = MappingProxyType({})


class _Step(NamedTuple):
    """One frame with what is known of it."""

    frame: Frame
    module: str
    function: str
    code: str
    head: str
    shared: frozenset[str]
    is_app: bool


class _Path(NamedTuple):
    """One stack, cut where the application ends."""

    lines: tuple[_Step, ...]
    """Application frames from the innermost up to the blamed line."""
    below: tuple[_Step, ...]
    """Frames outside the application that it called; the whole stack if it is in none."""
    above: tuple[_Step, ...]
    """Application frames that called the blamed line, the nearest first."""


class _Fit(NamedTuple):
    """A sign that holds, and where. Compared as it stands: the first of equals is kept."""

    tier: int
    is_proven: bool
    is_agent: bool
    nearness: int
    conditions: int
    share: float
    because: str
    rule: Rule


def advise(evidence: Evidence) -> Advice | None:
    """The most specific rule that fits; where none does, what fits the holder; or None."""
    if evidence.bytes_per_unit < 0:
        return None
    best: _Fit | None = None
    paths = [_path(stack, evidence) for stack in evidence.stacks] or [_Path((), (), ())]
    weights = evidence.weights or [1 / (1 + at) for at in range(len(paths))]
    for rule in RULES:
        for sign in rule.signs:
            fit = _fit(rule, sign, paths, weights, evidence)
            if fit and (best is None or fit[:6] > best[:6]):
                best = fit
    if best is None:
        return None if evidence.kept is None else holders.held(evidence.kept)
    rule = best.rule
    return Advice(rule.pattern, rule.why, rule.fix, rule.source, best.because)


def module(file: str, prefixes: Prefixes) -> str:
    """``logging.handlers`` for its path; the folder's name for an ``__init__``."""
    below = re.sub(r"(?:/__init__)?\.\w+$", "", prefixes.place(file)[1])
    return below.replace("/", ".")


def _path(stack: Stack, evidence: Evidence) -> _Path:
    steps = [_step(frame, evidence) for frame in stack]
    last = max((at for at, step in enumerate(steps) if step.is_app), default=-1)
    # Without the blamed line in the stack, only the innermost application frame speaks.
    blamed = next((at for at, step in enumerate(steps) if step.frame == evidence.site), last)
    first = max(min(blamed, last), 0)
    return _Path(
        tuple(step for step in reversed(steps[first : last + 1]) if step.is_app),
        tuple(steps[last + 1 :]),
        tuple(step for step in reversed(steps[:first]) if step.is_app),
    )


def _step(frame: Frame, evidence: Evidence) -> _Step:
    spot = evidence.spots.get(frame, Spot(None, None))
    return _Step(
        frame,
        module(frame.file, evidence.prefixes),
        spot.function or "",
        (spot.code or "")[:READ],
        evidence.heads.get(frame, "")[:READ],
        frozenset(evidence.shared.get(frame, ())),
        # Code that a library generated (`<sqlalchemy generated ...>`) is nobody's line.
        evidence.prefixes.kind(frame.file) == APP and not frame.file.startswith("<"),
    )


def _fit(
    rule: Rule, sign: Sign, paths: Sequence[_Path], weights: Sequence[float], evidence: Evidence
) -> _Fit | None:
    process = _process(sign, evidence)
    if process is None or (sign.untraced and evidence.stacks) or _stands_still(rule, evidence):
        return None
    if rule.is_made and any(_is_stored(path) for path in paths):
        return None
    hits = [(at, where) for at, path in enumerate(paths) for where in _where(sign, path)]
    share = sum(weights[at] for at, _ in hits) / (sum(weights) or 1)
    enough = ENOUGH_RISING if sign.grows else ENOUGH
    if not hits or (share < enough and not sign.stores and not _is_blamed(hits, evidence)):
        return None
    seen = paths[hits[0][0]]
    line, looked = hits[0][1]
    words = [*_words(sign, line, looked, seen, evidence), *process]
    return _Fit(
        min(rule.tier, CALL),
        bool(sign.versions or sign.grows),
        rule.tier == AGENT,
        # The application's own line is nearest; then each call below it is one further.
        0 if line else -1 - min((seen.below.index(step) for step in looked), default=99),
        len(looked) + sum(map(bool, (sign.line, sign.head, sign.function, sign.roles, sign.grows))),
        share,
        f"looks like {rule.title}: {', '.join(words)}",
        rule,
    )


def _stands_still(rule: Rule, evidence: Evidence) -> bool:
    """Whether the count that the cause would raise is known, and was not raised."""
    if not rule.counted:
        return False
    first, last = (_count(rule.counted, facts) for facts in evidence.facts)
    return first is not None and last is not None and last - first < RISEN


def _is_stored(path: _Path) -> bool:
    """Whether a line of the application puts what is allocated into a container that outlives the call."""
    for step in (*path.lines, *path.above):
        if _regex(STORED).search(step.code):
            return True
        match = _regex(STORED_SHARED).search(step.code)
        if match is not None and match["name"] in step.shared:
            return True
    return False


def _is_blamed(
    hits: Sequence[tuple[int, tuple[_Step | None, tuple[_Step, ...]]]], evidence: Evidence
) -> bool:
    """Whether the sign is in the blamed line itself: that one speaks for all its stacks."""
    return any(line and not looked and line.frame == evidence.site for _, (line, looked) in hits)


def _where(sign: Sign, path: _Path) -> Iterator[tuple[_Step | None, tuple[_Step, ...]]]:
    """The line and the frames that the sign recognises, once at most."""
    if any(_looks(look, step) for look in sign.never for step in path.below):
        return
    looked = []
    for look in sign.inside:
        step = next((step for step in path.below if _looks(look, step)), None)
        if step is None:
            return
        looked.append(step)
    if sign.innermost is not None:
        if not path.below or not _looks(sign.innermost, path.below[-1]):
            return
        looked.append(path.below[-1])
    line = None
    if sign.line or sign.head or sign.function:
        lines = (*path.lines, *path.above) if sign.stores else path.lines
        if sign.itself:
            lines = () if path.below else path.lines[:1]
        line = next((step for step in lines if _reads(sign, step)), None)
        if line is None:
            return
    yield line, tuple(looked)


def _looks(look: Look, step: _Step) -> bool:
    return any(fnmatchcase(step.module, glob) for glob in look.module.split("|")) and (
        not look.function or bool(_whole(look.function).fullmatch(step.function))
    )


def _reads(sign: Sign, step: _Step) -> bool:
    match = _regex(sign.line).search(step.code)
    return (
        match is not None
        and (not sign.shared or match["name"] in step.shared)
        and (not sign.head or bool(_regex(sign.head).search(f"{step.head}\n{step.code}")))
        and (not sign.function or bool(_regex(sign.function).fullmatch(step.function)))
        and not (sign.never_line and _regex(sign.never_line).search(step.code))
    )


@lru_cache(maxsize=1024)
def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _whole(function: str) -> re.Pattern[str]:
    """The function's name with or without the classes and functions around it."""
    return _regex(rf"(?:.*\.)?(?:{function})")


def _process(sign: Sign, evidence: Evidence) -> list[str] | None:
    """The conditions on the process in words; None when one does not hold."""
    words = []
    for versions in sign.versions:
        installed = installed_names(evidence.versions).get(versions.distribution)
        if installed is None or not between(installed, versions):
            return None
        words.append(f"and {versions.distribution} {visible(installed)} is installed")
    for grows in sign.grows:
        risen = _risen(grows, evidence)
        if risen is None:
            return None
        words.append(risen)
    if sign.never_holder and _regex(sign.never_holder).search(evidence.holder or ""):
        return None
    if sign.stores and evidence.kept is not None and evidence.kept.bound is not None:
        return None  # a container that is full by itself is not what grows without end
    if sign.roles:
        if evidence.role not in sign.roles:
            return None
        words.append(f"in the {evidence.role} process")
    if sign.gc_enabled is not None:
        if _gc(evidence.facts_last).get("enabled") is not sign.gc_enabled:
            return None
        words.append(f"the garbage collector is {'on' if sign.gc_enabled else 'off'}")
    if sign.block is not None:
        if evidence.blocks_per_unit <= 0:
            return None
        each = evidence.bytes_per_unit / evidence.blocks_per_unit
        if not sign.block[0] <= each <= sign.block[1]:
            return None
        words.append(f"blocks of {units.size(each)}")
    return words


def _risen(grows: Grows, evidence: Evidence) -> str | None:
    first, last = (_count(grows.fact, facts) for facts in evidence.facts)
    if first is None or last is None:
        return None
    done = [_count("tasks_done", facts) for facts in evidence.facts]
    tasks = (done[1] or 0) - (done[0] or 0)
    if last - first < max(RISEN, grows.per_task * tasks):
        return None
    name = "objects that wait for the collector" if grows.fact == "gc" else _FACT[grows.fact]
    in_tasks = f" in {units.count(tasks)} tasks" if tasks > 0 else ""
    return f"{name} went from {units.count(first)} to {units.count(last)}{in_tasks}"


#: How a sentence calls a fact.
_FACT = {"threads": "threads", "sockets": "sockets", "open_files": "open files"}


def _count(fact: str, facts: Mapping[str, Any]) -> int | None:
    value = facts.get(fact)
    if fact == "gc":
        counts = _gc(facts).get("counts")
        value = counts[0] if isinstance(counts, (list, tuple)) and counts else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _gc(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    value = facts.get("gc")
    return value if isinstance(value, Mapping) else _NONE


def _words(
    sign: Sign, line: _Step | None, looked: Sequence[_Step], path: _Path, evidence: Evidence
) -> Iterator[str]:
    """What was seen in the stack, in words."""
    caller = line or (path.lines[0] if path.lines else None)
    place = f"{shorten(caller.frame.file, evidence.prefixes)}:{caller.frame.line}" if caller else ""
    if line:
        yield (
            f"{place} is in `{_quoted(line.head)}`"
            if sign.head
            else (f"{place} reads `{_quoted(line.code or line.function)}`")
        )
    if looked:
        inner = looked[-1]
        name = visible(".".join(filter(None, (inner.module, inner.function))))
        where = "in" if inner == path.below[-1] else "under"
        called = f", called from {place}" if place and not line else ""
        code = f" (`{_quoted(caller.code)}`)" if called and caller and caller.code else ""
        yield f"the growth is allocated {where} `{name}`{called}{code}"


def _quoted(code: str) -> str:
    text = visible(" ".join(code.split()))
    return text if len(text) <= QUOTED else f"{text[: QUOTED - 1]}…"
