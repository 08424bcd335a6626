"""`run`: one question asked of a model, whether of numbers or of arrays."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from causalopt.effects.asked import ask, check_delta
from causalopt.effects.limit import check_integers, tangent_effect
from causalopt.effects.run import Run
from causalopt.engine.contract import Floats
from causalopt.errors import QuestionError
from causalopt.model.asked_words import Nudged, one_nudge
from causalopt.model.model import Model, refuse_for_numbers
from causalopt.model.selectors import Node
from causalopt.work.progress import Progress, long_work
from causalopt.worlds.interventions import Intervention

if TYPE_CHECKING:
    from causalopt.effects.ensembles.run_ensemble import RunEnsemble


@overload
def run(
    model: Model,
    *,
    nudge: Nudged | None = None,
    hold: str | Sequence[str | Node] | None = None,
    target: str | None = None,
    steps: int | None = None,
    delta: float | None = None,
    given: Sequence[Intervention] = (),
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    seed: int = 0,
    seeds: None = None,
    every: None = None,
    level: None = None,
    quantiles: None = None,
    progress: Progress | None = None,
    data: Mapping[str, Any] | None = None,
    keep: Sequence[str] | None = None,
    along: Any = None,
    probes: int | None = None,
    execution: str | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: int | None = None,
) -> Run: ...


@overload
def run(
    model: Model,
    *,
    nudge: Nudged | None = None,
    hold: str | Sequence[str | Node] | None = None,
    target: str | None = None,
    steps: int | None = None,
    delta: float | None = None,
    given: Sequence[Intervention] = (),
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    seed: int = 0,
    seeds: int | Sequence[int],
    every: int | None = None,
    level: float | None = None,
    quantiles: Sequence[float] | None = None,
    progress: Progress | None = None,
    data: Mapping[str, Any] | None = None,
    keep: Sequence[str] | None = None,
    along: Any = None,
    probes: int | None = None,
    execution: str | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: int | None = None,
) -> RunEnsemble: ...


@long_work("running", direct=True)
def run(
    model: Model,
    *,
    nudge: Nudged | None = None,
    hold: str | Sequence[str | Node] | None = None,
    target: str | None = None,
    steps: int | None = None,
    delta: float | None = None,
    given: Sequence[Intervention] = (),
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    seed: int = 0,
    seeds: int | Sequence[int] | None = None,
    every: int | None = None,
    level: float | None = None,
    quantiles: Sequence[float] | None = None,
    progress: Progress | None = None,
    data: Mapping[str, Any] | None = None,
    keep: Sequence[str] | None = None,
    along: Any = None,
    probes: int | None = None,
    execution: str | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: int | None = None,
) -> Run | RunEnsemble:
    """Measure Comp(A; n, m) and Op(A; n, m) at every step.

    Comp = (x^m - w^m) / (y^m - w^m): X is the world in which n is nudged, Y the one in which A
    keeps its values from the baseline W besides. Op = -ln |Comp|, in nats.

    Args:
        model: The model; its question gives what is not given here.
        nudge: The node n, such as `R[0]`; it is made in B. Or several, a span `d[t>=5]`, a
            parameter `Kp`, or a sum of them with weights: `2*d[t>=5] - Kp`, as a mapping
            `{"d[t>=5]": 2, "Kp": -1}`.
        hold: The set A, such as `a`, `a[t<=10]`, `A` (the partition's) or several of them.
        target: The variable m, or an expression of the run's nodes such as `integral(e**2)`.
        steps: The last step.
        delta: The nudge's size; the limit delta -> 0, by exact tangents, when not given.
        given: Interventions that make the baseline W itself.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's.
        seed: Which draws the noise variables make, the same in W, X and Y.
        seeds: How many seeds, from `seed` on, or a list of them: the result is then an ensemble, Op
            over noise with mean, quantiles and intervals.
        every: Of an ensemble, how many steps lie between those that are kept; such that a thousand
            and one are when not given. The last is always kept.
        level: Of an ensemble, the coverage of its intervals; 0.95 when not given.
        quantiles: Of an ensemble, which; 0.05, 0.25, 0.5, 0.75 and 0.95 when not given.
        progress: Called with (done, total, what), in steps; of an ensemble, in seeds.
        data: In a model with arrays, variable without a rule -> its values, step first.
        keep: In a model with arrays, the variables whose courses are kept; those that take little
            memory when not given.
        along: In a model with arrays, the direction in which n is nudged, of n's shape; all
            directions when not given.
        probes: In a model with arrays, how many random directions stand for all of n's.
        execution: In a model with arrays, `numpy`, `jax` or `numbers` (the model written out); by
            the work when not given.
        checkpoint: In a model with arrays, a file .npz that the run is written to now and then, and
            goes on from where there is one.
        checkpoint_every: After how many steps; ten times in the run when not given.

    Returns:
        The run; its `status` says at each step what the numbers mean. With `seeds` a
        `RunEnsemble`, whose row k is the run with the k-th seed.

    Raises:
        QuestionError: The question cannot be asked of this model.
        UnknownNameError: It names a variable that the model does not declare.

    Example:
        >>> from causalopt import load
        >>> run(load("thermostat"), steps=100).op[-1].round(6).item()
        1.005085
    """
    del progress  # long_work tells it
    if seeds is not None or (every, level, quantiles) != (None, None, None):
        question: dict[str, Any] = {
            "nudge": nudge,
            "hold": hold,
            "target": target,
            "steps": steps,
            "given": given,
        }
        question |= {"parameters": parameters, "initial": initial, "delta": delta}
        arrays = {"data": data, "keep": keep, "along": along, "probes": probes}
        arrays |= {"execution": execution, "checkpoint": checkpoint}
        said = {"every": every, "level": level, "quantiles": quantiles}
        return _over_noise(model, seed, seeds, said, question, arrays)
    if model.is_array:
        from causalopt.effects.arrays.array_question import run_arrays  # few models have any

        return run_arrays(
            model,
            nudge=one_nudge(nudge),
            hold=hold,
            target=target,
            steps=steps,
            delta=delta,
            given=given,
            parameters=parameters,
            initial=initial,
            seed=seed,
            data=data,
            keep=keep,
            along=along,
            probes=probes,
            execution=execution,
            checkpoint=checkpoint,
            checkpoint_every=checkpoint_every,
        )
    refuse_for_numbers(
        data=data, keep=keep, along=along, probes=probes, execution=execution, checkpoint=checkpoint
    )
    asked = ask(
        model,
        nudge=nudge,
        hold=hold,
        target=target,
        steps=steps,
        given=given,
        parameters=parameters,
        initial=initial,
        seed=seed,
    )
    if delta is None:
        tangents, answer = tangent_effect(asked)
        tables: list[Floats] = [tangents.values]
    else:
        from causalopt.effects.finite import finite_effect

        delta = check_delta(delta)
        found, answer = finite_effect(asked, delta)
        tables = [world.trajectory.values for world in found]
    check_integers(asked.model, tables[0])
    template = asked.model.template
    worlds = [{name: table[:, template.index[name]] for name in template.names} for table in tables]
    return Run(
        **vars(asked),
        delta=delta,
        t=np.arange(asked.steps + 1),
        W=worlds[0],
        X=worlds[1] if len(worlds) > 1 else None,
        Y=worlds[2] if len(worlds) > 1 else None,
        answer=answer,
    )


def _over_noise(
    model: Model,
    seed: int,
    seeds: int | Sequence[int] | None,
    said: dict[str, Any],
    question: dict[str, Any],
    arrays: dict[str, Any],
) -> RunEnsemble:
    """Return an ensemble: lanes of one batch, or with arrays a run for each seed."""
    from causalopt.effects.ensembles.run_ensemble import ensemble_of_numbers, ensemble_of_runs
    from causalopt.effects.ensembles.seed_lists import ensemble_options, seed_numbers

    options = ensemble_options(seeds, **said)
    assert seeds is not None
    chosen = seed_numbers(seeds, seed)
    if model.is_array:
        if arrays.pop("checkpoint") is not None:
            raise QuestionError("a checkpoint is of one run: leave it out of an ensemble")
        return ensemble_of_runs(
            lambda one: run(model, seed=one, **question, **arrays), chosen, **options
        )
    refuse_for_numbers(**arrays)
    delta = question.pop("delta")
    if delta is not None:
        delta = check_delta(delta)
    asked = ask(model, seed=chosen[0], **question)
    return ensemble_of_numbers(asked, chosen, delta=delta, **options)
