"""Growth rates: Lyapunov exponents, conditional ones, and Op per unit time.

Op(A; n, m) / t tends to lambda_Y - lambda_X: lambda_X is the largest Lyapunov exponent of the
system, lambda_Y the largest conditional Lyapunov exponent of B driven by A (Pecora & Carroll 1990).
The exponents come from the QR method of Benettin et al. (1980) on the local derivatives of the run.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.engine import Linearization, linearize, run_values
from causalopt.engine.plan import Bools, Floats
from causalopt.engine.python import Progress
from causalopt.engine.source import Layout
from causalopt.errors import QuestionError
from causalopt.interventions import held_mask, plan_for
from causalopt.model import Model
from causalopt.response.integers import refuse_in_dynamics
from causalopt.runs import plain
from causalopt.selectors import Selection

if TYPE_CHECKING:
    import matplotlib.figure

DEFAULT_STEPS = 20_000
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

    def to_dict(self) -> dict[str, Any]:
        """Return the rates as JSON's types."""
        data = dataclasses.asdict(self)
        for name in ("lyapunov", "conditional"):
            data[name] = plain(np.array(data[name]))
        data["op_rate"], data["error"] = plain(np.array([self.op_rate, self.error]))
        return data

    def plot(self) -> matplotlib.figure.Figure:
        """Return a figure of the exponents and of the gap that is Op per unit time."""
        from causalopt.draw.rates import plot_rates

        return plot_rates(self)


def rates(
    model: Model,
    *,
    hold: str | Sequence[str] | None = None,
    steps: int | None = None,
    transient: int | None = None,
    progress: Progress | None = None,
) -> Rates:
    """Return Lyapunov exponents, conditional exponents given A, and Op per unit time.

    Args:
        model: A model with time.
        hold: The set A, whole variables; the question's or the partition's when not given.
        steps: How many steps to average over.
        transient: How many steps to run first; a tenth of `steps` when not given.
        progress: Called with the number of steps done.

    Raises:
        QuestionError: The model has no time or no memory, or A is not made of whole variables.

    Example:
        >>> from causalopt import load
        >>> round(rates(load("thermostat"), steps=1000).op_rate, 6)
        0.010153
    """
    selection = _whole_variables(model, hold)
    count = DEFAULT_STEPS if steps is None else steps
    lead = count // 10 if transient is None else transient
    if count < _BATCHES or lead < 0:
        raise QuestionError(f"rates need at least {_BATCHES} steps, and a transient of 0 or more")
    refuse_in_dynamics(model)
    linear = linearize(model.template.structure)
    plan = plan_for(model, steps=lead + count)
    terms = tuple(partial.term for partial in linear.partials)
    run = run_values(model.template.structure, plan, terms, progress)
    finite = np.isfinite(run.values).all(axis=1)
    status = "ok"
    if not finite.all():
        first = run.values[int(np.argmin(finite))]
        status = "diverged" if np.isinf(first).any() else "nonfinite"
    held = held_mask(model, selection, 0)[0]
    start = max(len(equation.initial) for equation in model.template.equations)
    slopes, burn = run.extras[start:], max(lead - start, 0)
    whole = _exponents(model, linear, slopes, burn, np.zeros_like(held), status)
    driven = _exponents(model, linear, slopes, burn, held, status)
    dt = float(model.template.dt)
    lyapunov, conditional = whole.mean(axis=0) / dt, driven.mean(axis=0) / dt
    with np.errstate(invalid="ignore"):
        differences = (driven[:, 0] - whole[:, 0]) / dt
        error = float(differences.std(ddof=1) / math.sqrt(_BATCHES))
    is_timed = model.dt is not None
    return Rates(
        model=model.name,
        hold=", ".join(str(window) for window in selection),
        lyapunov=_ordered(lyapunov),
        conditional=_ordered(conditional),
        op_rate=float(differences.mean()),
        error=error,
        unit="nats per time unit" if is_timed else "nats per step",
        steps=len(slopes) - burn,
        transient=lead,
        status=status,
    )


def _ordered(values: Floats) -> tuple[float, ...]:
    return tuple(sorted(values.tolist(), reverse=True))


def _whole_variables(model: Model, hold: str | Sequence[str] | None) -> Selection:
    if model.is_static:
        raise QuestionError("rates are about growth in time, and this model has none")
    chosen = hold if hold is not None else model.question.hold
    if chosen is None and model.A:
        chosen = "A"
    if chosen is None:
        raise QuestionError("which variables are held (the set A)? say --hold a (hold=\"a\" in "
                            "Python), or give the model a partition")  # fmt: skip
    selection = model.selection(chosen)
    for window in selection:
        if not window.is_whole:
            raise QuestionError(
                f"a rate is a limit in time, and {window} is held for some steps only: hold whole "
                f"variables, such as {window.variable}"
            )
    return selection


def _exponents(
    model: Model, linear: Linearization, slopes: Floats, burn: int, held: Bools, status: str
) -> Floats:
    """Return exponents per step in batches, shape [batch, exponent]."""
    layout = Layout.of(model.template.structure)
    kept = [k for k, (i, _) in enumerate(layout.slots) if not held[i]]
    if not kept:
        raise QuestionError(
            "nothing is left to grow: the model has no memory outside the held set"
            if layout.slots
            else "this model has no memory: no rule reads an earlier step, so nothing grows"
        )
    if status != "ok":
        return np.full((_BATCHES, len(kept)), math.nan)
    matrices = _jacobians(model, linear, slopes, held, layout)[:, kept][:, :, kept]
    return _growth(matrices, burn)


def _jacobians(
    model: Model, linear: Linearization, slopes: Floats, held: Bools, layout: Layout
) -> Floats:
    """Return the derivative of each state by the one before, shape [t, slot, slot]."""
    place = {slot: k for k, slot in enumerate(layout.slots)}
    size, length = len(layout.slots), len(slopes)
    rows = np.zeros((length, len(model.template.equations), size))
    for column, partial in enumerate(linear.partials):
        if held[partial.child]:
            continue
        slope = slopes[:, column]
        if partial.lag:
            rows[:, partial.child, place[partial.parent, partial.lag]] += slope
        else:
            rows[:, partial.child] += slope[:, None] * rows[:, partial.parent]
    result = np.zeros((length, size, size))
    for k, (i, lag) in enumerate(layout.slots):
        if lag == 1:
            result[:, k] = rows[:, i]
        else:
            result[:, k, place[i, lag - 1]] = 1.0
    return result


def _growth(matrices: Floats, burn: int) -> Floats:
    """Return the mean log growth per step by QR, in batches; a singular map grows by -inf.

    The first `burn` steps only turn the frame into the directions that grow.
    """
    size = matrices.shape[1]
    frame = np.linalg.qr(np.random.default_rng(0).standard_normal((size, size)))[0]
    edges = np.linspace(burn, len(matrices), _BATCHES + 1).astype(int)
    result = np.zeros((_BATCHES, size))
    for matrix in matrices[:burn]:
        frame = np.linalg.qr(matrix @ frame)[0]
    for batch in range(_BATCHES):
        for t in range(edges[batch], edges[batch + 1]):
            frame, upper = np.linalg.qr(matrices[t] @ frame)
            with np.errstate(divide="ignore"):
                result[batch] += np.log(np.abs(np.diagonal(upper)))
        result[batch] /= edges[batch + 1] - edges[batch]
    return result
