"""Worlds as labelled arrays."""

from __future__ import annotations

import numpy as np
import xarray

from causalopt.results import labelled
from causalopt.worlds.array_world import ArrayWorld
from causalopt.worlds.world import World


@labelled.register
def world_dataset(world: World) -> xarray.Dataset:
    """Return a world with the axis `t`: one variable for each of the model's, and `time`."""
    model, t = world.model, np.arange(world.steps + 1)
    units = {name: variable.unit for name, variable in model.variables.items()}
    return xarray.Dataset(
        {
            name: ("t", np.asarray(world[name]), {"units": units[name]} if units[name] else {})
            for name in model.variables
        },
        coords={
            "t": ("t", t, {"long_name": "step"}),
            "time": ("t", model.template.time(t), {"units": "time units (step * dt)"}),
        },
        attrs=_done(world),
    )


@labelled.register
def array_world_dataset(world: ArrayWorld) -> xarray.Dataset:
    """Return the kept variables of a world of arrays: their axes are `t` and their own."""
    columns = {}
    for name, values in world.values.items():
        dims = world.model.arrays.by_name[name].dims
        axes = [dim or f"{name}_{k}" for k, dim in enumerate(dims)]
        axes = [axis if axis not in axes[:k] else f"{axis}_{k}" for k, axis in enumerate(axes)]
        columns[name] = (("t", *axes), values)
    return xarray.Dataset(columns, coords={"t": np.arange(world.steps + 1)}, attrs=_done(world))


def _done(world: World | ArrayWorld) -> dict[str, str]:
    return {
        "model": world.model.name,
        "model_hash": world.model.fingerprint,
        "world": world.name,
        "interventions": "; ".join(map(repr, world.interventions)),
    }
