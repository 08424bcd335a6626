"""Landscapes: Op and Comp over a plane of starting values or parameters, for each question."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.effects.measures import NAMES
from causalopt.errors import SizeError
from causalopt.results import Plotted, Tabled, plain_number, plot
from causalopt.studies.plane_sections import (
    cell_middles,
    marked_points,
    orbit_crossings,
    section_model,
)
from causalopt.sweeps.sweeping import sweep
from causalopt.work.progress import through

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from causalopt.engine.contract import Floats
    from causalopt.model.model import Model
    from causalopt.studies.landscape_study import LandscapeStudy

MOST_POINTS = 40_000_000


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class LandscapeMaps(Plotted, Tabled):
    """The landscapes of a study.

    Attributes:
        study: What was declared.
        model: Its model, with the plane's coordinates as parameters.
        figures: For each picture, the values of the parameters under `each`.
        axes: Right and up: axis -> its points.
        op: Op in nats, shape [figure, question, at, up, right], NaN where undefined.
        comp: Comp, likewise.
        w: W's value of m, likewise.
        codes: The status of each as a place in `causalopt.effects.measures.NAMES`.
        marks: For each picture, what is marked -> where, right and up.
        crossings: For each picture, where the long run crosses the plane, shape [crossing, axis].
    """

    study: LandscapeStudy
    model: Model
    figures: tuple[dict[str, float], ...]
    axes: dict[str, Floats]
    op: Floats
    comp: Floats
    w: Floats
    codes: NDArray[np.int8]
    marks: tuple[dict[str, tuple[float, float]], ...]
    crossings: tuple[Floats, ...]

    @property
    def status(self) -> NDArray[np.str_]:
        """What each point's numbers mean: keys of `causalopt.STATUSES`."""
        return NAMES[self.codes]

    @property
    def statuses(self) -> dict[str, int]:
        """How many points have each status; those that no point has are not named."""
        counts = np.bincount(self.codes.ravel(), minlength=len(NAMES)).tolist()
        return {str(name): count for name, count in zip(NAMES, counts, strict=True) if count}

    @functools.cached_property
    def panels(self) -> list[tuple[int, int]]:
        """The place of each panel of a picture: (question, at)."""
        return list(itertools.product(range(self.op.shape[1]), range(self.op.shape[2])))

    @property
    def clock(self) -> str:
        """What time is counted in."""
        return "step" if self.model.dt is None else "time unit"

    def time_of(self, at: int) -> float:
        """Return a step as time, or as itself in a map."""
        return at if self.model.dt is None else at * float(self.model.step_size)

    def figure_name(self, figure: int) -> str:
        """Return what sets a picture apart, such as `rho = 28`; empty where there is one."""
        return ", ".join(f"{name} = {value:g}" for name, value in self.figures[figure].items())

    def model_of(self, figure: int) -> Model:
        """Return the model of a picture, its parameters set."""
        return self.model.replace(parameters=self.figures[figure])

    def to_dict(self) -> dict[str, Any]:
        """Return what was computed, in short, as JSON's types."""
        known = self.op[np.isfinite(self.op)]
        return {
            "name": self.study.name,
            "title": self.study.title,
            "model": self.model.name,
            "pictures": len(self.figures) * len(self.study.measures),
            "shape": list(self.op.shape),
            "statuses": self.statuses,
            "op_min": plain_number(float(known.min())) if known.size else None,
            "op_max": plain_number(float(known.max())) if known.size else None,
        }

    def plot(self, *, figure: int = 0, measure: str | None = None, **where: Any) -> Any:
        """Return a picture: a panel for each question and step, all on one scale.

        Args:
            figure: Which of `figures`.
            measure: "op" or "comp"; the study's first when not given.
            where: `ax`, `figsize`, `panels` and `theme`, as of `Plotted.plot`.
        """
        return plot(self, figure=figure, measure=measure, **where)

    def __repr__(self) -> str:
        right, up = (f"{name}: {len(values)}" for name, values in self.axes.items())
        lines = [
            f"{self.study.name}: {len(self.panels) * len(self.figures)} landscapes of "
            f"{self.model.name}, {right} x {up}"
        ]
        lines += [f"  {name}: {count} points" for name, count in self.statuses.items()]
        return "\n".join(lines)


def landscape_maps(study: LandscapeStudy, *, size: int, workers: int | None) -> LandscapeMaps:
    """Compute a study's landscapes.

    Args:
        study: A study of a plane.
        size: Points along each axis: the middles of so many cells.
        workers: Threads.

    Raises:
        SizeError: There are too many points.
    """
    figures = tuple(
        dict(zip(study.each, values, strict=True))
        for values in itertools.product(*study.each.values())
    )
    shape = (len(figures), len(study.questions), len(study.at), size, size)
    if math.prod(shape) > MOST_POINTS:
        most = int(math.sqrt(MOST_POINTS / math.prod(shape[:3])))
        raise SizeError(
            f"'{study.name}' at {size} points an axis has {math.prod(shape)} points in all, more "
            f"than {MOST_POINTS}: take {most} or fewer"
        )
    model = section_model(study)
    axes = {name: cell_middles(*ends, size) for name, ends in study.axes.items()}
    arrays: dict[str, Any] = {name: np.empty(shape) for name in ("op", "comp", "w")}
    arrays["codes"] = np.empty(shape, dtype=np.int8)
    places = list(itertools.product(*(range(n) for n in shape[:3])))
    models = [model.replace(parameters=values) for values in figures]
    marks = tuple(marked_points(study, one) for one in models)
    crossings = tuple(orbit_crossings(study, one) for one in models)
    grid = dict(reversed(axes.items()))  # right goes fastest
    for figure, question, k in through(places):
        asked = study.questions[question]
        found = sweep(
            models[figure],
            grid,
            nudge=asked.nudge,
            hold=asked.hold,
            target=asked.target,
            steps=study.at[k],
            workers=workers,
        )
        columns = {"op": found.op, "comp": found.comp, "w": found.values, "codes": found.codes}
        for name, column in columns.items():
            arrays[name][figure, question, k] = column
    return LandscapeMaps(study, model, figures, axes, **arrays, marks=marks, crossings=crossings)
