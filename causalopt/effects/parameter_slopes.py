"""How Op and Comp change with every parameter: derivatives by extrapolated differences.

Op at a point is exact to rounding, so that central differences of it, extrapolated to steps of 0
(Ridders, Advances in Engineering Software 4, 1982), come with an estimate of their own error.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.effects.asked import Asked, ask_at
from causalopt.effects.sweeps.number_sweep import sweep_numbers
from causalopt.effects.sweeps.sweep import Sweep
from causalopt.errors import QuestionError, UnknownNameError, suggestion
from causalopt.language.term import leaves
from causalopt.model.asked_words import Nudged
from causalopt.model.model import Model
from causalopt.model.selectors import Node
from causalopt.results import Plotted, Tabled, labelled, plain_number
from causalopt.work.progress import Progress, long_work, through
from causalopt.worlds.interventions import Intervention

if TYPE_CHECKING:
    import xarray

    from causalopt.engine.contract import Floats

_FIRST_STEP = 2.0**-6  # of a parameter's size
_LEVELS = 20
_DEEPEST = 6  # columns of the tableau
_ROUNDING = 2.0**-50  # of Op or Comp


@dataclasses.dataclass(frozen=True)
class ParameterSlope:
    """What one parameter does to Op and Comp.

    Attributes:
        parameter: The parameter.
        value: Its value.
        op: dOp/dp, nats per unit of the parameter; NaN where undefined.
        op_error: Its estimated error.
        comp: dComp/dp.
        comp_error: Its estimated error.
        status: `ok`; else what stands in the way: the status of Op itself, `kink` where values
            nearby take other branches, `unresolved` where no difference settles.
    """

    parameter: str
    value: float
    op: float
    op_error: float
    comp: float
    comp_error: float
    status: str

    @property
    def relative(self) -> float:
        """The nats of Op per relative change of the parameter: p dOp/dp."""
        return self.value * self.op


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class ParameterSensitivity(Asked, Tabled, Plotted):
    """How Op and Comp change with every parameter, at one step.

    Attributes:
        op: Op in nats.
        comp: Comp.
        status: What they mean.
        slopes: One for each parameter, the strongest first by |p dOp/dp|.
        left_out: Parameter -> why it has no slope.
    """

    op: float
    comp: float
    status: str
    slopes: tuple[ParameterSlope, ...]
    left_out: dict[str, str]

    def of(self, parameter: str) -> ParameterSlope:
        """Return one parameter's.

        Raises:
            UnknownNameError: It has none.
        """
        for slope in self.slopes:
            if slope.parameter == parameter:
                return slope
        if parameter in self.left_out:
            raise QuestionError(f"'{parameter}' has no slope: {self.left_out[parameter]}")
        hint = suggestion(parameter, [slope.parameter for slope in self.slopes])
        raise UnknownNameError(f"unknown parameter '{parameter}'{hint}")

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON's types."""
        rows = [{**dataclasses.asdict(slope), "relative": slope.relative} for slope in self.slopes]
        return {
            "model": self.model.name,
            "nudge": self.node_name,
            "hold": self.hold_name,
            "target": self.target,
            "at": self.steps,
            "op": plain_number(self.op),
            "comp": plain_number(self.comp),
            "status": self.status,
            "parameters": [
                {k: plain_number(v) if isinstance(v, float) else v for k, v in row.items()}
                for row in rows
            ],
            "left_out": self.left_out,
        }

    @functools.cached_property
    def dataset(self) -> xarray.Dataset:
        """The slopes with the axis `parameter`, and the provenance."""
        return labelled(self)

    @property
    def provenance(self) -> dict[str, str]:
        """What made these numbers."""
        return self.provenance_with(seed=str(self.seed), at=str(self.steps))

    def __str__(self) -> str:
        return repr(self)

    def __repr__(self) -> str:
        head = f"{self.op_name} in {self.model.name} at step {self.steps}: "
        head += f"Op = {self.op:.6g} nats, Comp = {self.comp:.6g}, status {self.status}"
        rows = [["parameter", "value", "dOp/dp", "p dOp/dp", "dComp/dp", "status"]]
        for s in self.slopes:
            numbers = (s.value, s.op, s.relative, s.comp)
            rows.append([s.parameter, *(f"{number:.4g}" for number in numbers), s.status])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(text.rjust(w) for text, w in zip(row, widths, strict=True)) for row in rows
        ]
        lines += [f"{name}: {why}" for name, why in self.left_out.items()]
        return "\n".join([head, *(f"  {line}" for line in lines)])


