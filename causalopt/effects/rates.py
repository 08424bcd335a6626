"""Growth rates: Lyapunov exponents, conditional ones, and Op per unit time.

Op(A; n, m) / t tends to lambda_Y - lambda_X: lambda_X is the largest Lyapunov exponent of the
system, lambda_Y the largest conditional Lyapunov exponent of B driven by A (Pecora & Carroll 1990).
The exponents come from the QR method of Benettin et al. (1980) on the local derivatives of the run.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.effects.asked import asked_hold
from causalopt.effects.limit import refuse_in_dynamics
from causalopt.engine.contract import Bools, Floats, Progress
from causalopt.engine.executions import run_values
from causalopt.engine.jacobians import StepDerivative
from causalopt.engine.linearization import linearize
from causalopt.engine.source import Slots
from causalopt.errors import QuestionError
from causalopt.model.model import Model
from causalopt.model.selectors import Node, Selection, selection_text, whole_variables
from causalopt.model.template import Structure
from causalopt.worlds.interventions import held_mask, plan_for
from causalopt.worlds.results import plain, plot

if TYPE_CHECKING:
    import matplotlib.figure

DEFAULT_STEPS = 20_000
# Beyond this many directions only the leading ones are followed: QR costs their number squared.
ALL_EXPONENTS = 64
LEADING_EXPONENTS = 16
MOST_NUMBERS = 250_000_000
_BATCHES = 10


@dataclasses.dataclass(frozen=True)
class Rates:
    """Exponents of a run, largest first.

    Attributes:
        model: The model's name.
        hold: The held variables, A.
        lyapunov: Exponents of the whole system.
        conditional: Exponents of B driven by A.
        op_rate: lambda_Y - lambda_X, the limit of Op / t.
        error: Standard error of op_rate, from batch means.
        unit: What the numbers are in.
        steps: How many steps they are averages over.
        transient: How many steps were run before.
        status: "ok", "diverged" or "nonfinite".
        exponents: Which of the whole system's exponents `lyapunov` holds: "all 3", or
            "leading 16 of 2000" where more would not end in bearable time.
    """

    model: str
    hold: str
    lyapunov: tuple[float, ...]
    conditional: tuple[float, ...]
    op_rate: float
    error: float
    unit: str
    steps: int
    transient: int
    status: str
    exponents: str = "all"

    def to_dict(self) -> dict[str, Any]:
        """Return the rates as JSON's types."""
        data = dataclasses.asdict(self)
        for name in ("lyapunov", "conditional"):
            data[name] = plain(np.array(data[name]))
        data["op_rate"], data["error"] = plain(np.array([self.op_rate, self.error]))
        return data

    def plot(self) -> matplotlib.figure.Figure:
        """Return a figure of the exponents and of the gap that is Op per unit time."""
        return plot(self)


