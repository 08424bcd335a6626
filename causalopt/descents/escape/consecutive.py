"""Post 1's first theory of escape: so many steps in a row on one datapoint lead out.

The count is exact, and so is the chance of such a run; as an escape probability the latter misses
every other way out, and says so by name.
"""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import TYPE_CHECKING

from causalopt.descents.chain import chain_of
from causalopt.descents.maps.outcomes import noise_outcomes
from causalopt.descents.maps.success_runs import run_probability, steps_of_one_map
from causalopt.errors import QuestionError, UnknownNameError
from causalopt.results import Displayed

if TYPE_CHECKING:
    from causalopt.model.model import Model


@dataclasses.dataclass(frozen=True, repr=False)
class Consecutive(Displayed):
    """Steps in a row on one datapoint that lead beyond a level.

    Args:
        steps: How many; -1 when that datapoint alone never leads there.
        share: Probability of picking it.
    """

    steps: int
    share: Fraction

    def __repr__(self) -> str:
        if self.steps < 0:
            return "this datapoint alone never leads beyond the level"
        return f"{self.steps} steps in a row, each with probability {self.share}"

    def chance_of_run(self, within: int) -> Fraction:
        """Return the probability of such a run within so many draws; 0 when there is none."""
        if self.steps < 0:
            return Fraction(0)
        return run_probability(max(self.steps, 1), within, self.share)


def consecutive_steps(model: Model, datapoint: int, *, start: float, beyond: float) -> Consecutive:
    """Return how many steps in a row on one datapoint lead from the start beyond the level.

    Args:
        model: A model of one coordinate whose only noise picks the datapoint.
        datapoint: A value of that noise, such as 0.
        start: Where the walker starts.
        beyond: The level, above the start.

    Raises:
        UnknownNameError: The noise never takes this value.
        QuestionError: Not one coordinate and one noise variable, or a level below the start.

    Example:
        >>> from causalopt.model.files import load
        >>> pit = load("sgd_pit").replace(parameters={"T": 0.05})
        >>> found = consecutive_steps(pit, 0, start=1.0036974, beyond=1.1959565)
        >>> found.steps, round(float(found.chance_of_run(100)), 4)
        (5, 0.8101)
    """
    outcomes = noise_outcomes(model)
    chain = chain_of(model).step
    if len(outcomes) != 1 or chain.dimension != 1 or beyond <= start:
        raise QuestionError(
            "consecutive steps need one coordinate, one noise variable and a level above the "
            f"start; {len(outcomes)} noise variables, {chain.dimension} coordinates and "
            f"{start} -> {beyond} came"
        )
    ((name, law),) = outcomes.items()
    values = [value for value, _ in law]
    if datapoint not in values:
        known = ", ".join(str(value) for value in values)
        raise UnknownNameError(f"'{name}' never picks datapoint {datapoint}; known here: {known}")
    place = values.index(Fraction(datapoint))
    steps = steps_of_one_map(chain.maps[place], start, beyond)
    return Consecutive(steps, Fraction(law[place][1]).limit_denominator(10**9))
