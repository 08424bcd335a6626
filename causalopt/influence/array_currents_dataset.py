"""Currents of arrays as labelled arrays."""

from __future__ import annotations

import xarray

from causalopt.effects.arrays.array_matrices import dim_names
from causalopt.influence.array_currents import ArrayCurrents
from causalopt.results import labelled


@labelled.register
def array_currents_dataset(currents: ArrayCurrents) -> xarray.Dataset:
    """Return currents as a dataset: for each array `v` the variables `share_v` and `status_v`.

    Their axes are `t` and v's own dims; `edge_share` has the axes `t` (of the child) and `edge`.
    """
    model, plan = currents.model, currents.array_plan
    of_total = {"long_name": "current over the total effect", "units": "1"}
    tables: dict[str, tuple[object, ...]] = {}
    for name, share in currents.share.items():
        dims = ("t", *dim_names(plan, name))
        tables[f"share_{name}"] = (dims, share, of_total)
        tables[f"status_{name}"] = (dims, currents.status[name].astype(object))
    tables["edge_share"] = (("t", "edge"), currents.edge_share, of_total)
    arrows = [
        f"{p} -> {c}" if model.is_static else f"{p}[t-{lag}] -> {c}[t]".replace("[t-0]", "[t]")
        for p, c, lag in currents.edges
    ]
    return xarray.Dataset(
        tables,
        coords={"t": ("t", currents.t, {"long_name": "step"}), "edge": arrows},
        attrs={**currents.provenance, "total_status": currents.total_status},
    )
