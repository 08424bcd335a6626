"""Shares of Op as labelled arrays."""

from __future__ import annotations

import xarray

from causalopt.effects.attribution import Attribution
from causalopt.results import labelled


@labelled.register
def attribution_dataset(found: Attribution) -> xarray.Dataset:
    """Return Shapley values and their errors with the axis `part`, in nats."""
    nats = {"units": "nat"}
    return xarray.Dataset(
        {
            "shapley": ("part", found.values, nats),
            "error": ("part", found.errors, nats),
            "joint": ((), found.joint, nats),
        },
        coords={"part": list(found.parts)},
        attrs={
            "model": found.model.name,
            "nudge": found.nudge,
            "target": found.target,
            "step": str(found.at),
        },
    )
