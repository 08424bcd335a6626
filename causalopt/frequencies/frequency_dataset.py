"""A frequency response as labelled arrays."""

from __future__ import annotations

import math

import numpy as np
import xarray

from causalopt.frequencies.frequency_response import FrequencyResponse
from causalopt.results import labelled


@labelled.register
def frequency_dataset(found: FrequencyResponse) -> xarray.Dataset:
    """Return a response as a dataset with the axis `frequency`.

    Variables [frequency]: `total_gain`, `total_phase`, `direct_gain`, `direct_phase`, `comp_gain`,
    `comp_phase`, `loop_gain`, `loop_phase` (degrees), `op` and `op_error` (nats) and `status`.
    Coordinates: `frequency` in the unit asked for, `omega` in radians per step, `hertz` in cycles
    per unit of time. Margins and Bode's integral are attributes.
    """
    gains = found.gains
    parts = {"total": gains.total, "direct": gains.direct, "comp": gains.comp, "loop": found.loop}
    data: dict[str, tuple[str, np.ndarray, dict[str, str]]] = {}
    for name, values in parts.items():
        with np.errstate(all="ignore"):
            data[f"{name}_gain"] = ("frequency", np.abs(values), {})
            data[f"{name}_phase"] = (
                "frequency",
                found.loop_phase if name == "loop" else np.degrees(np.angle(values)),
                {"units": "degree"},
            )
    step = float(found.model.template.dt)
    numbers = {
        **(found.to_dict()["margins"] or {}),
        **({} if found.waterbed is None else {"mean_op": found.waterbed.mean_op}),
    }
    known = {k: v for k, v in numbers.items() if isinstance(v, int | float | str)}
    return xarray.Dataset(
        data_vars={
            **data,
            "op": ("frequency", gains.op, {"units": "nat", "long_name": "-ln |Comp|"}),
            "op_error": ("frequency", gains.op_error, {"units": "nat"}),
            "status": ("frequency", gains.status.astype(object)),
        },
        coords={
            "frequency": ("frequency", found.frequency, {"units": found.unit}),
            "omega": ("frequency", gains.omega, {"units": "rad/step"}),
            "hertz": (
                "frequency",
                gains.omega / (2 * math.pi * step),
                {"units": "1/time unit", "long_name": "cycles per unit of time"},
            ),
        },
        attrs={**found.provenance, **known},
    )
