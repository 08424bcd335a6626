"""Plane sections of starting values: their points, what is marked on them, and where runs cross."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.errors import CausaloptError, QuestionError
from causalopt.model.files import file_of, read_model
from causalopt.worlds.world import world

if TYPE_CHECKING:
    from causalopt.engine.contract import Floats
    from causalopt.model.model import Model
    from causalopt.studies.landscape_study import LandscapeStudy, StudyOrbit
    from causalopt.worlds.array_world import ArrayWorld
    from causalopt.worlds.world import World

_NODE = re.compile(r"\s*([\w.]+)\s*\[\s*0\s*\]\s*")
_CROSSING = "crossing_of_the_plane"


def base_model(study: LandscapeStudy) -> Model:
    """Return a study's model as its file has it: a shipped one, or one beside the study's file.

    Raises:
        CausaloptError: There is none, or it declares no valid model.
    """
    file = file_of(study.model)
    beside = None if study.folder is None else study.folder / file
    return read_model(file if beside is None or not beside.is_file() else beside)


def section_model(study: LandscapeStudy, base: Model | None = None) -> Model:
    """Return a study's model, with the coordinates of its plane as parameters.

    Args:
        study: The study.
        base: Its model as the file has it; read when not given.

    Raises:
        CausaloptError: The model is not there, or a change is none of it.
    """
    model = base_model(study) if base is None else base
    own = own_coordinates(study, model)
    if own:
        data = model.model_dump()
        data["parameters"] |= {name: sum(study.axes[name]) / 2 for name in own}
        model = type(model)(model.array_source, **data)
    return model.replace(
        parameters=study.parameters, initial=study.initial, dt=study.dt, method=study.method
    )


def own_coordinates(study: LandscapeStudy, model: Model) -> list[str]:
    """Return the axes that are neither a parameter of the model nor a node, but used by a start.

    Raises:
        QuestionError: An axis is nothing at all.
    """
    found = []
    for name in study.axes:
        if name in model.parameters or _NODE.fullmatch(name):
            continue
        users = [v for v, text in study.initial.items() if _uses(str(text), name)]
        if not users or not name.isidentifier() or name in model.variables:
            raise QuestionError(
                f"the axis '{name}' is no parameter, no node such as c[0], and no value under "
                f"initial uses it as a coordinate, as in initial: {{a: {name}, b: {name}}}"
            )
        found.append(name)
    return found


def _uses(text: str, name: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(name)}(?![\w.])", text) is not None


def cell_middles(low: float, high: float, count: int) -> Floats:
    """Return the middles of equal cells; of [-h, h] each with its exact opposite.

    Example:
        >>> cell_middles(-1.0, 1.0, 4).tolist()
        [-0.75, -0.25, 0.25, 0.75]
    """
    steps = np.arange(1 - count, count, 2) / count
    return (low + high) / 2 + steps * ((high - low) / 2)


def axis_variable(study: LandscapeStudy, axis: str) -> str | None:
    """Return the variable whose start an axis is, None of a parameter."""
    node = _NODE.fullmatch(axis)
    if node is not None:
        return node[1]
    return next((v for v, text in study.initial.items() if str(text).strip() == axis), None)


def started(model: Model, initial: Mapping[str, Any], axes: list[str | None]) -> list[float]:
    """Return where a start lies on axes, NaN along an axis of a parameter."""
    place = world(model, steps=0, initial=initial)
    return [np.nan if name is None else float(course(place, name)[0]) for name in axes]


def course(found: World | ArrayWorld, name: str) -> Floats:
    """Return a variable's values in a world, shape [t, ...]."""
    return np.asarray(found[name], dtype=float)


def marked_points(study: LandscapeStudy, model: Model) -> dict[str, tuple[float, float]]:
    """Return the marked points that lie on the plane's axes, by name."""
    axes = [axis_variable(study, axis) for axis in study.axes]
    found = {}
    for name, initial in study.points.items():
        x, y = started(model, initial, axes)
        if np.isfinite([x, y]).all():
            found[name] = (x, y)
    return found


def orbit_crossings(study: LandscapeStudy, model: Model) -> Floats:
    """Return where a long run passes through the plane, shape [crossing, axis].

    Between the two steps on either side of the plane the run is taken for a straight line.
    """
    if study.orbit is None:
        return np.empty((0, 2))
    axes = [axis_variable(study, axis) for axis in study.axes]
    if None in axes:
        raise QuestionError("an orbit is drawn over starting values: an axis here is a parameter")
    found = world(
        with_crossing(model, study.orbit), steps=study.orbit.steps, initial=study.orbit.initial
    )
    beside = course(found, _CROSSING)[study.orbit.skip :]
    ways = np.array([course(found, str(name))[study.orbit.skip :] for name in axes]).T
    places = np.flatnonzero(np.diff(np.signbit(beside)) & np.isfinite(np.diff(beside)))
    part = beside[places] / (beside[places] - beside[places + 1])
    crossings: Floats = ways[places] + part[:, None] * np.diff(ways, axis=0)[places]
    return crossings[np.isfinite(crossings).all(axis=1)]


def with_crossing(model: Model, orbit: StudyOrbit) -> Model:
    """Return the model with one more variable: what is 0 on the plane.

    Raises:
        CausaloptError: The expression cannot be read in this model.
    """
    data = model.model_dump()
    data["variables"] |= {_CROSSING: {"rule": orbit.crosses}}
    data["partition"] = {"A": data["partition"]["A"], "B": None}
    try:
        made = type(model)(model.array_source, **data)
        _ = made.template
    except CausaloptError as error:
        raise QuestionError(f"crosses: {error.message}") from None
    return made


def evaluated(model: Model, text: Any) -> float:
    """Return a number, or the value of an expression in a model's parameters.

    Example:
        >>> from causalopt import load
        >>> evaluated(load("lorenz"), "-(1 + beta)/2")
        -1.8333333333333333
    """
    if isinstance(text, int | float):
        return float(text)
    if str(text).strip() in {"inf", "-inf"}:
        return float(text)
    name = next(iter(model.variables))
    return float(course(world(model, steps=0, initial={name: text}), name)[0])
