"""A run of arrays as labelled arrays: every dim by its name."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray

from causalopt.effects.arrays.array_run import ArrayRun
from causalopt.model.arrays.array_template import ArrayVariable
from causalopt.model.selectors import Elements
from causalopt.results import labelled


@labelled.register
def array_run_dataset(run: ArrayRun) -> xarray.Dataset:
    """Return a run of arrays as a dataset whose dims are the model's.

    Variables: `value_x` [world, t, *dims of x] for each kept variable x; `total` and `direct`
    [t, *dims of m, direction], their dims `m_cell` and so on with the measured elements'
    positions, and `directions` [direction, *dims of n]; `comp`, `op` (nats), `log_total`,
    `log_direct` (of the norms) and `status` [t]; of vectors also `alignment` and `op_total`, or
    `op_error` where probes stand for all directions. A name that a shape has twice is `unit`,
    then `unit_1`; a dim without a name is `x_dim0`.
    """
    nats = {"units": "nat"}
    template = run.model.arrays
    m, n = template.by_name[run.measured.variable], template.by_name[run.nudge.variable]
    m_dims, n_dims = _dims(m, "m_"), _dims(n, "n_")
    shape = (len(run.t), *(b - a for a, b in _ranges(m, run.measured.elements)), -1)
    derivatives = ("t", *m_dims, "direction")
    found: dict[str, Any] = _values(run)
    found |= {
        "total": (
            derivatives,
            run.total.reshape(shape),
            {"long_name": "derivative of m by n over all paths"},
        ),
        "direct": (
            derivatives,
            run.direct.reshape(shape),
            {"long_name": "over the paths that avoid A"},
        ),
        "directions": (("direction", *n_dims), run.directions),
        "log_total": ("t", run.effect.total.log, nats),
        "log_direct": ("t", run.effect.direct.log, nats),
        "comp": ("t", run.comp, {"long_name": "|total| / |direct|"}),
        "op": ("t", run.op, {**nats, "long_name": "-ln |Comp|"}),
        "status": ("t", run.status.astype(object)),
    }
    if not run.is_scalar:
        found["alignment"] = ("t", run.alignment, {"long_name": "cosine of total and direct"})
        if run.is_probed:
            found["op_error"] = ("t", run.op_error, {**nats, "long_name": "standard error of op"})
        else:
            found["op_total"] = ("t", run.op_total, {**nats, "long_name": "by volumes"})
    places = zip(m_dims, _ranges(m, run.measured.elements), strict=True)
    return xarray.Dataset(
        data_vars=found,
        coords={
            "t": ("t", run.t, {"long_name": "step"}),
            "time": ("t", run.time, {"long_name": "time", "units": "time units (step * dt)"}),
            "world": [name for name, world in _worlds(run).items() if world is not None],
            **{dim: np.arange(a, b) for dim, (a, b) in places},
        },
        attrs=run.provenance,
    )


def _worlds(run: ArrayRun) -> dict[str, Any]:
    return {"W": run.W, "X": run.X, "Y": run.Y}


def _values(run: ArrayRun) -> dict[str, Any]:
    """Return the kept variables' values in every world."""
    present = [world for world in _worlds(run).values() if world is not None]
    found = {}
    for name in run.W:
        dims = ("world", "t", *_dims(run.model.arrays.by_name[name], "", f"{name}_"))
        unit = run.model.variables[name].unit
        attributes = {"long_name": run.model.variables[name].label or name}
        attributes |= {"units": unit} if unit else {}
        found[f"value_{name}"] = (dims, np.array([world[name] for world in present]), attributes)
    return found


def _ranges(variable: ArrayVariable, elements: Elements | None) -> Elements:
    return elements if elements is not None else tuple((0, size) for size in variable.shape)


def _dims(variable: ArrayVariable, before: str, before_nameless: str | None = None) -> list[str]:
    """Return what a variable's dims are called in a dataset, each once."""
    nameless = before if before_nameless is None else before_nameless
    names: list[str] = []
    for i, dim in enumerate(variable.dims):
        earlier = variable.dims[:i].count(dim)
        if dim is None:
            names.append(f"{nameless}dim{i}")
        else:
            names.append(f"{before}{dim}" + (f"_{earlier}" if earlier else ""))
    return names
