"""Currents as labelled arrays."""

from __future__ import annotations

import xarray

from causalopt.influence.influence import Currents
from causalopt.results import labelled


@labelled.register
def currents_dataset(currents: Currents) -> xarray.Dataset:
    """Return currents as a dataset with axes `t`, `variable` and `edge`.

    Variables: `J`, `share`, `status` [t, variable]; `edge_share`, `edge_status` [t, edge], where t
    is the step of the child; `slope` [t, edge], the child's derivative by the parent.
    """
    nodes, edges = ("t", "variable"), ("t", "edge")
    found, model = currents.edges, currents.model
    of_total = {"long_name": "current over the total effect", "units": "1"}
    arrows = [
        f"{parent} -> {child}" if model.is_static else f"{parent}[t-{lag}] -> {child}[t]"
        for parent, child, lag in found.edges
    ]
    return xarray.Dataset(
        {
            "J": (nodes, currents.J, {"long_name": "(dv/dn)(dm/dv)"}),
            "share": (nodes, currents.share, of_total),
            "status": (nodes, currents.status.astype(object)),
            "slope": (edges, found.slope, {"long_name": "derivative of the child by the parent"}),
            "edge_share": (edges, currents.edge_share, of_total),
            "edge_status": (edges, currents.edge_status.astype(object)),
            "total": ((), currents.total, {"long_name": "derivative of m by n over all paths"}),
            "log_total": ((), currents.log_total, {"units": "nat"}),
        },
        coords={
            "t": ("t", currents.t, {"long_name": "step"}),
            "time": ("t", model.template.time(currents.t), {"units": "time units (step * dt)"}),
            "variable": list(currents.variables),
            "edge": [a.replace("[t-0]", "[t]") for a in arrows],
            "parent": ("edge", [p for p, _, _ in found.edges]),
            "child": ("edge", [c for _, c, _ in found.edges]),
            "lag": ("edge", [lag for _, _, lag in found.edges]),
        },
        attrs=currents.provenance,
    )
