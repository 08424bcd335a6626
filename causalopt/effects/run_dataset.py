"""A run as labelled arrays."""

from __future__ import annotations

import numpy as np
import xarray

from causalopt.effects.run import Run
from causalopt.results import labelled


@labelled.register
def run_dataset(run: Run) -> xarray.Dataset:
    """Return a run as a dataset with axes `world`, `variable` and `t`.

    Variables: `value` [world, variable, t]; `total`, `direct`, `comp`, `op` (nats), `log_total`,
    `log_direct` and `status` [t].
    """
    worlds = {"W": run.W, "X": run.X, "Y": run.Y}
    present = {name: world for name, world in worlds.items() if world is not None}
    names = list(run.model.variables)
    values = np.array([[world[name] for name in names] for world in present.values()])
    nats = {"units": "nat"}
    return xarray.Dataset(
        data_vars={
            "value": (("world", "variable", "t"), values),
            "total": ("t", run.total, {"long_name": "derivative of m by n over all paths"}),
            "direct": ("t", run.direct, {"long_name": "over the paths that avoid A"}),
            "log_total": ("t", run.effect.total.log, nats),
            "log_direct": ("t", run.effect.direct.log, nats),
            "comp": ("t", run.comp, {"long_name": "total / direct"}),
            "op": ("t", run.op, {**nats, "long_name": "-ln |Comp|"}),
            "status": ("t", run.status.astype(object)),
        },
        coords={
            "t": ("t", run.t, {"long_name": "step"}),
            "time": ("t", run.time, {"long_name": "time", "units": "time units (step * dt)"}),
            "world": list(present),
            "variable": names,
            "unit": ("variable", [run.model.variables[name].unit or "" for name in names]),
        },
        attrs=run.provenance,
    )
