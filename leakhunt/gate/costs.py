"""What a check spends its time on: runs, looks, looks that find who holds what, judgements. Measured, seconds.

A look and a judgement cost the same however many runs lie between, and only runs narrow what is not known: so
:mod:`~.plan` lays out its stages by these figures.
"""

from __future__ import annotations

from leakhunt.gate.orders import Answer

#: A stage is judged so often: when bets can be won, when it is over, when it is known who holds what.
RULINGS = 3
#: A look that finds who holds what takes as long as so many others, until one was taken.
WALK = 4


class Costs:
    """The newest figure of each; 0.0 where there was none yet."""

    def __init__(self) -> None:
        self.run = 0.0
        self.look = 0.0
        self.judging = 0.0
        self.elapsed = 0.0
        """Seconds from the start of the check to the newest answer,"""
        self.judged_at = -1.0
        """and to the one that was judged last."""
        self._walk = 0.0

    def told(self, answer: Answer, new: int, full: bool, elapsed: float) -> None:
        """An answer came, ``elapsed`` seconds after the start, with so many ``new`` runs and perhaps a look, a ``full`` one or not.

        The judgement before it took what is left of the time.
        """
        if self.judged_at == self.elapsed:
            self.judging = max(0.0, elapsed - self.elapsed - answer.seconds - answer.looked)
        if answer.path is not None and full:
            self._walk = answer.looked
        elif answer.path is not None:
            self.look = answer.looked
        if new > 0:
            self.run = answer.seconds / new
        self.elapsed = elapsed

    def judged(self) -> None:
        """The newest answer was."""
        self.judged_at = self.elapsed

    def left(self, at_most: float) -> float:
        """Seconds that are left of so many; those of a judgement that was just made are not in ``elapsed`` yet."""
        return at_most - self.elapsed - (self.judging if self.judged_at == self.elapsed else 0.0)

    def ending(self, runs: int) -> float:
        """From the last regular look of a stage to its answer: judged, so many more ``runs``, who holds it, judged again."""
        return runs * self.run + (self._walk or WALK * self.look) + (RULINGS - 1) * self.judging

    def beside(self, looks: int, runs: int) -> float:
        """A stage with so many ``looks``, without its runs but for those of its ending."""
        return looks * self.look + self.ending(runs) + self.judging