def rates(
    model: Model,
    *,
    hold: str | Sequence[str | Node] | None = None,
    steps: int | None = None,
    transient: int | None = None,
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Rates:
    """Return Lyapunov exponents, conditional exponents given A, and Op per unit time.

    Args:
        model: A model with time.
        hold: The set A, whole variables; the question's or the partition's when not given.
        steps: How many steps to average over.
        transient: How many steps to run first; a tenth of `steps` when not given.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's.
        progress: Called with the number of steps done.

    Raises:
        QuestionError: The model has no time or no memory, A is not made of whole variables, the
            dynamics read whole numbers, or the run has too many steps to be held.

    Example:
        >>> from causalopt import load
        >>> round(rates(load("thermostat"), steps=1000).op_rate, 6)
        0.010153
    """
    model = model.replace(parameters=parameters, initial=initial)
    selection = _whole_variables(model, hold)
    count = DEFAULT_STEPS if steps is None else steps
    lead = count // 10 if transient is None else transient
    if count < _BATCHES or lead < 0:
        raise QuestionError(f"rates need at least {_BATCHES} steps, and a transient of 0 or more")
    refuse_in_dynamics(model)
    structure = model.template.structure
    terms = tuple(partial.term for partial in linearize(structure).partials)
    _check_length(lead + count, len(structure.names) + len(terms))
    plan = plan_for(model, steps=lead + count)
    run = run_values(structure, plan, terms, progress)
    finite = np.isfinite(run.values).all(axis=1)
    status = "ok"
    if not finite.all():
        first = run.values[int(np.argmin(finite))]
        status = "diverged" if np.isinf(first).any() else "nonfinite"
    held = held_mask(model, selection, 0)[0]
    start = max(len(equation.initial) for equation in model.template.equations)
    slopes, burn = run.extras[start:], max(lead - start, 0)
    whole = _exponents(structure, slopes, burn, np.zeros_like(held), status)
    driven = _exponents(structure, slopes, burn, held, status)
    dt = float(model.template.dt)
    lyapunov, conditional = whole.mean(axis=0) / dt, driven.mean(axis=0) / dt
    with np.errstate(invalid="ignore"):
        differences = (driven[:, 0] - whole[:, 0]) / dt
        error = float(differences.std(ddof=1) / math.sqrt(_BATCHES))
    is_timed = model.dt is not None
    return Rates(
        model=model.name,
        hold=selection_text(selection),
        lyapunov=_ordered(lyapunov),
        conditional=_ordered(conditional),
        op_rate=float(differences.mean()),
        error=error,
        unit="nats per time unit" if is_timed else "nats per step",
        steps=len(slopes) - burn,
        transient=lead,
        status=status,
        exponents=_described(len(lyapunov), len(Slots.of(structure).slots)),
    )


def _described(count: int, whole: int) -> str:
    return f"all {whole}" if count == whole else f"leading {count} of {whole}"


def _check_length(steps: int, width: int) -> None:
    """Refuse a run whose values and slopes, `width` numbers a step, would not fit."""
    if steps * width > MOST_NUMBERS:
        raise QuestionError(
            f"rates hold {width} numbers a step, {MOST_NUMBERS:,} in all: at most "
            f"{MOST_NUMBERS // width:,} steps of this model, the transient's included; {steps} came"
        )


def _ordered(values: Floats) -> tuple[float, ...]:
    return tuple(sorted(values.tolist(), reverse=True))


def _whole_variables(model: Model, hold: str | Sequence[str | Node] | None) -> Selection:
    if model.is_static:
        raise QuestionError("rates are about growth in time, and this model has none")
    selection = asked_hold(model, hold)
    whole_variables(selection, "a rate is a limit in time: hold whole variables")
    return selection


def _exponents(structure: Structure, slopes: Floats, burn: int, held: Bools, status: str) -> Floats:
    """Return exponents per step in batches, shape [batch, exponent]."""
    step = StepDerivative(structure, held)
    if not step.size:
        raise QuestionError(
            "nothing is left to grow: the model has no memory outside the held set"
            if Slots.of(structure).slots
            else "this model has no memory: no rule reads an earlier step, so nothing grows"
        )
    is_small = step.size <= ALL_EXPONENTS
    count = step.size if is_small else min(LEADING_EXPONENTS, step.size)
    if status != "ok":
        return np.full((_BATCHES, count), math.nan)
    return _growth(step.along(slopes, dense=is_small), len(slopes), burn, (step.size, count))


def _growth(
    maps: Iterable[Callable[[Floats], Floats]], length: int, burn: int, shape: tuple[int, int]
) -> Floats:
    """Return the mean log growth per step by QR, in batches; a singular map grows by -inf.

    The first `burn` steps only turn the frame into the directions that grow.
    """
    frame = np.linalg.qr(np.random.default_rng(0).standard_normal(shape))[0]
    edges = np.linspace(burn, length, _BATCHES + 1).astype(int)
    result = np.zeros((_BATCHES, shape[1]))
    for t, carry in enumerate(maps):
        frame, upper = np.linalg.qr(carry(frame))
        if t >= burn:
            batch = int(np.searchsorted(edges, t, side="right")) - 1
            with np.errstate(divide="ignore"):
                result[batch] += np.log(np.abs(np.diagonal(upper)))
    return np.asarray(result / np.diff(edges)[:, np.newaxis])
