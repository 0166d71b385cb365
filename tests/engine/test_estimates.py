"""The sampled engine's estimates: without bias, as sure as they say, fine where that is cheap."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from tests.support.sampled_programs import ACCURACY, DETECTION, run

#: How often to sample, and what that may cost, is arithmetic of the engine's own, and no matter of the Python: only
#: that there are estimates, and that they are right, is asked of each.
once = pytest.mark.once


@pytest.mark.parametrize(
    "interval", [pytest.param(512, marks=once), pytest.param(4096, marks=once), 16384]
)
def test_estimates_agree_with_tracemalloc_and_errors_cover_the_truth(interval: int) -> None:
    lines = run(ACCURACY, str(interval))["lines"]
    assert len(lines) >= 5
    for truth, estimates in lines:
        sizes = [size for size, _ in estimates]
        mean = sum(sizes) / len(sizes)
        spread = math.sqrt(sum((size - mean) ** 2 for size in sizes) / (len(sizes) - 1))
        assert abs(mean - truth) < 5 * spread / math.sqrt(len(sizes)) + 0.002 * truth, (truth, mean)
        # What it says of its own error is the spread that there is.
        said = math.sqrt(sum(stderr**2 for _, stderr in estimates) / len(estimates))
        assert 0.75 < said / spread < 1.33, (truth, said, spread)
    # 68 % and 95 % of 200 for a normal distribution, within five standard deviations.
    truth, estimates = lines[-1]
    one = sum(abs(size - truth) <= stderr for size, stderr in estimates)
    two = sum(abs(size - truth) <= 2 * stderr for size, stderr in estimates)
    assert 103 <= one <= 169, one
    assert 175 <= two <= 200, two


def test_a_heap_that_stands_still_gives_the_same_snapshot_twice() -> None:
    said = run("""
        engine = begin(1024)
        def keep():
            return [str(n) * 20 for n in range(20000)]
        kept = keep()
        first, second = here(engine, "keep"), here(engine, "keep")
        counted = _sampler.counters()[0]
        runs = sum(t[1] * n for t, n in engine.harvest(engine.read()).runs)
        say(first=first, second=second, off=abs(counted - runs) / runs)
    """)
    assert said["first"] == said["second"]
    assert said["off"] < 0.05  # between the two calls a few blocks come and go


def test_thinning_keeps_the_estimate() -> None:
    """More samples than there is room for: the interval grows, the sum stays."""
    said = run("""
        def keep():
            return [bytes(2000) for _ in range(60000)]
        engine = Sampled(None, 0.5)
        engine.start(5)
        kept = keep()
        truth = sum(map(sys.getsizeof, kept))
        size, blocks, samples, stderr = here(engine, "keep")
        fine()
        say(ratio=size / truth, stderr=stderr / truth, samples=samples, interval=_sampler.stats()["interval"])
    """)
    assert said["samples"] <= 16384
    assert abs(said["ratio"] - 1) < 5 * said["stderr"]


CHURN = """
        def churn(seconds):
            end = time.process_time() + seconds
            while time.process_time() < end:
                [{"k": str(n) * 9} for n in range(300)]
