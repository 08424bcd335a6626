"""How walkers get from one set to another, as labelled arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray

from causalopt.descents.transitions.transition_paths import SCALARS, Transitions
from causalopt.results import labelled

_UNITS = {
    "committor": ("1", "q+ at the start"),
    "flux": ("1 / step", "reactive walkers a step"),
    "share": ("1", "share of time for which the origin was visited last"),
    "mean_passage": ("step", "mean steps of a passage"),
}

_SETS = np.array(["between", "origin", "destination"], dtype=object)


@labelled.register
def transition_dataset(found: Transitions) -> xarray.Dataset:
    """Return committors, laws and current on the nodes, and the numbers with their errors.

    Axes are the coordinates; `current` has one more, `direction`. Masses are per node.
    """
    names = [name.replace("[", "_").replace("]", "") for name in found.names]
    values: dict[str, Any] = {
        "label": (names, _SETS[found.labels]),
        "forward": (names, found.forward, {"units": "1", "long_name": "forward committor q+"}),
        "forward_error": (
            names,
            found.forward_error.reshape(found.labels.shape),
            {"units": "1", "long_name": "change of q+ from coarser grids"},
        ),
        "backward": (names, found.backward, {"units": "1", "long_name": "backward committor q-"}),
        "law": (names, found.law, {"units": "1", "long_name": "stationary mass"}),
        "density": (names, found.density, {"units": "1", "long_name": "reactive mass"}),
        "current": (
            ["direction", *names],
            found.vectors,
            {"units": "state / step", "long_name": "net reactive move"},
        ),
    }
    for name, value, error in zip(SCALARS, found.level.scalars, found.errors, strict=True):
        units, told = _UNITS[name]
        values[name] = ((), float(value), {"units": units, "long_name": told})
        values[f"{name}_error"] = ((), float(error), {"units": units})
    return xarray.Dataset(
        values,
        coords={"direction": names} | dict(zip(names, found.axes, strict=True)),
        attrs={**found.provenance, "status": found.status, "note": found.note},
    )
