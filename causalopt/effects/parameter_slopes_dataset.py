"""Slopes of Op by parameters as labelled arrays."""

from __future__ import annotations

import xarray

from causalopt.effects.parameter_slopes import ParameterSensitivity
from causalopt.results import labelled


@labelled.register
def sensitivity_dataset(found: ParameterSensitivity) -> xarray.Dataset:
    """Return slopes as a dataset with the axis `parameter`.

    Variables: `value`; `op_slope` (nats per unit), `op_slope_error`, `relative` (nats per relative
    change), `comp_slope`, `comp_slope_error` and `status`; `op` and `comp` at the model's values.
    """
    slopes = found.slopes
    nat = {"units": "nat"}
    return xarray.Dataset(
        {
            "value": ("parameter", [s.value for s in slopes]),
            "op_slope": ("parameter", [s.op for s in slopes], {"long_name": "dOp/dp"}),
            "op_slope_error": ("parameter", [s.op_error for s in slopes]),
            "relative": (
                "parameter",
                [s.relative for s in slopes],
                {**nat, "long_name": "p dOp/dp"},
            ),
            "comp_slope": ("parameter", [s.comp for s in slopes], {"long_name": "dComp/dp"}),
            "comp_slope_error": ("parameter", [s.comp_error for s in slopes]),
            "status": ("parameter", [s.status for s in slopes]),
            "op": ((), found.op, nat),
            "comp": ((), found.comp),
        },
        coords={"parameter": [s.parameter for s in slopes]},
        attrs=found.provenance,
    )