"""


@once
def test_the_interval_follows_the_budget() -> None:
    said = run(
        CHURN
        + """
        engine = Sampled(None, 0.01)
        engine.start(25)
        young = _sampler.stats()
        churn(4)
        before = _sampler.stats()
        churn(1.5)
        busy = _sampler.stats()
        end = time.process_time() + 1.5
        kept = []
        while time.process_time() < end:
            for _ in (None,) * 100000:
                pass
            kept.append(bytes(20000))
        quiet = _sampler.stats()
        fine()
        say(young=young, before=before, busy=busy, quiet=quiet)
    """
    )
    young, before, busy, quiet = (said[key] for key in ("young", "before", "busy", "quiet"))
    assert young["interval"] < busy["interval"]
    assert quiet["interval"] < busy["interval"]
    share = (busy["sample_ns"] - before["sample_ns"]) / (busy["cpu_ns"] - before["cpu_ns"])
    assert share < 0.03
    # What a young process may spend on top is a fifth of a second in all.
    assert young["credit_ns"] == 2e8
    assert busy["credit_ns"] < young["credit_ns"] / 4
    assert busy["sample_ns"] < 2.5e8 + 0.02 * busy["cpu_ns"]


@once
def test_what_a_young_process_spends_is_paid_back() -> None:
    """Over its life, too, a process pays the budget: what youth has cost becomes less again."""
    said = run(
        CHURN
        + """
        engine = Sampled(None, 0.02)
        engine.start(25)
        churn(2.5)
        debts = [_sampler.stats()["debt_ns"]]
        for _ in range(3):
            end = time.process_time() + 1
            while time.process_time() < end:
                for _ in (None,) * 100000:
                    pass
                bytes(20000)
            debts.append(_sampler.stats()["debt_ns"])
        fine()
        say(debts=debts)
    """
    )
    debts = said["debts"]
    assert 1e8 < debts[0] <= 4e8  # of a credit of 0.4 s
    assert debts == sorted(debts, reverse=True)
    assert debts[-1] < debts[0] - 1e7


def test_a_small_run_of_a_young_process_is_seen_finely() -> None:
    """Of its 200 blocks of a kilobyte a dozen at least, of which one per cent of the CPU would see one or two. Where
    each sample is dear, as to a process that is often set aside, as many fewer; the interval goes in steps of √2.
    """
    said = min((_small_run() for _ in range(3)), key=lambda said: said["interval"] / said["dear"])
    assert said["interval"] <= 16384 * 2**0.5 * said["dear"]
    assert said["samples"] > 0
    assert abs(said["ratio"] - 1) < 5 * said["stderr"]


#: Nanoseconds that a sample of some twenty frames may take on an idle machine.
A_SAMPLE = 600.0


def _small_run() -> dict[str, Any]:
    """``dear``: how many times as long as that one took, not below 1."""
    said = run("""
        leaked = []
        def leak(): leaked.append(bytes(991))
        def task(n):
            rows = [{"id": i, "name": f"row {i}", "tags": ["a", str(i)]} for i in range(40)]
            json.loads(json.dumps(rows))
            leak()
        engine = Sampled()
        engine.start(25)
        for n in range(200): task(n)
        figures = _sampler.stats()
        fine()
        size, blocks, samples, stderr = here(engine, "leak")
        truth = sum(map(sys.getsizeof, leaked))
        say(ratio=size / truth, stderr=stderr / truth, samples=samples,
            interval=figures["interval"], each=figures["sample_ns"] / figures["taken"])
    """)
    return {**said, "dear": max(1.0, said["each"] / A_SAMPLE)}


def test_imports_are_sampled_coarsely_and_what_follows_finely(tmp_path: Path) -> None:
    (tmp_path / "heavy.py").write_text(
        "from leakhunt.engine import _sampler\n"
        "kept = [str(n) * 9 for n in range(100000)]\n"
        "during = _sampler.stats()\n"
    )
    said = run(
        CHURN
        + """
        sys.path.insert(0, sys.argv[1])
        engine = Sampled()
        engine.start(25)
        import heavy
        churn(0.01)
        after = _sampler.stats()
        fine()
        say(during=heavy.during, after=after)
    """,
        str(tmp_path),
    )
    assert said["during"]["importing"]
    assert not said["after"]["importing"]
    assert said["during"]["interval"] > 4 * said["after"]["interval"]
    assert said["during"]["credit_ns"] > 1.5e8


@once
def test_no_interval_waits_for_a_sample_that_hardly_comes(tmp_path: Path) -> None:
    """Nor for one that is no import: where tasks allocate little, their ends see to it that it is looked for."""
    (tmp_path / "heavy.py").write_text(
        "import time\n"
        "end = time.process_time() + 0.3\n"
        "while time.process_time() < end:\n"
        "    kept = [str(n) * 9 for n in range(10000)]\n"
    )
    said = run(
        CHURN
        + """
        sys.path.insert(0, sys.argv[1])
        engine = Sampled(None, 0.001)
        engine.start(25)
        churn(1)
        busy = _sampler.stats()
        import heavy
        during, idle = _sampler.stats(), (None,) * 20000
        end = time.process_time() + 1.8
        while time.process_time() < end:
            for _ in idle:
                pass
            _sampler.end_task(0, 0, None)
        after = _sampler.stats()
        fine()
        say(busy=busy, during=during, after=after)
    """,
        str(tmp_path),
    )
    assert said["during"]["importing"]
    assert said["busy"]["interval"] > 64 << 10
    assert not said["after"]["importing"]
    assert said["after"]["interval"] < said["busy"]["interval"] / 16


@once
def test_a_few_dear_samples_do_not_make_the_interval_coarse_at_once() -> None:
    """Eight times coarser is the most: the share of a short window is mostly chance."""
    said = run("""
        engine = Sampled(None, 0.0001)
        engine.start(25)
        intervals, end = [], time.process_time() + 0.5
        while time.process_time() < end:
            kept = [str(n) * 9 for n in range(20)]
            intervals.append(_sampler.stats()["interval"])
        fine()
        say(steps=max(b / a for a, b in zip(intervals, intervals[1:])), last=intervals[-1])
    """)
    assert said["last"] > 64 << 10
    assert said["steps"] < 8.01


def test_children_that_are_replaced_all_the_time_are_not_young_each_time() -> None:
    said = run("""
        engine = Sampled()
        engine.start(25)
        credits, began = [], time.monotonic()
        for _ in range(40):
            receive, send = os.pipe()
            if os.fork() == 0:
                os.write(send, str(_sampler.stats()["credit_ns"]).encode())
                os._exit(0)
            os.close(send)
            credits.append(float(os.read(receive, 100)))
            os.close(receive)
            os.wait()
        say(credits=credits, took=(time.monotonic() - began) * 1e9)
    """)
    given = said["credits"]
    assert given[:9] == [2e8] * 9
    assert all(0.8 * a < b < a for a, b in zip(given[9:], given[10:]))
    # Half a budget of the time in which they were forked comes in, an eighth of that goes to each.
    assert sum(given) < 3.2e9 + 0.005 * said["took"]


@pytest.mark.parametrize(
    "size", [100, pytest.param(1000, marks=once), pytest.param(10_000, marks=once)]
)
def test_a_leak_ranks_first_for_good_after_a_megabyte_and_a_half(size: int) -> None:
    limit = 3 << 19
    for seed in range(3):
        said = run(DETECTION, str(seed), str(64 << 10), str(size), str(limit))
        assert said["since"] is not None, seed
        assert said["since"] <= limit, (seed, said["since"])


def test_the_types_of_objects_are_told() -> None:
    said = run("""
        class Order:
            __slots__ = ("number", "__weakref__")
            def __init__(self, number): self.number = number
        class Meta(type):
            def __getattribute__(self, name): raise RuntimeError("nobody may run this")
        Strange = Meta("Strange", (dict,), {})
        def orders(): return list(map(Order, range(20000)))
        def dicts(): return [{"k": n} for n in range(20000)]
        def texts(): return list(map(str, range(10**9, 10**9 + 20000)))
        engine = begin(1024)
        kept = orders(), dicts(), texts(), [Strange() for _ in range(10)]
        told = harvest(engine)
        names = told.functions
        found = {}
        for frames, sizes in told.types:
            for name in {names[frame].split(".")[-1] for frame in frames[:2]}:
                found[name] = found.get(name, ()) + sizes
        bad = len(_sampler.heads(engine.read()[0][:0]))
        gone = _sampler.heads(__import__("struct").pack("=QQIIHHIII", 4096, 64, 1, 0, 0, 0, 0, 0, 0) * 600)
        say(found=found, bad=bad, gone=len(gone) - gone.count(0))
    """)
    kinds = {name: {kind for kind, _ in sizes} for name, sizes in said["found"].items()}
    assert "__main__.Order" in kinds["orders"]
    assert {"dict", "int"} <= kinds["dicts"]
    assert "str" in kinds["texts"]
    assert (said["bad"], said["gone"]) == (0, 0)


def test_objects_that_freelists_hand_on_are_told() -> None:
    said = run("""
        def pairs(): return [(n, n) for n in range(9000)]
        def long_ones(): return [tuple(range(n, n + 40)) for n in range(3000)]
        def tables(): return [{"k": str(n)} for n in range(9000)]
        def texts(): return list(map(str, range(10**9, 10**9 + 20000)))
        class Own(tuple): pass
        def subclass(): return [Own((n,)) for n in range(9000)]
        engine = begin(512, 4)
        kept = pairs(), long_ones(), tables(), texts(), subclass()
        sizes = {}
        told = harvest(engine)
        for trace, n in told.runs:
            sizes[trace[2]] = sizes.get(trace[2], 0) + trace[1] * n
        names, shares = told.functions, {}
        recycled = dict(told.recycled)
        assert all(0 < size <= sizes[frames] for frames, size in recycled.items())
        for frames, size in sizes.items():
            for name in {names[frame].split(".")[-1] for frame in frames}:
                one = shares.setdefault(name, [0, 0])
                one[0] += recycled.get(frames, 0)
                one[1] += size
        say(**{name: one[0] / one[1] for name, one in shares.items()})
    """)
    assert said["pairs"] > 0.5  # the rest: the list's body, before 3.14 the integers
    assert said["tables"] > 0.5
    assert said["long_ones"] < 0.4
    assert said["texts"] < 0.02
    assert said["subclass"] < 0.4
