"""A refinement as labelled arrays."""

from __future__ import annotations

import xarray

from causalopt.effects.measures import NAMES
from causalopt.effects.sweeps.axes import axis_labels
from causalopt.refinement.refinement import Refinement
from causalopt.results import labelled


@labelled.register
def refinement_dataset(found: Refinement) -> xarray.Dataset:
    """Return a refinement as a dataset with one dim, `point`, in the order asked.

    Variables: `value` (of m in W), `total`, `direct`, `comp`, `op` (nats) and `status`; the axes
    are coordinates. `corner` has the points at the corners of each `piece` that the box is cut
    into.
    """
    words = NAMES.astype(object)
    labels = axis_labels(found.axes, ("corner", "piece", "point", "end"))
    point = ("point",)
    return xarray.Dataset(
        data_vars={
            "value": (point, found.values, {"long_name": f"{found.target} in W"}),
            "total": (point, found.total, {"long_name": "derivative of m by n over all paths"}),
            "direct": (point, found.direct, {"long_name": "over the paths that avoid A"}),
            "comp": (point, found.comp, {"long_name": "total / direct"}),
            "op": (point, found.op, {"units": "nat", "long_name": "-ln |Comp|"}),
            "status": (point, words[found.codes]),
            "corner": (("piece", "end"), found.simplices, {"long_name": "points at the corners"}),
        },
        coords={
            label: (point, values, {"axis_name": name})
            for label, (name, values) in zip(labels, found.axes.items(), strict=True)
        },
        attrs=found.provenance,
    )
