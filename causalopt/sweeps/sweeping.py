"""The question of a sweep: which measure over which axes, and where its answers are kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, overload

from causalopt.effects.sweeps.number_sweep import sweep_numbers
from causalopt.effects.sweeps.sweep import Sweep
from causalopt.errors import QuestionError
from causalopt.model.asked_words import Nudged
from causalopt.model.model import Model
from causalopt.model.selectors import Node
from causalopt.work.progress import Progress, long_work
from causalopt.worlds.interventions import Intervention

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from distributed import Client

    from causalopt.effects.ensembles.sweep_ensemble import SweepEnsemble
    from causalopt.sweeps.measure_sweep import MeasureSweep
    from causalopt.sweeps.point_designs import Design
    from causalopt.sweeps.sweep_store import SweepStore
    from causalopt.sweeps.swept_measure import SweptMeasure

_WORDS = ("nudge", "hold", "target", "seed")


@overload
def sweep(
    model: Model,
    grid: Mapping[str, Any] | Design,
    *,
    measure: str | Mapping[str, Any] | SweptMeasure | None = None,
    nudge: Nudged | None = None,
    hold: str | Sequence[str | Node] | None = None,
    target: str | None = None,
    steps: int | None = None,
    at: int | None = None,
    delta: float | None = None,
    given: Sequence[Intervention] = (),
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    seed: int = 0,
    seeds: None = None,
    level: None = None,
    quantiles: None = None,
    estimate: bool = True,
    out: None = None,
    resume: Literal[False] = False,
    executor: Executor | None = None,
    dask: str | Client | None = None,
    chunk: int | None = None,
    workers: int | None = None,
    preview: Callable[[MeasureSweep], object] | None = None,
    progress: Progress | None = None,
    data: Mapping[str, Any] | None = None,
) -> Sweep | MeasureSweep: ...


@overload
def sweep(
    model: Model,
    grid: Mapping[str, Any] | Design,
    *,
    measure: str | Mapping[str, Any] | SweptMeasure | None = None,
    nudge: Nudged | None = None,
    hold: str | Sequence[str | Node] | None = None,
    target: str | None = None,
    steps: int | None = None,
    at: int | None = None,
    delta: float | None = None,
    given: Sequence[Intervention] = (),
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    seed: int = 0,
    seeds: None = None,
    level: None = None,
    quantiles: None = None,
    estimate: bool = True,
    out: str | os.PathLike[str],
    resume: bool = False,
    executor: Executor | None = None,
    dask: str | Client | None = None,
    chunk: int | None = None,
    workers: int | None = None,
    preview: Callable[[MeasureSweep], object] | None = None,
    progress: Progress | None = None,
    data: Mapping[str, Any] | None = None,
) -> SweepStore: ...


@overload
def sweep(
    model: Model,
    grid: Mapping[str, Any] | Design,
    *,
    measure: None = None,
    nudge: Nudged | None = None,
    hold: str | Sequence[str | Node] | None = None,
    target: str | None = None,
    steps: int | None = None,
    at: int | None = None,
    delta: float | None = None,
    given: Sequence[Intervention] = (),
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    seed: int = 0,
    seeds: int | Sequence[int],
    level: float | None = None,
    quantiles: Sequence[float] | None = None,
    estimate: bool = True,
    out: None = None,
    resume: Literal[False] = False,
    executor: None = None,
    dask: None = None,
    chunk: None = None,
    workers: int | None = None,
    preview: None = None,
    progress: Progress | None = None,
    data: Mapping[str, Any] | None = None,
) -> SweepEnsemble: ...


@long_work("sweeping", unit="points")
def sweep(
    model: Model,
    grid: Mapping[str, Any] | Design,
    *,
    measure: str | Mapping[str, Any] | SweptMeasure | None = None,
    nudge: Nudged | None = None,
    hold: str | Sequence[str | Node] | None = None,
    target: str | None = None,
    steps: int | None = None,
    at: int | None = None,
    delta: float | None = None,
    given: Sequence[Intervention] = (),
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    seed: int = 0,
    seeds: int | Sequence[int] | None = None,
    level: float | None = None,
    quantiles: Sequence[float] | None = None,
    estimate: bool = True,
    out: str | os.PathLike[str] | None = None,
    resume: bool = False,
    executor: Executor | None = None,
    dask: str | Client | None = None,
    chunk: int | None = None,
    workers: int | None = None,
    preview: Callable[[MeasureSweep], object] | None = None,
    progress: Progress | None = None,
    data: Mapping[str, Any] | None = None,
) -> Sweep | SweepEnsemble | MeasureSweep | SweepStore:
    """Measure Comp(A; n, m) and Op(A; n, m) at one step, or another measure, over a grid.

    Args:
        model: The model; its question gives what is not given here.
        grid: Axis -> its values: numbers of a parameter such as `k` or of a node such as `R[0]`;
            texts of `nudge`, `hold` or `target`; whole numbers of `seed`; or, under any name, a
            `Design`, points over several quantities.
        measure: What is found at each point: `op`, `rates`, `strength`, `escape` or `power`; or its
            settings too, such as `{"name": "escape", "start": 0, "beyond": 1, "within": 100}`.
        nudge: The node n.
        hold: The set A.
        target: The variable m.
        steps: The last step.
        at: The step measured; the last one when not given.
        delta: The nudge's size; the limit delta -> 0 when not given.
        given: Further interventions that make the baseline.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's.
        seed: Which draws the noise variables make, the same in W, X and Y and at
            every point.
        seeds: How many seeds, from `seed` on, or a list of them: the result is then an ensemble,
            with mean, quantiles and intervals over noise.
        level: Of an ensemble, the coverage of its intervals; 0.95 when not given.
        quantiles: Of an ensemble, which; 0.05, 0.25, 0.5, 0.75 and 0.95 when not given.
        estimate: Whether rounding errors are estimated, so that a cancelled result is `unresolved`,
            and doubtful points run alone; without, a sweep takes about two thirds of the time, and
            its statuses are those of floats.
        out: A Zarr store, ending in .zarr, in which tasks are kept as they are done.
        resume: Whether to go on with that store where it is there; what it has is not computed
            again.
        executor: A `concurrent.futures.Executor` that runs tasks; it is left open.
        dask: A Dask scheduler's address such as `tcp://host:8786`, the path of its scheduler file,
            or a `distributed.Client`; its workers run tasks.
        chunk: About how many points a task has; as many as take about a second when not given.
            It decides no number.
        workers: Threads; one per processor when not given.
        preview: Called with a coarse sweep, of at most 33 values of each axis, before a sweep of
            more than about two seconds is computed.
        progress: Called with (done, total, what), in points.
        data: In a model with arrays, variable without a rule -> its values, step first. There
            n and m may have several elements.

    Returns:
        A `Sweep` where Op is measured over numbers; a `MeasureSweep` where it is another measure or
        where words, seeds or designs are swept or tasks run elsewhere; with `out`, a `SweepStore`;
        with `seeds`, a `SweepEnsemble`.

    Raises:
        QuestionError: The question or the grid cannot be asked of this model.
        UnknownNameError: An axis names nothing.
        FileError: The store is there already, holds another sweep, or cannot be written.
        WorkersError: The workers or their scheduler are gone, or never came.

    Example:
        >>> import numpy as np
        >>> from causalopt import load
        >>> found = sweep(load("thermostat_saturating"), {"R[0]": np.linspace(5, 45, 401)})
        >>> round(found.power, 4)
        19.9608
    """
    del progress  # long_work tells it
    if workers is not None and workers < 1:
        raise QuestionError(f"workers must be at least 1, found {workers}")
    asked: dict[str, Any] = {
        "nudge": nudge,
        "hold": hold,
        "target": target,
        "steps": steps,
        "at": at,
        "delta": delta,
        "given": given,
        "estimate": estimate,
    }
    changed: dict[str, Any] = {"parameters": parameters, "initial": initial}
    if seeds is not None or level is not None or quantiles is not None:
        _refuse_in_ensembles(
            measure=measure,
            out=out,
            resume=resume or None,
            executor=executor,
            dask=dask,
            chunk=chunk,
            preview=preview,
        )
        asked |= changed | {"workers": workers, "data": data}
        return _over_noise(model, grid, asked, seed, seeds, (level, quantiles))
    if resume and out is None:
        raise QuestionError("resume goes on with a store: name it, out='FILE.zarr'")
    in_tasks = [None if measure == "op" else measure, out, executor, dask, chunk]
    is_plain = all(one is None for one in in_tasks) and _is_plain(model, grid)
    if is_plain:
        numbers = asked | changed | {"seed": seed, "workers": workers, "data": data}
        if preview is None:
            return sweep_numbers(model, grid, **numbers)  # type: ignore[arg-type]

    from causalopt.sweeps.coarse_preview import show_preview  # few sweeps take tasks
    from causalopt.sweeps.computed_sweep import Workers, computed_in_memory, computed_in_store
    from causalopt.sweeps.question_measure import measured_question
    from causalopt.sweeps.sweep_plan import plan_sweep

    changed_model, said = measured_question(model, measure, asked, changed, seed, data)
    plan = plan_sweep(changed_model, grid, said, chunk=chunk)
    crew = Workers(workers, executor, dask)
    if out is not None:
        return computed_in_store(plan, out, crew, resume=resume, preview=preview)
    if preview is not None:
        show_preview(preview, plan, workers)
    if is_plain:
        return sweep_numbers(model, grid, **numbers)  # type: ignore[arg-type]
    return computed_in_memory(plan, crew)


def _is_plain(model: Model, grid: Any) -> bool:
    """Return whether all axes are numbers of parameters and nodes."""
    if not isinstance(grid, Mapping) or any(hasattr(one, "quantities") for one in grid.values()):
        return False
    own = {*model.parameters, *model.variables}
    words = _WORDS[:-1] if model.is_array else _WORDS  # lanes of arrays have seeds of their own
    return not ({*words} & {*grid}) - own


def _refuse_in_ensembles(**said: object) -> None:
    """Refuse what an ensemble over seeds has no place for."""
    for name, value in said.items():
        if value is not None:
            raise QuestionError(
                f"seeds makes an ensemble of Op in memory, which has no '{name}': leave seeds out "
                "and sweep over an axis seed"
            )


def _over_noise(
    model: Model,
    grid: Mapping[str, Any] | Design,
    question: dict[str, Any],
    seed: int,
    seeds: int | Sequence[int] | None,
    said: tuple[float | None, Sequence[float] | None],
) -> SweepEnsemble:
    """Return an ensemble: a sweep for each seed."""
    from causalopt.effects.ensembles.seed_lists import ensemble_options, seed_numbers
    from causalopt.effects.ensembles.sweep_ensemble import sweep_over_noise

    options = ensemble_options(seeds, level=said[0], quantiles=said[1])
    assert seeds is not None
    if isinstance(grid, Mapping) and "seed" in grid and "seed" not in model.parameters:
        raise QuestionError("an axis is the seed already: leave seeds out, or the axis")
    if not _is_plain(model, grid):
        raise QuestionError(
            "an ensemble over seeds is swept over numbers of parameters and nodes: leave seeds out "
            "and sweep over an axis seed"
        )
    numbers: Any = grid
    return sweep_over_noise(
        lambda one: sweep_numbers(model, numbers, seed=one, **question),
        seed_numbers(seeds, seed),
        **options,
    )
