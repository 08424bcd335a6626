"""Ranked sets as labelled arrays."""

from __future__ import annotations

import numpy as np
import xarray

from causalopt.effects.measures import NAMES
from causalopt.optimizers.optimizer_matrix import OptimizerMatrix
from causalopt.optimizers.optimizers import Optimizers
from causalopt.optimizers.optimizers_over_draws import OptimizersOverDraws
from causalopt.optimizers.optimizers_over_time import OptimizersOverTime
from causalopt.results import labelled

_OP = {"long_name": "Op(A; n, m)", "units": "nat"}
_COMP = {"long_name": "total over direct effect", "units": "1"}


@labelled.register
def optimizers_dataset(found: Optimizers) -> xarray.Dataset:
    """Return candidates as a dataset with axes `candidate` (by rank) and `part`.

    Variables: `op`, `comp`, `share`, `status` and `hold` [candidate]; `member` [candidate, part].
    """
    ranked, width = found.ranked, len(found.parts)
    member = np.zeros((len(found), width + 1), dtype=bool)
    np.put_along_axis(member, ranked.sets.members, True, axis=1)  # NO_PART is the last column
    with np.errstate(divide="ignore"):
        share = np.where(ranked.comp == 0, -np.inf, 1.0 - 1.0 / ranked.comp)
    along = "candidate"
    return xarray.Dataset(
        {
            "op": (along, ranked.op, _OP),
            "comp": (along, ranked.comp, _COMP),
            "share": (along, share, {"long_name": "influence through A, 1 - 1/Comp", "units": "1"}),
            "status": (along, NAMES[ranked.codes].astype(object)),
            "member": ((along, "part"), member[:, :width], {"long_name": "whether a part is in A"}),
        },
        coords={
            "hold": (along, np.array([str(c) for c in found.candidates], dtype=object)),
            "part": [part.label for part in found.parts],
            "step": ((), found.step, {"long_name": "step of m"}),
        },
        attrs=found.provenance,
    )


@labelled.register
def over_time_dataset(found: OptimizersOverTime) -> xarray.Dataset:
    """Return Op against time as a dataset: `op`, `comp`, `status` [t, candidate], `best` [t]."""
    axes = ("t", "candidate")
    return xarray.Dataset(
        {
            "op": (axes, found.op, _OP),
            "comp": (axes, found.comp, _COMP),
            "status": (axes, found.status.astype(object)),
            "best": ("t", found.best, {"long_name": "place of the best candidate, -1 for none"}),
        },
        coords={
            "t": ("t", found.t, {"long_name": "step of m"}),
            "candidate": [_text(hold) for hold in found.sets],
        },
        attrs=found.provenance,
    )


@labelled.register
def over_draws_dataset(found: OptimizersOverDraws) -> xarray.Dataset:
    """Return draws as a dataset: `op`, `status` [draw, candidate]; means and ends [candidate]."""
    axes = ("draw", "candidate")
    return xarray.Dataset(
        {
            "op": (axes, found.op, _OP),
            "status": (axes, found.status.astype(object)),
            "mean": ("candidate", found.mean, {"units": "nat"}),
            "low": ("candidate", found.low, {"long_name": "95 % interval", "units": "nat"}),
            "high": ("candidate", found.high, {"long_name": "95 % interval", "units": "nat"}),
            "first": ("candidate", found.first, {"long_name": "draws in which it is the best"}),
        },
        coords={"candidate": [_text(hold) for hold in found.sets]},
        attrs=found.provenance,
    )


@labelled.register
def matrix_dataset(found: OptimizerMatrix) -> xarray.Dataset:
    """Return a matrix as a dataset: `best`, `op`, `status` with axes `source` and `target`."""
    axes = ("source", "target")
    return xarray.Dataset(
        {
            "best": (axes, np.array(found.best, dtype=object)),
            "op": (axes, found.op, _OP),
            "status": (axes, np.array(found.status, dtype=object)),
        },
        coords={"source": list(found.sources), "target": list(found.targets)},
        attrs=found.provenance,
    )


def _text(hold: tuple[str, ...]) -> str:
    return "{" + ", ".join(hold) + "}"
