"""Entropies, and Op beside them, as labelled arrays."""

from __future__ import annotations

import numpy as np
import xarray

from causalopt.entropy.bridge import SideBySide
from causalopt.entropy.entropies import Entropies
from causalopt.results import labelled


@labelled.register
def entropies_dataset(found: Entropies) -> xarray.Dataset:
    """Return the four entropies and the three numbers made of them, each without an axis."""
    numbers = {name: value for name, value in found.to_dict().items() if name != "unit"}
    return xarray.Dataset(
        {name: ((), value, {"units": found.unit}) for name, value in numbers.items()},
        attrs={
            "model": found.model,
            "hold": ", ".join(found.A),
            "at": str(found.at),
            "horizon": str(found.horizon),
        },
    )


@labelled.register
def side_by_side_dataset(found: SideBySide) -> xarray.Dataset:
    """Return Comp, Op and optimizing strength with the axis `t`."""
    unit = {"units": found.unit}
    return xarray.Dataset(
        {
            "comp": ("t", found.comp, {"long_name": "total / direct"}),
            "op": ("t", found.op, {**unit, "long_name": "-ln |Comp|"}),
            "optimizing_strength": ("t", found.optimizing_strength, unit),
        },
        coords={"t": ("t", np.arange(len(found.op)), {"long_name": "step"})},
    )
