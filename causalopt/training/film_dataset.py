"""A film as labelled arrays: Op, its status, and how well each network does, over its updates."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray

from causalopt.results import labelled
from causalopt.training.film import Film


@labelled.register
def film_dataset(found: Film) -> xarray.Dataset:
    """Return a film as a dataset with the axes `update` and `seed`.

    Variables: `op` (nats, at the last step of a run), `status`, `loss`, and `performance` where one
    is declared; `op_mean`, `op_low` and `op_high`, Op's mean over seeds with its interval at 95 %;
    where Op is shared among parts of A, `shapley` and `shapley_error`, by `part`.
    """
    settings, axes = found.training.settings, ("update", "seed")
    told = found.to_dict()

    def over_seeds(key: str) -> np.ndarray:
        return np.array([np.nan if value is None else float(value) for value in told[key]])

    variables: dict[str, Any] = {
        "op": (axes, found.op, {"units": "nat", "long_name": "-ln |Comp|"}),
        "status": (axes, found.status),
        "loss": (axes, found.loss, {"long_name": settings.loss}),
        **{key: ("update", over_seeds(key)) for key in ("op_mean", "op_low", "op_high")},
    }
    if found.performance is not None:
        variables["performance"] = (axes, found.performance, {"long_name": settings.performance})
    coords: dict[str, object] = {
        "update": ("update", list(found.frames)),
        "seed": ("seed", list(found.training.seeds)),
    }
    if found.attributions:
        coords["part"] = ("part", list(found.attributions[0][0].parts))
        for key, field in (("shapley", "values"), ("shapley_error", "errors")):
            rows = [[getattr(one, field) for one in frame] for frame in found.attributions]
            variables[key] = ((*axes, "part"), np.array(rows), {"units": "nat"})
    return xarray.Dataset(
        variables,
        coords=coords,
        attrs={
            "model": found.model.name,
            "model_hash": found.model.fingerprint,
            "nudge": told["nudge"],
            "hold": found.hold_name,
            "target": found.target,
            "steps": str(found.steps),
        },
    )
