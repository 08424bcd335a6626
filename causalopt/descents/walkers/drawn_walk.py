"""Walkers of any model that `run` follows: whatever its noise, and wherever that enters.

A random map has finitely many images, so that operators can spread mass over them. Walkers need no
such thing: each draws its noise as a run does and follows the rules in a lane of a batch. Walker 0
is the run of the same seed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.limit import check_integers
from causalopt.engine.batch import LANES, Batch
from causalopt.engine.batch_choice import batch_runner
from causalopt.engine.contract import Floats
from causalopt.engine.executions import run_values
from causalopt.errors import QuestionError
from causalopt.model.model import Model
from causalopt.model.selectors import Node
from causalopt.worlds.interventions import Set, plan_for
from causalopt.worlds.noise import draw_walkers

_CHUNK = 1 << 22  # draws of one noise that a thread holds
LONGEST_WALK = 1_000_000


def remembered(model: Model) -> list[str]:
    """Return the variables whose values are carried from step to step, noise left out."""
    template = model.template
    carried = {parent for e in template.equations for parent, lag in e.parents if lag}
    noise = {name for name, variable in model.variables.items() if variable.noise is not None}
    return [e.name for e in template.equations if e.name in carried - noise]


def walking_variable(model: Model, target: str | None = None) -> str:
    """Return the variable that questions about a level mean.

    Args:
        model: The model.
        target: The one said; the question's own when None, else the first that is carried.

    Raises:
        QuestionError: It is not carried from step to step, or nothing is.
    """
    carried = remembered(model)
    if not carried:
        raise QuestionError("nothing in this model depends on the step before: there is no walk")
    named = target or model.question.target
    if target is not None and target not in carried:
        raise QuestionError(
            f"'{target}' is not carried from step to step; {', '.join(carried)} are"
        )
    return named if named in carried else carried[0]


class DrawnWalk:
    """A model's walkers, made ready to run.

    Args:
        model: A model with time, of numbers.
        variable: The one that is watched, carried from step to step.
        start: Its value at the latest initial step, in place of the model's.
        within: After how many steps from there it is looked at, ascending.
        seed: 0 to 2^64 - 1.

    Raises:
        QuestionError: The model starts from a law, a noise draws words, a variable has no value to
            start from, or the walk is too long.
    """

    def __init__(
        self, model: Model, variable: str, start: float, within: Sequence[int], seed: int
    ) -> None:
        template = model.template
        self._model, self._seed = model, seed
        self._first = max((len(e.initial) for e in template.equations), default=1) - 1
        if not template.equations[template.index[variable]].initial:
            raise QuestionError(f"'{variable}' has no initial value to start the walk from")
        self._steps = self._first + within[-1]
        if self._steps > LONGEST_WALK:
            raise QuestionError(
                f"walkers with noise of any kind go {LONGEST_WALK:,} steps at most; "
                f"{self._steps} came"
            )
        moves = (Set(Node(variable, self._first), start),)
        plan = plan_for(model, moves, steps=self._steps, noise_seed=seed)
        check_integers(model, run_values(template.structure, plan).values)
        self._batch = Batch(
            plan,
            {},
            {},
            tuple(self._first + n for n in within),
            (template.index[variable],),
            mode="values",
            estimate=False,
            drawn=self._draws(np.arange(1, dtype=np.uint64)),
        )
        self._runner = batch_runner(template.structure, self._batch)

    @property
    def together(self) -> int:
        """How many walkers a thread moves at once."""
        most = max(_CHUNK // (self._steps + 1), 1)
        return max(min(most, 1 << 14) // LANES, 1) * LANES

    def values(self, first: int, last: int) -> Floats:
        """Return where the walkers numbered first..last-1 stand, shape [look, walker]."""
        drawn = self._draws(np.arange(first, last, dtype=np.uint64))
        runner = self._runner.over(dataclasses.replace(self._batch, drawn=drawn))
        found: Floats = runner.run(slice(0, last - first)).values["w"][:, 0]
        return found

    def _draws(self, walkers: NDArray[np.uint64]) -> dict[int, Floats]:
        index = self._model.template.index
        draws = draw_walkers(self._model, self._steps, walkers, seed=self._seed)
        return {index[name]: table for name, table in draws.items()}


def each_block(walk: DrawnWalk, walkers: int, look: Callable[[Floats], None], workers: int) -> None:
    """Run all walkers block by block on threads, and show where each block stands.

    Args:
        walk: The walkers.
        walkers: How many.
        look: Called with values, shape [look, walker]; in no order, one call at a time.
        workers: Threads.
    """
    import concurrent.futures

    size = walk.together
    firsts = range(0, walkers, size)

    def run(first: int) -> Floats:
        return walk.values(first, min(first + size, walkers))

    if workers == 1 or len(firsts) == 1:
        for first in firsts:
            look(run(first))
        return
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        # No more than two blocks a thread wait, so that memory stays bounded.
        for group in range(0, len(firsts), 2 * workers):
            for values in pool.map(run, firsts[group : group + 2 * workers]):
                look(values)
