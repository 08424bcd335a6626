"""A path of least action as labelled arrays."""

from __future__ import annotations

import numpy as np
import xarray

from causalopt.descents.transitions.least_action import LeastAction
from causalopt.results import labelled


@labelled.register
def action_dataset(found: LeastAction) -> xarray.Dataset:
    """Return the path, axes (coordinate, place), and its costs and tilts, axes of steps."""
    path = found.path
    return xarray.Dataset(
        {
            "place": (
                ["coordinate", "number"],
                path.places,
                {"units": "state", "long_name": "the path"},
            ),
            "cost": (["step"], path.costs, {"units": "nat", "long_name": "cost of the step"}),
            "theta": (
                ["coordinate", "step"],
                path.theta,
                {"units": "nat / state", "long_name": "derivative of the cost by the step"},
            ),
            "action": ((), found.action, {"units": "nat", "long_name": "least action, a draw"}),
            "action_error": ((), found.error, {"units": "nat"}),
        },
        coords={
            "coordinate": list(found.names),
            "number": np.arange(path.places.shape[1]),
            "step": np.arange(len(path.costs)),
        },
        attrs={**found.provenance, "status": found.status},
    )
