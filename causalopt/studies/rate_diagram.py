"""Rates of Op and exponents along a parameter, with what the system does in the long run."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.effects.exponents.rates import rates
from causalopt.effects.measures import NAMES
from causalopt.results import Plotted, Tabled, plot
from causalopt.studies.plane_sections import cell_middles, course, section_model
from causalopt.work.progress import through
from causalopt.worlds.world import world

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from causalopt.engine.contract import Floats
    from causalopt.model.model import Model
    from causalopt.studies.landscape_study import LandscapeStudy

_MAXIMA = 60  # of a run, that are kept


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class RateDiagram(Plotted, Tabled):
    """Rates along a parameter, on one branch for each start.

    Attributes:
        study: What was declared.
        model: Its model.
        values: Of the parameter, shape [value].
        branches: What the starts are called.
        lyapunov: The largest Lyapunov exponent, shape [branch, value].
        conditional: The largest conditional exponent, shape [branch, question, value].
        op: The rate of the question's Op, likewise, NaN where the status is not ok.
        op_error: Its standard error.
        codes: The status of each rate as a place in `causalopt.effects.measures.NAMES`.
        maxima: The last maxima in the long run, shape [branch, value, maximum]; where there is no
            maximum the last value, else NaN.
        unit: Of the rates.
    """

    study: LandscapeStudy
    model: Model
    values: Floats
    branches: tuple[str, ...]
    lyapunov: Floats
    conditional: Floats
    op: Floats
    op_error: Floats
    codes: NDArray[np.int8]
    maxima: Floats
    unit: str

    @property
    def excess(self) -> Floats:
        """Op's rate less the difference of the exponents: 0 for a generic n and m."""
        return self.op - (self.conditional - self.lyapunov[:, None])

    @property
    def parameter(self) -> str:
        """What goes right."""
        assert self.study.along is not None
        return self.study.along.parameter

    @property
    def status(self) -> NDArray[np.str_]:
        """What each rate means: keys of `causalopt.STATUSES`."""
        return NAMES[self.codes]

    def to_dict(self) -> dict[str, Any]:
        """Return what was computed, in short, as JSON's types."""
        counts = np.bincount(self.codes.ravel(), minlength=len(NAMES)).tolist()
        return {
            "name": self.study.name,
            "title": self.study.title,
            "model": self.model.name,
            "pictures": 1,
            "shape": list(self.op.shape),
            "statuses": {str(n): c for n, c in zip(NAMES, counts, strict=True) if c},
        }

    def plot(self, **where: Any) -> Any:
        """Return the picture; `where` is `ax`, `figsize`, `panels`, `theme` as of `Plotted`."""
        return plot(self, **where)

    def __repr__(self) -> str:
        return (
            f"{self.study.name}: rates of {len(self.study.questions)} questions of "
            f"{self.model.name} along {self.parameter}, {len(self.values)} values from "
            f"{self.values[0]:g} to {self.values[-1]:g}, {self.unit}"
        )


def rate_diagram(study: LandscapeStudy, *, size: int) -> RateDiagram:
    """Compute a study's rates.

    Args:
        study: A study along a parameter.
        size: Values of the parameter: the middles of so many cells, so that none stands on an end.
    """
    along = study.along
    assert along is not None
    model = section_model(study)
    values = cell_middles(along.low, along.high, size)
    shape = (len(along.starts), len(study.questions), size)
    conditional, op, op_error = (np.full(shape, np.nan) for _ in range(3))
    lyapunov, codes = np.full((shape[0], size), np.nan), np.zeros(shape, dtype=np.int8)
    maxima = np.full((shape[0], size, _MAXIMA), np.nan)
    word = {str(name): code for code, name in enumerate(NAMES)}
    unit = ""
    places = [(branch, k) for branch in range(shape[0]) for k in range(size)]
    for branch, k in through(places):
        start = list(along.starts.values())[branch]
        one = model.replace(parameters={along.parameter: float(values[k])}, initial=start)
        run = world(one, steps=along.transient + along.steps)
        maxima[branch, k] = last_maxima(course(run, along.maxima)[along.transient :])
        for question, asked in enumerate(study.questions):
            found = rates(
                one,
                nudge=asked.nudge,
                hold=asked.hold,
                target=asked.target,
                steps=along.steps,
                transient=along.transient,
            )
            lyapunov[branch, k] = found.lyapunov[0]
            conditional[branch, question, k] = found.conditional[0]
            op[branch, question, k] = found.op_rate
            op_error[branch, question, k] = found.error
            codes[branch, question, k] = word[found.status]
            unit = found.unit
    return RateDiagram(
        study, model, values, tuple(along.starts), lyapunov, conditional, op, op_error, codes,
        maxima, unit,
    )  # fmt: skip


def last_maxima(values: Floats, count: int = _MAXIMA) -> Floats:
    """Return the last local maxima of a course, between steps by a parabola through three.

    Where there are none, its last value; NaN fills the rest.

    Args:
        values: Of a course, shape [t].
        count: How many at most.

    Example:
        >>> found = last_maxima(np.sin(0.1 * np.arange(200)), 3)
        >>> found.round(4).tolist()
        [1.0, 1.0, 1.0]
    """
    left, middle, right = values[:-2], values[1:-1], values[2:]
    bend = left - 2 * middle + right
    is_top = (middle > left) & (middle >= right) & (bend < 0)
    tops = middle[is_top] - (right[is_top] - left[is_top]) ** 2 / (8 * bend[is_top])
    shown = tops[-count:] if len(tops) else values[-1:]
    found = np.full(count, np.nan)
    found[: len(shown)] = shown
    return found
