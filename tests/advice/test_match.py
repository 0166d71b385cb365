"""Known leaks: each rule on its own example, none on another's, none on plain growth."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakhunt.advice import match
from leakhunt.advice.evidence import Evidence
from leakhunt.advice.match import Advice, advise
from leakhunt.advice.rule import AGENT, CALL, FACTS, SHAPE, Grows, Rule, Sign
from leakhunt.advice.rules import RULES
from leakhunt.hook.capture.sources import masked
from leakhunt.model.snapshot import Frame, Spot
from tests.support.costs import at_most
from tests.support.known_examples import APP, EXAMPLES, SITE, Example, evidence, seen

JSON = ("~json/__init__.py:loads", "~json/decoder.py:JSONDecoder.raw_decode")


def pattern(found: Advice | None) -> str | None:
    return found.pattern if found else None


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_each_example_yields_its_own_pattern(example: Example) -> None:
    found = advise(seen(example))
    assert pattern(found) == example.pattern
    assert found is not None
    assert re.match(r"looks like [^:]+: .+", found.because)
    assert "\n" not in found.because


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_each_pattern_is_told_without_what_literals_say(example: Example) -> None:
    """As the hook records source lines by default."""
    head = {"head": "\n".join(masked(example.known["head"], 99))} if "head" in example.known else {}
    code = "\n".join(masked(example.code, 99))
    found = advise(seen(replace(example, code=code, known={**example.known, **head})))
    assert pattern(found) == example.pattern


def test_every_rule_has_an_example() -> None:
    # These two need growth that no stack explains; they have a test of their own.
    without = {rule.pattern for rule in RULES} - {example.pattern for example in EXAMPLES}
    assert without == {"sockets-growing", "descriptors-growing"}


def test_without_the_rule_no_example_is_told_its_pattern(monkeypatch: pytest.MonkeyPatch) -> None:
    """An example proves its rule: another one may fit as well, but never says the same."""
    for example in EXAMPLES:
        rest = tuple(rule for rule in RULES if rule.pattern != example.pattern)
        monkeypatch.setattr(match, "RULES", rest)
        assert pattern(advise(seen(example))) != example.pattern


@pytest.mark.parametrize(
    ("code", "below"),
    [
        ("order = json.loads(text)", JSON),
        ("rows = fetch(order)", ()),
        ("return {'id': order, 'total': total}", ()),
        ("result = compute(order)", ("mylib/core.py:compute", "mylib/core.py:Node.__init__")),
        ("total += price", ()),
        ("rows.append(row)", ()),
        ("payload = response.json()", ("requests/models.py:Response.json", *JSON)),
        ("text = path.read_text()", ("~pathlib.py:Path.read_text", "~codecs.py:decode")),
        ("with open(path) as file:", ()),
        ("data = open(path).read()", ()),
        ("location.name = order", ()),
        ("Order.objects.update(total=total)", ("django/db/models/query.py:QuerySet.update",)),
        ("cache.add(key, value)", ("redis/client.py:Redis.execute_command",)),
        ("log.info('done %s', order)", ("~logging/__init__.py:Logger.isEnabledFor",)),
        ("for value in values:", ("~functools.py:wrapper",)),
        ("@property", ()),
        ("requests.get(url)", ("requests/api.py:get", "requests/sessions.py:Session.__init__")),
        ("async with aiohttp.ClientSession() as session:", ()),
        (
            "asyncio.run(main())",
            ("~asyncio/runners.py:run", "~asyncio/base_events.py:new_event_loop"),
        ),
        (
            "output = subprocess.run(command)",
            ("~subprocess.py:run", "~subprocess.py:Popen.__init__"),
        ),
        (
            "order.save()",
            ("django/db/models/base.py:Model.save", "django/db/models/base.py:Model.save_base"),
        ),
        ("", ("celery/app/trace.py:build_tracer.trace_task",)),
        ("", ("kombu/utils/json.py:loads", *JSON)),
        ("", ("sentry_sdk/integrations/celery/__init__.py:_wrap_task_call", *JSON)),
        ("", ()),
    ],
)
def test_silence_where_nothing_fits(code: str, below: tuple[str, ...]) -> None:
    assert advise(evidence(code, *below)) is None


def test_what_wraps_every_task_proves_nothing() -> None:
    """Celery, Sentry and the like are above each task; only what the task called counts."""
    plain = evidence("order = parse(text)")
    assert any("sentry_sdk" in frame.file for frame in plain.stacks[0])
    assert advise(plain) is None


def test_a_newer_version_is_not_accused() -> None:
    frames = ("amqp/connection.py:Connection.connect", "amqp/transport.py:TCPTransport.connect")
    old = evidence("", *frames, role="main", versions={"AMQP": "5.0.6"})
    assert pattern(advise(old)) == "amqp-collect"
    for versions in ({"amqp": "5.0.7"}, {"amqp": "6"}, {"amqp": "unknown"}, {}):
        assert advise(replace(old, versions=versions)) is None


def test_an_agent_that_allocates_inside_a_call_is_blamed_and_not_the_call() -> None:
    found = advise(
        evidence(
            "session = requests.Session()",
            "requests/sessions.py:Session.__init__",
            "ddtrace/_trace/tracer.py:Tracer.start_span",
        )
    )
    assert pattern(found) == "ddtrace-spans"


def test_the_call_nearest_to_the_application_is_said() -> None:
    found = advise(
        evidence(
            "client = api()",
            "httpx/_client.py:Client.__init__",
            "~ssl.py:create_default_context",
        )
    )
    assert pattern(found) == "httpx-client-per-task"


def test_a_library_beats_the_shape_of_the_line() -> None:
    line = "CACHE[order] = load(path)"
    assert pattern(advise(evidence(line))) == "unbounded-dict-cache"
    assert (
        pattern(advise(evidence(line, "pandas/io/parsers/readers.py:read_csv")))
        == "dataframes-kept"
    )


def together(*parts: Evidence, **more: Any) -> Evidence:
    """One finding with the stacks of several pieces of evidence, each at lines of its own."""
    stacks, spots = [], {}
    for at, part in enumerate(parts):
        moved = {frame: Frame(frame.file, frame.line + 1000 * at) for frame in part.stacks[0]}
        stacks.append(tuple(moved[frame] for frame in part.stacks[0]))
        spots.update({moved[frame]: spot for frame, spot in part.spots.items()})
    return replace(parts[0], stacks=stacks, spots=spots, **more)


def test_a_minor_stack_does_not_speak_for_the_finding() -> None:
    plain = evidence("order = json.loads(text)", *JSON)
    logger = evidence("log = name()", "~logging/__init__.py:getLogger")
    assert advise(together(plain, logger)) is None
    assert pattern(advise(together(plain, logger, weights=(1, 9)))) == "logger-per-id"
    assert advise(together(plain, plain, plain, logger, weights=(1, 1, 1, 1))) is None


def test_the_line_that_keeps_speaks_however_small() -> None:
    rows = evidence("row = json.loads(text)", *JSON)
    keeping = evidence("HISTORY.append(row)")
    found = advise(together(rows, keeping, weights=(99, 1)))
    assert pattern(found) == "global-container"
    assert found is not None
    assert "`HISTORY.append(row)`" in found.because


def test_a_caller_that_keeps_what_the_blamed_line_made() -> None:
    plain = evidence("return {'id': order}")
    caller = Frame(f"{APP}/shop/tasks.py", 12)
    stack = (*plain.stacks[0][:-1], caller, plain.stacks[0][-1])
    spots = {**plain.spots, caller: Spot("export", "ROWS.append(build(order))")}
    found = advise(replace(plain, stacks=(stack,), spots=spots))
    assert pattern(found) == "global-container"
    assert found is not None
    assert "shop/tasks.py:12 reads" in found.because


def test_a_helper_below_the_blamed_line_is_read() -> None:
    plain = evidence("remember(order)")
    helper = Frame(f"{APP}/shop/cache.py", 7)
    spots = {**plain.spots, helper: Spot("Store.put", "self._kept[key] = value")}
    found = advise(replace(plain, stacks=((*plain.stacks[0], helper),), spots=spots))
    assert pattern(found) == "instance-container"


def test_one_frame_is_enough() -> None:
    """nframe 1: the library's own line, and nothing of the application."""
    found = advise(evidence("", "~logging/__init__.py:Manager.getLogger"))
    assert pattern(found) == "logger-per-id"


