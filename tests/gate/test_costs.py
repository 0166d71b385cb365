"""What a check spends its time on, told by answers made by hand."""

from __future__ import annotations

import pytest

from leakhunt.gate.costs import RULINGS, WALK, Costs
from leakhunt.gate.orders import RAN, Answer


def looked(costs: Costs, elapsed: float, full: bool = False) -> None:
    """Ten runs of a second, and a look of two."""
    costs.told(Answer(RAN, 10, 10.0, "1.bin", looked=2.0), 10, full, elapsed)


def test_a_judgement_is_what_is_left_of_the_time() -> None:
    costs = Costs()
    looked(costs, 12.5)
    assert (costs.run, costs.look, costs.judging) == (1.0, 2.0, 0.0)
    costs.judged()
    assert costs.left(60.0) == 47.5
    looked(costs, 12.5 + 12 + 3)
    assert (costs.look, costs.judging) == (2.0, 3.0)
    looked(costs, 50.0)  # nothing was judged: somebody else took the time
    assert costs.judging == 3.0
    costs.judged()
    assert costs.left(60.0) == 7.0


def test_a_look_that_finds_who_holds_what_has_a_figure_of_its_own() -> None:
    costs = Costs()
    looked(costs, 12.0)
    assert costs.ending(5) == 5.0 + WALK * 2.0
    costs.told(Answer(RAN, 20, 10.0, "2.bin", looked=7.0), 10, True, 30.0)
    assert costs.look == 2.0
    assert costs.ending(5) == 5.0 + 7.0
    costs.judged()
    looked(costs, 30.0 + 12 + 1)
    assert costs.ending(0) == 7.0 + (RULINGS - 1) * 1.0
    assert costs.beside(20, 0) == pytest.approx(20 * 2.0 + 7.0 + RULINGS * 1.0)
