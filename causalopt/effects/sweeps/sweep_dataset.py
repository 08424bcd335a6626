"""A sweep as labelled arrays."""

from __future__ import annotations

import xarray

from causalopt.effects.measures import NAMES
from causalopt.effects.sweeps.axes import axis_labels
from causalopt.effects.sweeps.sweep import Sweep
from causalopt.results import labelled


@labelled.register
def sweep_dataset(sweep: Sweep) -> xarray.Dataset:
    """Return a sweep as a dataset with one axis per swept value.

    Variables: `value` (of m in W), `total`, `direct`, `comp`, `op` (nats) and `status`.
    """
    names = axis_labels(sweep.axes)
    words = NAMES.astype(object)  # each word once in memory, however many points have it
    return xarray.Dataset(
        data_vars={
            "value": (names, sweep.values, {"long_name": f"{sweep.target} in W"}),
            "total": (names, sweep.total, {"long_name": "derivative of m by n over all paths"}),
            "direct": (names, sweep.direct, {"long_name": "over the paths that avoid A"}),
            "comp": (names, sweep.comp, {"long_name": "total / direct"}),
            "op": (names, sweep.op, {"units": "nat", "long_name": "-ln |Comp|"}),
            "status": (names, words[sweep.codes]),
        },
        coords={
            label: (label, values, {"axis_name": name})
            for label, (name, values) in zip(names, sweep.axes.items(), strict=True)
        },
        attrs=sweep.provenance,
    )
