"""A diagram of two basins as labelled arrays."""

from __future__ import annotations

import xarray

from causalopt.descents.transitions.basin_diagram import BasinDiagram
from causalopt.results import labelled

_TOLD = {
    "right": ("1", "share of time on the right of the barrier"),
    "right_error": ("1", "its change from half the nodes"),
    "leave_left": ("1 / step", "chance of leaving the left basin"),
    "leave_right": ("1 / step", "chance of leaving the right basin"),
    "climb_left": ("nat", "action of climbing out of the left basin"),
    "climb_right": ("nat", "action of climbing out of the right basin"),
}


@labelled.register
def basin_dataset(found: BasinDiagram) -> xarray.Dataset:
    """Return the diagram as a dataset with one axis a parameter."""
    names = list(found.axes)
    values = {
        name: (names, getattr(found, name), {"units": units, "long_name": told})
        for name, (units, told) in _TOLD.items()
    }
    words = {
        name: (names, getattr(found, name).astype(str))
        for name in ("winner", "winner_by_action", "status")
    }
    return xarray.Dataset(
        {**values, **words},
        coords=dict(found.axes),
        attrs={**found.provenance, "barrier": found.barrier},
    )