@pytest.mark.parametrize(("tasks", "told"), [(20, True), (1000, False)])
def test_a_count_that_rises_once_in_fifty_tasks_does_not_rise_with_them(
    tasks: int, told: bool
) -> None:
    known = evidence(
        "",
        facts_first={"threads": 10, "tasks_done": 0},
        facts_last={"threads": 30, "tasks_done": tasks},
    )
    assert (match._risen(Grows("threads", 0.5), known) is not None) is told


def test_growth_that_no_stack_explains() -> None:
    first = {"tasks_done": 0, "threads": 4, "sockets": 8, "open_files": 20}
    for fact, expected in (
        ("sockets", "sockets-growing"),
        ("open_files", "descriptors-growing"),
        ("threads", "threads-growing"),
    ):
        last = {**first, "tasks_done": 1000, fact: 1000}
        found = advise(Evidence(facts_first=first, facts_last=last))
        assert pattern(found) == expected
        assert found is not None
        assert f"went from {first[fact]} to 1,000 in 1,000 tasks" in found.because
        assert advise(Evidence(facts_first=last, facts_last=first)) is None
        assert (
            advise(Evidence(facts_first=first, facts_last={**last, fact: first[fact] + 9})) is None
        )


def test_the_reason_names_what_was_seen() -> None:
    found = advise(
        evidence(
            "log = logging.getLogger(f'shop.{order}')",
            "~logging/__init__.py:getLogger",
            "~logging/__init__.py:Manager.getLogger",
        )
    )
    assert found is not None
    assert found.because == (
        "looks like a logger per id: shop/tasks.py:40 reads `log = logging.getLogger(f'shop.{order}')`"
    )
    found = advise(evidence("log = name(order)", "~logging/__init__.py:Manager.getLogger"))
    assert found is not None
    assert found.because == (
        "looks like a logger per id: the growth is allocated in `logging.Manager.getLogger`, "
        "called from shop/tasks.py:40 (`log = name(order)`)"
    )


