"""A copy of the sampled engine's tables says the same wherever it is read."""

from __future__ import annotations

import pytest

from tests.support.sampled_programs import run


def test_another_process_harvests_what_the_process_itself_does() -> None:
    """But for types, of which the other one is told the builtin ones."""
    said = run("""
        import io, pickle, subprocess, textwrap
        from leakhunt.engine.copied import Copied
        class Order:
            def __init__(self, n):
                self.number, self.lines = n, {n: n}
        def make():
            return [(
                bytes(n % 900),
                Order(n),
                [n],
                float(n),
                {n: str(n) * 9},  # a line of its own: of each line the five largest types are told
            ) for n in range(4000)]
        engine = begin(2048)
        kept = make()
        raw, life = engine.read(), Life(("shop.pay",))
        mine = engine.harvest(raw, life)
        kinds = {id(kind): kind.__name__ for kind in (dict, list, float, tuple)}
        program = textwrap.dedent('''
            import os, pickle, sys
            from leakhunt.engine import _sampler
            from leakhunt.engine.copied import Copied
            raw, life, nframe, salt, kinds, pid = pickle.load(sys.stdin.buffer)
            heads = _sampler.heads(raw[0], pid)
            for heads in (heads, None):
                told = Copied(nframe, salt, kinds, heads).harvest(raw, life)
                pickle.dump(told._replace(functions=dict(told.functions)), sys.stdout.buffer)
        ''')
        done = subprocess.run(
            [sys.executable, "-c", program],
            input=pickle.dumps((raw, life, engine.nframe, engine.salt, kinds, os.getpid())),
            stdout=subprocess.PIPE, check=True, env={**os.environ, "PYTHONHASHSEED": "7"},
        )
        stream = io.BytesIO(done.stdout)
        typed, plain = pickle.load(stream), pickle.load(stream)
        same = {}
        for name, told in (("typed", typed), ("plain", plain)):
            same[name] = [
                list(mine.runs) == list(told.runs), mine.estimates == told.estimates,
                mine.calendar == told.calendar, mine.gone == told.gone, dict(mine.functions) == told.functions,
            ]
        size = lambda told: sum(each.size for each in told)
        mine_types, other = ({}, {})
        for into, told in ((mine_types, mine), (other, typed)):
            for each in told.types:
                for kind, amount in each.largest:
                    into[kind] = into.get(kind, 0) + amount
        sums = lambda told: [(b.period, b.task, b.size, b.blocks) for each in told.births for b in each.births]
        say(
            same=same, recycled=[size(mine.recycled), size(typed.recycled), plain.recycled, plain.types],
            births=[sums(mine) == sums(typed), sums(mine) == sums(plain)],
            dicts=[mine_types.get("dict"), other.get("dict")],
            others=[kind for kind in other if kind not in kinds.values()],
        )
    """)
    assert said["same"] == {"typed": [True] * 5, "plain": [True] * 5}
    assert said["births"] == [True, True]
    mine, other, *unknown = said["recycled"]
    assert unknown == [None, None]
    assert mine > 0
    assert other == pytest.approx(mine, rel=0.02)  # that the program goes on meanwhile
    assert said["dicts"][1] == pytest.approx(said["dicts"][0], rel=0.02)
    assert said["others"] == []
