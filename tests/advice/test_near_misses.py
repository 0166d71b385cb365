"""For every rule evidence that is like it and lacks its cause: the rule does not speak.

Rules about a library's calls are held against the same library around the application in
:mod:`tests.advice.test_counter_examples`; those here go by the application's own line, by what holds, or
by counts of the process.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from leakhunt.advice import holders
from leakhunt.advice.evidence import Evidence
from leakhunt.advice.match import advise
from leakhunt.advice.rules import RULES
from leakhunt.model.retention import Retention, Step
from leakhunt.model.snapshot import Frame, Spot
from tests.advice.test_counter_examples import IN_LIBRARIES, pattern
from tests.support.known_examples import APP, EXAMPLES, evidence, seen

#: Pattern, the line, and what else is known: what a reader of the advice would laugh at.
LINES: list[tuple[str, str, dict[str, Any]]] = [
    ("lru-cache-on-method", "return load(key)", {"head": "@lru_cache(maxsize=None)\ndef load(key):"}),
    ("lru-cache-on-method", "return self.load(key)", {"head": "@property\ndef load(self):"}),
    ("mutable-default-argument", "seen.append(order)", {"head": "def export(order, seen=None):"}),
    ("mutable-default-argument", "rows = fetch(order)", {"head": "def export(order, seen=[]):"}),
    ("exceptions-kept", "log.error('failed: %s', error)", {}),
    ("exceptions-kept", "raise self.retry(exc=exc)", {}),
    ("db-cursor-never-closed", "with connection.cursor() as cursor:", {}),
    ("db-cursor-never-closed", "cursor = mouse.cursor_position(window)", {}),
    ("warnings-registry", "warnings.warn(LATE, DeprecationWarning)", {}),
    ("warnings-registry", "log.warn('order %s is late', order)", {}),
    ("sockets-never-closed", "feed = FeedClient(host)", {}),
    ("lxml-trees-kept", "text = etree.tostring(root)", {}),
    ("thread-pool-per-task", "with ThreadPoolExecutor(4) as pool:", {}),
    ("threads-never-joined", "start_watch(order)", {}),
    ("greenlets-kept", "gevent.joinall(jobs)", {}),
    ("threads-growing", "text = json.loads(raw)", {}),
    ("atexit-per-task", "register(cleanup, order)", {}),
    ("sys-state-grows", "path.insert(0, folder)", {}),
    ("sys-state-grows", "print(sys.path)", {}),
    ("contextvars-kept", "token = settings.set(order)", {}),
    ("code-per-task", "pattern.compile(order)", {}),
    ("code-per-task", "total = evaluate(order)", {}),
    ("pickler-memo", "json.dump(order, file)", {}),
    ("buffer-never-emptied", "total = writer.rows(order)", {}),
    ("itertools-tee", "total = guarantee(rows)", {}),
    ("interned-strings", "client = internal(order)", {}),
    ("tracemalloc-snapshots", "picture = camera.snapshot()", {}),
    ("gc-disabled", "node.parent = tree", {}),
    ("threading-local", "locale.rows = rows", {}),
    ("threading-local", "values = dict(locals(), rows=rows)", {}),
    ("task-instance-state", "self.total = total(order)", {"function": "export"}),
    ("task-instance-state", "self.seen.append(order)", {"function": "Basket.add"}),
    ("task-instance-state", "self._lru[order] = total", {"function": "ExportTask.run"}),
    ("callbacks-never-removed", "webhooks = fetch_webhooks(order)", {}),
    ("callbacks-never-removed", "callbacks.clear()", {}),
    ("class-attribute", "order.items.append(item)", {}),
    ("class-attribute", "Order.objects.update(total=total)", {}),
    ("class-attribute", "cls._ttl_cache[key] = value", {"function": "Catalog.get"}),
    ("deque-without-maxlen", "recent.append(order)", {}),
    ("keyed-container", "total = groups[customer]", {"shared": "groups"}),
    ("keyed-container", "groups[customer].append(order)", {}),
    ("keyed-container", "_recent[customer].append(order)", {}),
    ("unbounded-dict-cache", "cache = {}", {}),
    ("unbounded-dict-cache", "value = CACHE[key]", {}),
    ("global-container", "rows.append(row)", {}),
    ("global-container", "HISTORY.remove(order)", {}),
    ("instance-container", "self.total = total", {"function": "Basket.add"}),
    ("instance-container", "self.recent.append(item)", {"function": "Basket.add"}),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "code", "known"), LINES, ids=[f"{p}: {c}" for p, c, _ in LINES])
def test_a_line_that_is_merely_like_it(rule: str, code: str, known: dict[str, Any]) -> None:
    assert pattern(evidence(code, **known)) != rule


def test_every_rule_has_something_that_is_like_it_and_is_not_it() -> None:
    """``sockets-growing`` and ``descriptors-growing`` in ``test_growth_that_no_stack_explains``."""
    covered = {example.pattern for example in IN_LIBRARIES} | {rule for rule, _, _ in LINES}
    without = {rule.pattern for rule in RULES} - covered
    assert without == {"sockets-growing", "descriptors-growing"}


ITSELF = {rule.pattern for rule in RULES if any(sign.itself for sign in rule.signs)}
ALONE = [example for example in EXAMPLES if example.pattern in ITSELF and not example.below]


@pytest.mark.parametrize("example", ALONE, ids=lambda example: example.name)
def test_what_is_made_in_a_call_from_the_line_is_not_made_by_the_line(example: Any) -> None:
    """``buffer.write(render(order))``: what render() keeps is no buffer."""
    if example.code.startswith(("raise", "module =", "self.", "ERRORS", "FAILED")):
        pytest.skip("that line is recognised by another sign")
    known = seen(example)
    (stack,) = known.stacks
    helper = Frame(f"{APP}/shop/render.py", 7)
    spots = {**known.spots, helper: Spot("render", "text = template(order)")}
    assert pattern(replace(known, stacks=((*stack, helper),), spots=spots)) != example.pattern
    library = Frame("/usr/lib/python3.11/string.py", 7)
    assert pattern(replace(known, stacks=((*stack, library),))) != example.pattern


def kept(kind: str, *steps: tuple[str, str], bound: int | None = None) -> Retention:
    path = tuple(Step(step, name, kind, 10) for step, name in steps)
    return Retention(path, 10, 1000, kind, 10, bound, 1, 1000, path)


STORING = [
    example
    for example in EXAMPLES
    for rule in RULES
    if rule.pattern == example.pattern and all(sign.stores for sign in rule.signs)
]


@pytest.mark.parametrize("example", STORING, ids=lambda example: example.name)
def test_a_container_that_is_known_to_have_a_bound_needs_none(example: Any) -> None:
    full = kept("dict", ("module", "shop.tasks"), ("attribute", "CACHE"), bound=100)
    assert pattern(replace(seen(example), kept=full)) != example.pattern


@pytest.mark.parametrize(
    "held",
    [
        kept("dict", ("module", "shop"), ("attribute", "APP"), ("attribute", "orders")),
        kept("list", ("thread", "MainThread"), ("local", "rows")),
        kept("shop.Basket", ("module", "shop"), ("attribute", "BASKET")),
        kept("list", ("class", "Registry"), ("attribute", "items"), ("item", "")),
        kept("tuple", ("module", "shop"), ("attribute", "KEPT")),
    ],
    ids=["an object's dict", "a local", "an object", "an item of a class's list", "a tuple"],
)
def test_a_holder_that_may_be_anything_is_advised_nothing(held: Retention) -> None:
    assert holders.held(held) is None
    assert advise(Evidence(kept=held)) is None