def test_the_reason_is_safe_to_print() -> None:
    found = advise(evidence("CACHE['\x1b[31m\u202e'] = '" + "x" * 500 + "'"))
    assert found is not None
    assert found.because.isprintable()
    assert len(found.because) < 200


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.pattern)
def test_the_words_of_a_rule(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)+", rule.pattern)
    assert re.fullmatch(r"https://[\w.-]+/\S*", rule.source)
    assert rule.title
    assert not rule.title.endswith(".")
    for text in (rule.why, rule.fix):
        assert text[0].strip()
        assert text.endswith((".", ")"))
        assert 20 <= len(text) <= 240
        assert "  " not in text
    assert rule.tier in (AGENT, CALL, SHAPE, FACTS)
    assert rule.signs
    for sign in rule.signs:
        assert sign != Sign()
        facts_only = bool(sign.grows) and not (
            sign.inside or sign.innermost or sign.line or sign.head
        )
        assert facts_only == (rule.tier == FACTS)


def test_patterns_are_unique_and_many() -> None:
    names = Counter(rule.pattern for rule in RULES)
    assert [name for name, times in names.items() if times > 1] == []
    assert len(names) >= 40


@pytest.mark.parametrize(
    "text", ["a.", "open(", "1err", "x[", "def f(a=[],", "cache.", "e,", "@cache("]
)
def test_no_source_line_is_slow_to_read(text: str) -> None:
    with at_most(10):
        advise(evidence(text * 10_000, head=text * 10_000))


LOOSE = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.sampled_from(["enabled", "counts", "x"]), st.integers() | st.lists(st.integers())),
)  # fmt: skip
FACTS_OF = st.dictionaries(
    st.sampled_from(["tasks_done", "threads", "sockets", "open_files", "gc"]), LOOSE
)
FRAMES = st.builds(
    Frame,
    st.sampled_from([f"{APP}/a.py", f"{SITE}/celery/app/trace.py", "<string>", ""])
    | st.text(max_size=9),
    st.integers(0, 9),
)


@given(
    stacks=st.lists(st.lists(FRAMES, max_size=4).map(tuple), max_size=3),
    first=FACTS_OF,
    last=FACTS_OF,
    versions=st.dictionaries(st.sampled_from(["celery", "kombu", "amqp"]), st.text(max_size=8)),
    code=st.text(max_size=30),
    role=st.sampled_from([None, "main", "child", "worker"]),
)
def test_no_evidence_breaks_it(
    stacks: list[tuple[Frame, ...]],
    first: Mapping[str, Any],
    last: Mapping[str, Any],
    versions: Mapping[str, str],
    code: str,
    role: str | None,
) -> None:
    spots = {frame: Spot(code, code) for stack in stacks for frame in stack}
    offered = Evidence(
        stacks=stacks,
        site=stacks[0][-1] if stacks and stacks[0] else None,
        spots=spots,
        role=role,
        versions=versions,
        facts_first=first,
        facts_last=last,
    )
    found = advise(offered)
    assert found == advise(offered)
    if found:
        assert found.because.isprintable()


@given(st.permutations(range(4)))
def test_the_order_of_equal_stacks_does_not_matter(order: list[int]) -> None:
    parts = [
        evidence("log = name()", "~logging/__init__.py:getLogger"),
        evidence("order = json.loads(text)", *JSON),
        evidence("log = name()", "~logging/__init__.py:getLogger"),
        evidence("CACHE[order] = total"),
    ]
    whole = together(*parts, weights=(1, 1, 1, 1))
    shuffled = replace(whole, stacks=[whole.stacks[at] for at in order])
    assert pattern(advise(shuffled)) == "logger-per-id"
