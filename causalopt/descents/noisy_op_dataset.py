"""Op of walkers as labelled arrays."""

from __future__ import annotations

import numpy as np
import xarray

from causalopt.descents.noisy_op import NoisyOp
from causalopt.results import labelled


@labelled.register
def noisy_op_dataset(found: NoisyOp) -> xarray.Dataset:
    """Return `op`, `sign` and `state` [t, walker], `mean` and `standard_error` [t]."""
    both, nats = ("t", "walker"), {"units": "nat"}
    return xarray.Dataset(
        {
            "mean": ("t", found.mean, nats),
            "standard_error": ("t", found.standard_error, nats),
            "op": (both, found.op, nats),
            "sign": (both, found.sign),
            "state": (both, found.states),
        },
        coords={"t": np.arange(len(found.op)), "walker": np.arange(found.op.shape[1])},
    )
