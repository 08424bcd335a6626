"""Basins, shares, amounts and curves as labelled arrays."""

from __future__ import annotations

import numpy as np
import xarray

from causalopt.basins.attraction_basins import AttractionBasins
from causalopt.basins.basin_contingency import FATES, BasinContingency
from causalopt.basins.op_basins import OpBasins
from causalopt.basins.op_share import OpShare
from causalopt.basins.optimization_amount import OptimizationAmount
from causalopt.basins.point_classes import CLASSES
from causalopt.basins.rate_curve import RateCurve
from causalopt.basins.region_tracks import RegionTracks
from causalopt.engine.contract import Floats
from causalopt.results import labelled

Coordinates = dict[str, tuple[str, Floats, dict[str, str]]]


@labelled.register
def op_basins_dataset(found: OpBasins) -> xarray.Dataset:
    """Return regions as a dataset.

    Variables: `region` and `class` of the finest cells, at their middles; `op` (nats) at their
    corners, NaN where not asked; `measure`, `low` and `high` of each region.
    """
    cells, corners, where = _cells(found.edges)
    names = list(cells)
    words = np.array(CLASSES, dtype=object)
    labels = [region.label for region in found.regions]
    return xarray.Dataset(
        data_vars={
            **{
                name: ("label", [getattr(region, name) for region in found.regions])
                for name in ("measure", "low", "high")
            },
            "region": (names, found.region, {"long_name": "0 for none"}),
            "class": (names, words[found.tree.classes[found.tree.cells]]),
            "op": (list(corners), found.tree.op, {"units": "nat", "long_name": "-ln |Comp|"}),
        },
        coords={**where, "label": ("label", labels)},
        attrs=found.provenance_with(
            at=str(found.at), level=repr(found.level), asked=str(found.asked_points)
        ),
    )


@labelled.register
def attraction_dataset(found: AttractionBasins) -> xarray.Dataset:
    """Return basins as a dataset.

    Variables: `basin` of the finest cells, at their middles, 0 where mixed or undecided and -1
    where it escapes; of each attractor `measure`, `low`, `high`, `kind` and `centre`.
    """
    cells, _, where = _cells(found.edges)
    attractors, names = found.attractors, list(found.grid.names)
    centres = np.array([list(each.centre.values()) for each in attractors]).reshape(-1, len(names))
    where = {name: entry for name, entry in where.items() if name in cells}
    return xarray.Dataset(
        data_vars={
            "basin": (list(cells), found.region, {"long_name": "0 mixed or undecided, -1 escapes"}),
            "centre": (("label", "variable"), centres),
            "kind": ("label", np.array([each.kind for each in attractors], dtype=str)),
            **{
                name: ("label", [getattr(each, name) for each in attractors])
                for name in ("measure", "low", "high")
            },
        },
        coords={
            **where,
            "label": ("label", [each.label for each in attractors]),
            "variable": ("variable", names),
        },
        attrs={
            "model": found.model.name,
            "model_hash": found.model.fingerprint,
            "asked": str(found.tree.asked),
            "stride": str(found.stride),
        },
    )


@labelled.register
def share_dataset(found: OpShare) -> xarray.Dataset:
    """Return shares as a dataset: `counted` by class and replica, `share` with its interval."""
    shares = found.shares
    table = np.array([shares.get(name, (0.0, np.nan, np.nan)) for name in CLASSES])
    return xarray.Dataset(
        data_vars={
            **{name: ("class", table[:, k]) for k, name in enumerate(("share", "low", "high"))},
            "counted": (("class", "replica"), found.counted),
        },
        coords={"class": ("class", list(CLASSES))},
        attrs=found.provenance_with(
            at=str(found.at), level=repr(found.level), design=found.design, points=str(found.points)
        ),
    )


@labelled.register
def amount_dataset(found: OptimizationAmount) -> xarray.Dataset:
    """Return the integral as a dataset: `power`, its `error`, and the `estimates` behind it."""
    return xarray.Dataset(
        data_vars={
            "power": ((), found.value, {"long_name": "integral of 1 - Comp"}),
            "error": ((), found.error),
            "estimates": ("estimate", np.array(found.estimates)),
        },
        attrs=found.provenance_with(at=str(found.at), rule=found.rule, points=str(found.points)),
    )


@labelled.register
def contingency_dataset(found: BasinContingency) -> xarray.Dataset:
    """Return the table as a dataset, `total` and `direct` as medians of logarithms."""
    both = ("basin", "op_region")
    return xarray.Dataset(
        data_vars={
            **{name: (both, getattr(found, name)) for name in ("share", "low", "high")},
            "total": (both, found.total, {"long_name": "median of ln |total|"}),
            "direct": (both, found.direct, {"long_name": "median of ln |direct|"}),
            "fate": (("basin", "compressed"), found.fate),
        },
        coords={
            "basin": ("basin", list(found.rows)),
            "op_region": ("op_region", list(found.columns)),
            "compressed": ("compressed", list(FATES)),
        },
        attrs=found.op.provenance_with(at=str(found.op.at), level=repr(found.op.level)),
    )


@labelled.register
def tracks_dataset(found: RegionTracks) -> xarray.Dataset:
    """Return tracks as a dataset: `measure`, `low` and `high` along the parameter."""
    name = found.parameter
    tables = {key: ((name, "track"), table) for key, table in found.measures.items()}
    model = found.found[0].model
    return xarray.Dataset(
        data_vars=tables,
        coords={name: (name, found.values), "track": ("track", np.arange(1, found.count + 1))},
        attrs={"model": model.name, "along": name},
    )


@labelled.register
def curve_dataset(found: RateCurve) -> xarray.Dataset:
    """Return a curve as a dataset: `op_rate`, `error` and `status`, and the `orbit` of m."""
    name = found.parameter
    return xarray.Dataset(
        data_vars={
            "op_rate": (name, found.rate, {"units": found.unit}),
            "error": (name, found.error, {"units": found.unit}),
            "status": (name, found.status),
            "orbit": ((name, "step"), found.orbit, {"long_name": f"{found.target} in W"}),
        },
        coords={name: (name, found.values)},
        attrs=found.provenance_with(
            steps=str(found.steps), transient=str(found.transient), windows=str(found.windows)
        ),
    )


def _cells(edges: dict[str, Floats]) -> tuple[dict[str, str], dict[str, str], Coordinates]:
    """Return the dims of cells and of corners, and the coordinates of both."""
    cells, corners, where = {}, {}, Coordinates()
    for name, edge in edges.items():
        label = name.replace("[", "_").replace("]", "").replace(" ", "")
        cells[label], corners[f"{label}_edge"] = name, name
        where[label] = (label, (edge[1:] + edge[:-1]) / 2, {"axis_name": name})
        where[f"{label}_edge"] = (f"{label}_edge", edge, {"axis_name": name})
    return cells, corners, where