@long_work("sweeping")
def sensitivity(
    model: Model,
    *,
    nudge: Nudged | None = None,
    hold: str | Sequence[str | Node] | None = None,
    target: str | None = None,
    steps: int | None = None,
    at: int | None = None,
    among: Sequence[str] | None = None,
    given: Sequence[Intervention] = (),
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> ParameterSensitivity:
    """Measure how Op and Comp change with every parameter.

    Args:
        model: The model; its question gives what is not given here.
        nudge: The node n.
        hold: The set A.
        target: The variable m.
        steps: The last step.
        at: The step measured; the last one when not given.
        among: The parameters; all that have a number of their own when not given.
        given: Interventions that make the baseline.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's.
        seed: Which draws the noise variables make, the same for every value.
        progress: Called with (done, total, what), in parameters.

    Returns:
        A slope for each parameter, with its error and a status.

    Raises:
        QuestionError: The question cannot be asked of this model, or it has no parameter.
        UnknownNameError: A name is not declared.

    Example:
        >>> from causalopt import load
        >>> found = sensitivity(load("thermostat"), at=2)  # Comp = 1 - k
        >>> found.of("k").comp.__round__(9)
        -1.0
    """
    del progress  # long_work tells it
    changed = model.replace(parameters=parameters, initial=initial)
    asked = ask_at(
        changed, at, steps=steps, nudge=nudge, hold=hold, target=target, given=given, seed=seed
    )
    names, left_out = _parameters(changed, asked, among)
    found: list[ParameterSlope] = []
    middle: Sweep | None = None
    values = changed.template.parameter_values()
    for name in through(names):
        value = values[name]
        points = _around(value)
        row = sweep_numbers(
            changed,
            {name: points},
            nudge=nudge,
            hold=hold,
            target=target,
            given=given,
            at=asked.steps,
            seed=seed,
        )
        middle = row
        found.append(_slope(name, value, row))
    assert middle is not None
    k = _LEVELS
    found.sort(key=lambda s: -abs(s.relative) if s.relative == s.relative else 0.0)
    return ParameterSensitivity(
        **vars(asked),
        op=float(middle.op[k]),
        comp=float(middle.comp[k]),
        status=str(middle.status[k]),
        slopes=tuple(found),
        left_out=left_out,
    )


def _parameters(
    model: Model, asked: Asked, among: Sequence[str] | None
) -> tuple[list[str], dict[str, str]]:
    """Return the parameters that are varied, and why others are not."""
    template = model.template
    for name in among or ():
        if name not in model.parameters:
            hint = suggestion(name, model.parameters)
            raise UnknownNameError(f"unknown parameter '{name}'{hint}")
    chosen, left_out = [], {}
    for name, term in template.parameters.items():
        if name not in model.parameters or (among is not None and name not in among):
            continue  # coefficients of exact steps follow from the declared ones
        if name in template.fixed:
            left_out[name] = "it decides a lag, and other values are other graphs"
        elif among is None and any(leaf.op == "param" for leaf in leaves(term)):
            left_out[name] = f"it follows from others: {model.parameters[name]}"
        else:
            chosen.append(name)
    if not chosen:
        why = "; ".join(f"{name}: {text}" for name, text in left_out.items())
        raise QuestionError(
            f"'{asked.model.name}' has no parameter to vary{f' ({why})' if why else ''}"
        )
    return chosen, left_out


def _around(value: float) -> Floats:
    """Return the value with what lies around it, at distances halved from level to level."""
    steps = (abs(value) or 1.0) * _FIRST_STEP * 2.0 ** -np.arange(_LEVELS)
    return np.concatenate([value - steps, [value], (value + steps)[::-1]])


def _slope(name: str, value: float, row: Sweep) -> ParameterSlope:
    own = str(row.status[_LEVELS])
    if own != "ok":
        return _without(name, value, own)
    points = row.axes[name]
    # From the widest step inwards, until both sides are as the middle is.
    sides = [(k, 2 * _LEVELS - k) for k in range(_LEVELS)]
    usable = [(i, j) for i, j in sides if row.status[i] == row.status[j] == "ok"]
    if len(usable) < 3:
        status = next(str(row.status[i]) for pair in sides[::-1] for i in pair)
        return _without(name, value, "kink" if status == "ok" else status)
    op, op_error = _ridders(points, row.op, usable)
    comp, comp_error = _ridders(points, row.comp, usable)
    settled = op_error <= 1e-3 * abs(op) + 1e-9
    return ParameterSlope(
        name, value, op, op_error, comp, comp_error, "ok" if settled else "unresolved"
    )


def _without(name: str, value: float, status: str) -> ParameterSlope:
    """Return a parameter's place where it has no slope."""
    nan = math.nan
    return ParameterSlope(name, value, nan, nan, nan, nan, status)


def _ridders(
    points: Floats, values: Floats, pairs: Sequence[tuple[int, int]]
) -> tuple[float, float]:
    """Return a derivative and its error: the entry of the tableau that its neighbours agree on.

    Differences over small steps carry the rounding of the values, which grows as steps shrink.
    """
    rows: list[list[float]] = []
    best, error = math.nan, math.inf
    size = max(1.0, *(abs(float(values[k])) for pair in pairs for k in pair))
    for i, j in pairs:
        width = float(points[j] - points[i])
        row = [float(values[j] - values[i]) / width]
        for k, before in enumerate(rows[-1][:_DEEPEST] if rows else []):
            row.append(row[k] + (row[k] - before) / (4.0 ** (k + 1) - 1))
        for k in range(1, len(row)):
            found = max(abs(row[k] - row[k - 1]), abs(row[k] - rows[-1][k - 1]))
            found += _ROUNDING * size / width
            if found <= error:
                best, error = row[k], found
        rows.append(row)
    return best, error
