"""Escape of a model's walkers, answered by one of four members."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from causalopt.descents.chain import chain_of
from causalopt.descents.escape.answer import Answer, Method
from causalopt.descents.escape.by_counting import escape_by_counting
from causalopt.descents.escape.by_diffusion import escape_by_diffusion
from causalopt.descents.escape.by_ensemble import check_walkers, escape_by_ensemble
from causalopt.descents.escape.by_operator import escape_by_operator
from causalopt.descents.escape.escape import Escape
from causalopt.errors import QuestionError
from causalopt.model.model import Model
from causalopt.work.progress import Progress, long_work

METHODS: tuple[Method, ...] = get_args(Method)


@long_work("escaping")
def escape(
    model: Model,
    *,
    start: float,
    beyond: float,
    within: int | Sequence[int],
    method: Method = "operator",
    passage: bool = False,
    target: str | None = None,
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    walkers: int = 100_000,
    seed: int = 0,
    progress: Progress | None = None,
) -> Answer:
    """Return the probability that a walker stands beyond a level at step N.

    Args:
        model: A model with finite noise, such as `sgd_model` writes.
        start: Where the walker starts.
        beyond: The level; beyond is the other side of it than the start.
        within: A number of steps N, or several.
        method: `operator` (transfer operator), `ensemble` (Monte Carlo), `diffusion`
            (Fokker-Planck) or `exact` (counting, for rare events).
        passage: Ask for the first passage up to N instead of the position at N.
        target: The coordinate that start and level are of; the question's when not given.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's.
        walkers: How many walkers the ensemble has; the other methods have none.
        seed: 0 to 2^64 - 1; it fixes the ensemble's walkers.
        progress: Called with (done, total, what), in per cent.

    Raises:
        QuestionError: The question cannot be asked of this model by this method.
        UnknownNameError: It names something that the model does not declare.

    Example:
        >>> from causalopt import load
        >>> escape(load("sgd_well"), start=0.0, beyond=0.02, within=[0, 5]).probability
        (0.0, 1.0)
    """
    del progress  # long_work tells it
    if method not in METHODS:
        raise QuestionError(f"--method is one of {', '.join(METHODS)}; '{method}' came")
    check_walkers(walkers)
    if not 0 <= seed < 2**64:
        raise QuestionError(f"a seed is an integer from 0 to 2^64 - 1; {seed} came")
    chain = chain_of(model.replace(parameters=parameters, initial=initial), target)
    steps = (within,) if isinstance(within, int) else tuple(within)
    begin, place = chain.start_at(start), chain.coordinate
    question = Escape(begin, beyond, steps, passage=passage, coordinate=place)
    if method == "ensemble":
        return escape_by_ensemble(chain.step, question, walkers=walkers, seed=seed)
    if method == "diffusion":
        return escape_by_diffusion(chain.step, question)
    if method == "exact":
        return escape_by_counting(chain.step, question)
    return escape_by_operator(chain.step, question)
