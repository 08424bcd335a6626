"""Growth rates: Lyapunov exponents, conditional ones, and Op per unit time.

Op(A; n, m) / t tends to lambda_Y - lambda_X: lambda_X is the largest Lyapunov exponent of the
system, lambda_Y the largest conditional Lyapunov exponent of B driven by A (Pecora & Carroll 1990).
The exponents come from the QR method of Benettin et al. (1980) on the local derivatives of the run.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.effects.asked import asked_hold
from causalopt.effects.integers import refuse_in_dynamics
from causalopt.engine.executions import run_values
from causalopt.engine.linearization import Linearization, linearize
from causalopt.engine.plan import Bools, Floats
from causalopt.engine.python import Progress
from causalopt.engine.source import Slots
from causalopt.errors import QuestionError
from causalopt.model.model import Model
from causalopt.model.selectors import Node, Selection, selection_text, whole_variables
from causalopt.worlds.interventions import held_mask, plan_for
from causalopt.worlds.json_numbers import plain
from causalopt.worlds.results import plot

if TYPE_CHECKING:
    import matplotlib.figure

DEFAULT_STEPS = 20_000
# Beyond this many directions only the leading ones are followed: QR costs their number squared.
ALL_EXPONENTS = 64
LEADING_EXPONENTS = 16
MOST_NUMBERS = 250_000_000
_BATCHES = 10
_CHUNK = 4_000_000


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
    linear = linearize(model.template.structure)
    _check_length(lead + count, len(model.template.equations) + len(linear.partials))
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
        hold=selection_text(selection),
        lyapunov=_ordered(lyapunov),
        conditional=_ordered(conditional),
        op_rate=float(differences.mean()),
        error=error,
        unit="nats per time unit" if is_timed else "nats per step",
        steps=len(slopes) - burn,
        transient=lead,
        status=status,
        exponents=_described(len(lyapunov), len(Slots.of(model.template.structure).slots)),
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


def _exponents(
    model: Model, linear: Linearization, slopes: Floats, burn: int, held: Bools, status: str
) -> Floats:
    """Return exponents per step in batches, shape [batch, exponent]."""
    layout = Slots.of(model.template.structure)
    kept = [k for k, (i, _) in enumerate(layout.slots) if not held[i]]
    if not kept:
        raise QuestionError(
            "nothing is left to grow: the model has no memory outside the held set"
            if layout.slots
            else "this model has no memory: no rule reads an earlier step, so nothing grows"
        )
    count = len(kept) if len(kept) <= ALL_EXPONENTS else min(LEADING_EXPONENTS, len(kept))
    if status != "ok":
        return np.full((_BATCHES, count), math.nan)
    if len(kept) > ALL_EXPONENTS:
        return _growth(_Moves(model, linear, held, layout), slopes, burn, (len(kept), count))
    return _growth(_Matrices(model, linear, held, layout, kept), slopes, burn, (count, count))


class _Matrices:
    """The derivative of each state by the one before as dense matrices, for a few slots.

    Args:
        kept: The slots outside the held set.
    """

    def __init__(
        self, model: Model, linear: Linearization, held: Bools, layout: Slots, kept: list[int]
    ) -> None:
        self._parts = (model, linear, held, layout)
        self._kept = kept

    def along(self, slopes: Floats) -> Iterator[Callable[[Floats], Floats]]:
        """Yield, step by step, what carries a frame on."""
        model, linear, held, layout = self._parts
        length = max(1, _CHUNK // (len(layout.slots) * len(model.template.equations)))
        for first in range(0, len(slopes), length):
            part = slopes[first : first + length]
            matrices = _jacobians(model, linear, part, held, layout)[:, self._kept][
                :, :, self._kept
            ]
            for matrix in matrices:
                yield matrix.__matmul__


class _Moves:
    """The same derivative, never written out: sparse rows, then the shifts of the memory."""

    def __init__(self, model: Model, linear: Linearization, held: Bools, layout: Slots) -> None:
        place = {slot: k for k, slot in enumerate(layout.slots)}
        free = [k for k, (i, _) in enumerate(layout.slots) if not held[i]]
        order = {k: n for n, k in enumerate(free)}
        self._size = len(model.template.equations)
        used = [
            (column, partial)
            for column, partial in enumerate(linear.partials)
            if not held[partial.child] and not held[partial.parent]
        ]
        depth = np.zeros(self._size, dtype=int)
        for _, partial in sorted(used, key=lambda pair: pair[1].child):
            if not partial.lag:
                depth[partial.child] = max(depth[partial.child], depth[partial.parent] + 1)
        # Rows of one depth need rows of lower depths alone, so they are taken together.
        self._waves = []
        for level in range(int(depth.max(initial=0)) + 1):
            chosen = [pair for pair in used if depth[pair[1].child] == level]
            self._waves.append(
                (
                    np.array([column for column, _ in chosen], dtype=int),
                    np.array([p.child for _, p in chosen], dtype=int),
                    np.array(
                        [
                            self._size + order[place[p.parent, p.lag]] if p.lag else p.parent
                            for _, p in chosen
                        ],
                        dtype=int,
                    ),
                )
            )
        slots = [layout.slots[k] for k in free]
        self._source = np.array(
            [i if lag == 1 else self._size + order[place[i, lag - 1]] for i, lag in slots]
        )

    def along(self, slopes: Floats) -> Iterator[Callable[[Floats], Floats]]:
        """Yield, step by step, what carries a frame on."""
        for row in slopes:
            yield functools.partial(self._carry, row)

    def _carry(self, slopes: Floats, frame: Floats) -> Floats:
        from scipy.sparse import csr_array

        whole = np.concatenate([np.zeros((self._size, frame.shape[1])), frame])
        for columns, children, parents in self._waves:
            shape = (self._size, len(whole))
            step = csr_array((slopes[columns], (children, parents)), shape=shape)
            whole[: self._size] += step @ whole
        return np.asarray(whole[self._source])


def _jacobians(
    model: Model, linear: Linearization, slopes: Floats, held: Bools, layout: Slots
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


def _growth(moves: _Matrices | _Moves, slopes: Floats, burn: int, shape: tuple[int, int]) -> Floats:
    """Return the mean log growth per step by QR, in batches; a singular map grows by -inf.

    The first `burn` steps only turn the frame into the directions that grow.
    """
    frame = np.linalg.qr(np.random.default_rng(0).standard_normal(shape))[0]
    edges = np.linspace(burn, len(slopes), _BATCHES + 1).astype(int)
    result = np.zeros((_BATCHES, shape[1]))
    for t, carry in enumerate(moves.along(slopes)):
        frame, upper = np.linalg.qr(carry(frame))
        if t >= burn:
            batch = int(np.searchsorted(edges, t, side="right")) - 1
            with np.errstate(divide="ignore"):
                result[batch] += np.log(np.abs(np.diagonal(upper)))
    return np.asarray(result / np.diff(edges)[:, np.newaxis])
