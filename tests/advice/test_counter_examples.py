"""No rule speaks where its cause is absent: counter-examples for every one of them.

Each known example is taken, and the evidence for its cause is taken away: then its rule is silent.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from leakhunt.advice.evidence import Evidence
from leakhunt.advice.match import advise
from leakhunt.advice.rules import RULES
from leakhunt.model.snapshot import Frame, Spot
from tests.support.known_examples import APP, EXAMPLES, Example, evidence, seen

#: Rules whose evidence is the process's counts and versions, not what is on the stack.
BY_FACTS = {rule.pattern for rule in RULES for sign in rule.signs if sign.grows or sign.untraced}
MADE = [rule.pattern for rule in RULES if rule.is_made]
COUNTED = {rule.pattern: rule.counted for rule in RULES if rule.counted}


def pattern(known: Evidence) -> str | None:
    found = advise(known)
    return found.pattern if found else None


def names(examples: list[Example]) -> list[str]:
    return [example.name for example in examples]


IN_LIBRARIES = [
    example for example in EXAMPLES if example.below and example.pattern not in BY_FACTS
]


@pytest.mark.parametrize("example", IN_LIBRARIES, ids=names(IN_LIBRARIES))
def test_the_same_calls_around_the_application_prove_nothing(example: Example) -> None:
    """A library that calls the application is on every path: what is allocated is the application's."""
    known = seen(example)
    (stack,) = known.stacks
    plain = Frame(f"{APP}/shop/plain.py", 9)
    spots = {**known.spots, plain: Spot("build", "order = build(row)")}
    turned = (*(frame for frame in stack if frame != known.site), plain)
    assert pattern(replace(known, stacks=(turned,), site=plain, spots=spots, heads={}, shared={})) != example.pattern  # fmt: skip


@pytest.mark.parametrize("example", IN_LIBRARIES, ids=names(IN_LIBRARIES))
def test_a_tenth_of_the_growth_proves_nothing(example: Example) -> None:
    """Where nine tenths are allocated elsewhere, a rule about calls is silent."""
    known = seen(example)
    if any(sign.stores for rule in RULES if rule.pattern == example.pattern for sign in rule.signs):
        pytest.skip("what stores says what keeps the growth, however small its own part is")
    elsewhere = Frame(f"{APP}/shop/plain.py", 9)
    spots = {**known.spots, elsewhere: Spot("build", "order = build(row)")}
    stacks = ((elsewhere,), *known.stacks)
    much = replace(known, stacks=stacks, weights=[9.5, 0.5], spots=spots, site=elsewhere)
    assert pattern(much) != example.pattern


@pytest.mark.parametrize("example", EXAMPLES, ids=names(list(EXAMPLES)))
def test_what_shrinks_is_told_nothing(example: Example) -> None:
    assert advise(replace(seen(example), bytes_per_unit=-1.0)) is None


#: Rules about what a client itself leaves behind: these speak of the call below it.
BELOW = ("weakref-finalize", "popen-kept", "regex-per-id")
MADE_EXAMPLES = [example for example in EXAMPLES if example.pattern in MADE and example.below]


@pytest.mark.parametrize("example", MADE_EXAMPLES, ids=names(MADE_EXAMPLES))
def test_to_make_it_once_is_no_fix_where_a_registry_keeps_it(example: Example) -> None:
    """Who keeps a client per customer in a dict must bound the dict."""
    known = seen(example)
    assert known.site is not None
    code = f"CLIENTS[customer] = {example.code.partition('= ')[2] or 'made()'}"
    kept = replace(known, spots={**known.spots, known.site: Spot("export", code)}, heads={})
    assert pattern(kept) in ("unbounded-dict-cache", *BELOW)
    shared = replace(
        kept,
        spots={**known.spots, known.site: Spot("export", "clients[customer] = made()")},
        shared={known.site: ["clients"]},
    )
    assert pattern(shared) in ("unbounded-dict-cache", *BELOW)


@pytest.mark.parametrize(
    "example", [e for e in EXAMPLES if e.pattern in COUNTED], ids=lambda e: e.name
)
def test_what_is_closed_is_not_called_open(example: Example) -> None:
    """The process's own count stands still: whatever keeps the memory, it is closed."""
    known = seen(example)
    count = COUNTED[example.pattern]
    still = replace(
        known,
        facts_first={"tasks_done": 100, count: 20},
        facts_last={"tasks_done": 1100, count: 21},
    )
    assert pattern(still) != example.pattern
    rising = replace(still, facts_last={"tasks_done": 1100, count: 1020})
    assert pattern(rising) == example.pattern


@pytest.mark.parametrize(
    "code",
    [
        "LRU[key] = value",
        "_ttl_cache[key] = value",
        "RECENT.append(order)",
        "_bounded_seen.add(order)",
        "WEAK_REFS[key] = value",
    ],
)
def test_what_has_a_bound_is_not_told_to_get_one(code: str) -> None:
    assert advise(evidence(code)) is None


@pytest.mark.parametrize("holder", ["LRUCache", "TTLCache", "WeakValueDictionary"])
def test_a_container_with_a_bound_of_its_own_is_known_by_its_type(holder: str) -> None:
    assert pattern(evidence("CACHE[key] = value")) == "unbounded-dict-cache"
    assert pattern(evidence("CACHE[key] = value", holder="dict")) == "unbounded-dict-cache"
    assert advise(evidence("CACHE[key] = value", holder=holder)) is None


def test_the_bio_of_a_shared_ssl_context_is_not_a_context_made_per_call() -> None:
    assert advise(evidence("tls = CONTEXT.wrap_bio(incoming, outgoing)", "~ssl.py:SSLContext.wrap_bio", "~ssl.py:SSLObject._create")) is None  # fmt: skip


def test_start_times_in_an_instrumentation_are_no_spans() -> None:
    known = evidence("", "opentelemetry/instrumentation/celery/__init__.py:CeleryInstrumentor._trace_prerun")  # fmt: skip
    assert pattern(known) != "opentelemetry-spans"


def test_no_rule_claims_that_nothing_removes() -> None:
    """No snapshot shows that: a line that removes may stand two lines below."""
    for rule in RULES:
        said = f"{rule.title} {rule.why}".casefold()
        assert "nothing removes" not in said, rule.pattern
        assert "nothing ever leaves" not in said, rule.pattern
        assert "only grows" not in said, rule.pattern
