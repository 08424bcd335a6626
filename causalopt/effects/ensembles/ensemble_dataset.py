"""Ensembles over noise as labelled arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray

from causalopt.effects.ensembles.rates_ensemble import RatesEnsemble
from causalopt.effects.ensembles.run_ensemble import RunEnsemble
from causalopt.effects.ensembles.seed_summary import SeedSummary
from causalopt.effects.ensembles.sweep_ensemble import SweepEnsemble
from causalopt.effects.measures import NAMES
from causalopt.effects.sweeps.axes import axis_labels
from causalopt.results import labelled

_NATS = {"op": {"units": "nat"}, "comp": {}, "total": {}, "direct": {}}
_WORDS = {
    "op": "-ln |Comp|",
    "comp": "total / direct",
    "total": "derivative of m by n over all paths",
    "direct": "over the paths that avoid A",
}
Variables = dict[str, tuple[Any, ...]]


@labelled.register
def run_ensemble_dataset(found: RunEnsemble) -> xarray.Dataset:
    """Return an ensemble of runs as a dataset with axes `seed`, `t`, `quantile` and `state`.

    Variables: `op` (nats), `comp`, `total`, `direct`, `value` (W's m) and `status` [seed, t]; for
    each measure x `x_mean`, `x_mean_low`, `x_mean_high`, `x_deviation` [t], and `x_quantile`,
    `x_quantile_low`, `x_quantile_high` [quantile, t]; `decided` [t], `op_pooled` and its ends [t],
    and `status_count` [state, t].
    """
    variables: Variables = {}
    for name, more in _NATS.items():
        variables[name] = (("seed", "t"), getattr(found, name), {**more, "long_name": _WORDS[name]})
        variables |= summary_variables(found.summary(name), name, ("t",), more)
    variables["value"] = (("seed", "t"), found.value, {"long_name": "m in W"})
    variables["status"] = (("seed", "t"), found.status.astype(object))
    variables["decided"] = ("t", found.spread.decided, {"long_name": "seeds in which Op stands"})
    for name, part in zip(
        ("op_pooled", "op_pooled_low", "op_pooled_high"), found.pooled, strict=True
    ):
        variables[name] = ("t", part, {"units": "nat"})
    variables["op_pooled_seeds"] = ("t", found.pooled_seeds, {"long_name": "effective seeds"})
    counts = np.array([(found.codes == k).sum(axis=0) for k in range(len(NAMES))])
    variables["status_count"] = (("state", "t"), counts)
    return xarray.Dataset(
        data_vars=variables,
        coords={
            "seed": np.array(found.seeds, dtype=np.uint64),
            "t": ("t", found.t, {"long_name": "step"}),
            "time": ("t", found.time, {"long_name": "time", "units": "time units (step * dt)"}),
            "quantile": list(found.probabilities),
            "state": NAMES.tolist(),
        },
        attrs=found.provenance,
    )


def summary_variables(
    summary: SeedSummary, name: str, dims: tuple[str, ...], attrs: dict[str, str]
) -> Variables:
    """Return a summary as variables of a dataset.

    Args:
        summary: The summary.
        name: Of the measure.
        dims: What its steps, or points, are called.
        attrs: Of the measure.
    """
    interval = {**attrs, "level": summary.level}
    whole = ("quantile", *dims)
    return {
        f"{name}_mean": (dims, summary.mean, attrs),
        f"{name}_mean_low": (dims, summary.mean_low, interval),
        f"{name}_mean_high": (dims, summary.mean_high, interval),
        f"{name}_deviation": (dims, summary.deviation, attrs),
        f"{name}_quantile": (whole, summary.quantiles, attrs),
        f"{name}_quantile_low": (whole, summary.quantiles_low, interval),
        f"{name}_quantile_high": (whole, summary.quantiles_high, interval),
    }


@labelled.register
def sweep_ensemble_dataset(found: SweepEnsemble) -> xarray.Dataset:
    """Return an ensemble of sweeps as a dataset with axes `seed`, `quantile` and the grid's.

    Variables: `op` (nats), `comp`, `total`, `direct`, `value` and `status` [seed, axes...];
    for each of the first four its means, quantiles and their ends, as of an ensemble of runs;
    `decided` [axes...].
    """
    labels = axis_labels(found.axes, ("seed", "quantile", "decided"))
    whole = ("seed", *labels)
    variables: Variables = {}
    for name, more in _NATS.items():
        variables[name] = (whole, getattr(found, name), {**more, "long_name": _WORDS[name]})
        variables |= summary_variables(found.summary(name), name, tuple(labels), more)
    variables["value"] = (whole, found.values, {"long_name": "m in W"})
    words = NAMES.astype(object)
    variables["status"] = (whole, words[found.codes])
    variables["decided"] = (tuple(labels), found.spread.decided)
    return xarray.Dataset(
        data_vars=variables,
        coords={
            "seed": np.array(found.seeds, dtype=np.uint64),
            "quantile": list(found.probabilities),
            **{
                label: (label, values, {"axis_name": name})
                for label, (name, values) in zip(labels, found.axes.items(), strict=True)
            },
        },
        attrs=found.provenance,
    )


@labelled.register
def rates_ensemble_dataset(found: RatesEnsemble) -> xarray.Dataset:
    """Return rates over seeds as a dataset with axes `seed`, `exponent` and `quantile`.

    Variables: `op_rate`, `error` and `status` [seed], `lyapunov` and `conditional` [seed, exponent
    or conditional_exponent]; `op_rate_mean`, its ends and quantiles.
    """
    unit = {"units": found.unit}
    variables: Variables = {
        "op_rate": ("seed", found.op_rate, unit),
        "error": ("seed", found.error, {**unit, "long_name": "standard error within the run"}),
        "status": ("seed", found.status.astype(object)),
        "lyapunov": (("seed", "exponent"), found.lyapunov, unit),
        "conditional": (("seed", "conditional_exponent"), found.conditional, unit),
    }
    variables |= summary_variables(found.spread, "op_rate", ("question",), unit)
    whole = xarray.Dataset(
        data_vars=variables,
        coords={
            "seed": np.array(found.seeds, dtype=np.uint64),
            "quantile": list(found.probabilities),
        },
        attrs=found.provenance,
    )
    return whole.isel(question=0)
