"""Divisions, their stability, verdicts and the table of errors as labelled arrays."""

from __future__ import annotations

import numpy as np
import xarray

from causalopt.optimizers.division_stability import DivisionStability
from causalopt.optimizers.false_positives import FalsePositives
from causalopt.optimizers.natural_division import NaturalDivision
from causalopt.optimizers.set_lists import Held
from causalopt.optimizers.verdict import Verdict
from causalopt.results import labelled

_NATS = {"units": "nat"}


@labelled.register
def division_dataset(division: NaturalDivision) -> xarray.Dataset:
    """Return a division as a dataset with axes `set` and `size`.

    Variables: `op`, `comp`, `status` and `holds` [set, variable]; `best_op`, `bound`, `low`,
    `high` [size].
    """
    points, tried = division.path.points, division.tried
    core = division.listed.core
    holds = np.array([[name in hold for name in core] for hold in tried.sets], dtype=bool)
    columns = {
        name: ("size", np.array([getattr(p, name) for p in points]), _NATS)
        for name in ("bound", "low", "high")
    }
    return xarray.Dataset(
        {
            "op": ("set", tried.op, {"long_name": "Op(A; n, m)", **_NATS}),
            "comp": ("set", tried.comp, {"long_name": "Comp(A; n, m)", "units": "1"}),
            "status": ("set", tried.status.astype(object)),
            "holds": (("set", "variable"), holds.reshape(len(tried.sets), len(core))),
            "best_op": ("size", np.array([p.op for p in points]), _NATS),
            **columns,
        },
        coords={
            "set": [_joined(hold) for hold in tried.sets],
            "variable": list(core),
            "size": ("size", [p.size for p in points], {"long_name": division.price + "s"}),
        },
        attrs=division.provenance,
    )


@labelled.register
def stability_dataset(found: DivisionStability) -> xarray.Dataset:
    """Return divisions as a dataset with axes `nudge`, `start` and `variable`.

    Variables: `op`, `winner`, `unsure` [nudge, start]; `members` [nudge, start, variable];
    `frequency`, `low`, `high` [variable].
    """
    core, shares = found.listed.core, found.members
    shape = (*found.op.shape, len(core))
    members = np.zeros(shape, dtype=bool)
    names = np.full(found.op.shape, "", dtype=object)
    for place in np.ndindex(found.op.shape):
        winners = found.winners[place[0]][place[1]]
        inside = {name for hold in winners for name in hold}
        members[place] = [name in inside for name in core]
        names[place] = " = ".join(map(_joined, winners)) or "none"
    cases = ("nudge", "start")
    return xarray.Dataset(
        {
            "op": (cases, found.op, {"long_name": "Op of the winner", **_NATS}),
            "winner": (cases, names),
            "reached": (cases, found.reached, {"long_name": "whether n reaches m"}),
            "unsure": (cases, found.unsure, {"long_name": "sets without a certain Op"}),
            "members": ((*cases, "variable"), members),
            "frequency": ("variable", np.array([shares[name].share for name in core])),
            "low": ("variable", np.array([shares[name].low for name in core])),
            "high": ("variable", np.array([shares[name].high for name in core])),
        },
        coords={
            "nudge": list(found.nudges),
            "start": np.arange(found.op.shape[1]),
            "variable": list(core),
        },
        attrs=dict(found.provenance),
    )


@labelled.register
def verdict_dataset(verdict: Verdict) -> xarray.Dataset:
    """Return a verdict as a dataset with an axis `set`."""
    scores = verdict.scores
    floats = {
        name: ("set", np.array([getattr(s, name) for s in scores], dtype=float), _NATS)
        for name in ("op", "level")
    }
    counts = {
        name: ("set", np.array([getattr(s, name) for s in scores], dtype=np.int64))
        for name in ("passed", "halved", "informative")
    }
    parts = ("set", np.array([s.part for s in scores], dtype=float), {"units": "1"})
    return xarray.Dataset(
        {**floats, **counts, "part": parts},
        coords={"set": [_joined(score.hold) for score in scores]},
        attrs=verdict.provenance,
    )


@labelled.register
def false_positives_dataset(found: FalsePositives) -> xarray.Dataset:
    """Return the table as a dataset with axes `system` and `family`."""
    cases, families = found.cases, found.families
    return xarray.Dataset(
        {
            "has_optimizer": ("system", np.array([c.has_optimizer for c in cases])),
            "answer": ("system", np.array([c.verdict.answer for c in cases], dtype=object)),
            "op": ("system", np.array([c.verdict.op for c in cases]), _NATS),
            "level": ("system", np.array([c.verdict.level for c in cases]), _NATS),
            "outcome": ("system", np.array([c.outcome for c in cases], dtype=object)),
            "planted": ("family", np.array([f.has_optimizer for f in families])),
            "share": ("family", np.array([f.found.share for f in families])),
            "low": ("family", np.array([f.found.low for f in families])),
            "high": ("family", np.array([f.found.high for f in families])),
        },
        coords={"system": [c.name for c in cases], "family": [f.name for f in families]},
        attrs={"draws": str(families[0].found.of if families else 0)},
    )


def _joined(hold: Held) -> str:
    return ", ".join(hold)
