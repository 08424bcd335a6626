"""Escape of a model's walkers, answered by one of four members."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from causalopt.descents.chain import chain_of
from causalopt.descents.escape.answer import Answer, Method
from causalopt.descents.escape.by_counting import escape_by_counting
from causalopt.descents.escape.by_diffusion import escape_by_diffusion
from causalopt.descents.escape.by_drawn_noise import escape_by_drawn_noise
from causalopt.descents.escape.by_ensemble import check_walkers, escape_by_ensemble
from causalopt.descents.escape.by_operator import escape_by_operator
from causalopt.descents.escape.escape import Escape
from causalopt.descents.maps.outcomes import noise_outcomes
from causalopt.descents.maps.step_map import step_map
from causalopt.descents.walkers.drawn_walk import walking_variable
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
        model: A model with time. The ensemble takes any noise that `run` draws; the other methods
            need finitely many values of it, as in what `sgd_model` writes.
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
    model = model.replace(parameters=parameters, initial=initial)
    steps = (within,) if isinstance(within, int) else tuple(within)
    try:
        chain = chain_of(model, target)
    except QuestionError:
        if method != "ensemble":
            _refuse_continuum(model, method)
        if method != "ensemble" or model.is_array or _is_random_map(model):
            raise
        # Walkers follow what no random map is made of.
        asked = Escape((start,), beyond, steps, passage=passage)
        return escape_by_drawn_noise(model, asked, target=target, walkers=walkers, seed=seed)
    begin, place = chain.start_at(start), chain.coordinate
    question = Escape(begin, beyond, steps, passage=passage, coordinate=place)
    if method == "ensemble":
        return escape_by_ensemble(chain.step, question, walkers=walkers, seed=seed)
    if method == "diffusion":
        return escape_by_diffusion(chain.step, question)
    if method == "exact":
        return escape_by_counting(chain.step, question)
    return escape_by_operator(chain.step, question)


def watched(model: Model, target: str | None = None) -> str:
    """Return the name of the coordinate that start and level are of.

    Args:
        model: The model.
        target: The one said; None for the question's own, else the first.

    Raises:
        QuestionError: It is not carried from step to step.
    """
    try:
        chain = chain_of(model, target)
    except QuestionError:
        return walking_variable(model, target)
    return chain.step.names[chain.coordinate]


def _is_random_map(model: Model) -> bool:
    """Whether one step of a model has finitely many images, the same at each step."""
    try:
        step_map(model.template, noise_outcomes(model))
    except QuestionError:
        return False
    return True


def _refuse_continuum(model: Model, method: str) -> None:
    """Say which noise stands in a method's way, and what answers the question all the same."""
    names = [name for name, variable in model.variables.items() if variable.noise is not None]
    open_ = [name for name in names if name not in model.finite.noises]
    if not open_:
        return
    said = ", ".join(f"'{name}' ({model.variables[name].noise})" for name in open_)
    raise QuestionError(
        f"the method {method} follows finitely many values of noise a step, and {said} "
        f"{'has' if len(open_) == 1 else 'have'} a continuum of them: ask by walkers, "
        '--method ensemble (method="ensemble" in Python), or write a finite noise such as '
        "bernoulli(1/2) or {0: 1/3, 1: 2/3}"
    )
