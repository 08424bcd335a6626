"""Answers to questions of escape as labelled arrays."""

from __future__ import annotations

import numpy as np
import xarray

from causalopt.descents.escape.answer import Answer
from causalopt.descents.escape.curves import EscapeCurve
from causalopt.descents.escape.evolution import Evolution
from causalopt.descents.escape.steps_to_escape import EscapeTimes
from causalopt.results import labelled


@labelled.register
def answer_dataset(answer: Answer) -> xarray.Dataset:
    """Return an answer as a dataset: `probability`, `error` and `status` [within]."""
    return xarray.Dataset(
        {
            "probability": ("within", np.array(answer.probability)),
            "error": ("within", np.array(answer.error)),
            "status": ("within", np.full(len(answer.within), answer.status, dtype=object)),
        },
        coords={"within": ("within", np.array(answer.within), {"units": "step"})},
        attrs={"method": answer.method, "note": answer.note, "size": str(answer.size)},
    )


@labelled.register
def curve_dataset(curve: EscapeCurve) -> xarray.Dataset:
    """Return answers as a dataset with the parameter's axis and `within`."""
    axes = (curve.axis, "within")
    answers = curve.answers
    status = [[answer.status] * len(answer.within) for answer in answers]
    return xarray.Dataset(
        {
            "probability": (axes, np.array([answer.probability for answer in answers])),
            "error": (axes, np.array([answer.error for answer in answers])),
            "status": (axes, np.array(status, dtype=object)),
        },
        coords={curve.axis: curve.values, "within": list(answers[0].within)},
        attrs={"method": answers[0].method},
    )


@labelled.register
def evolution_dataset(found: Evolution) -> xarray.Dataset:
    """Return a law's moments [t], and its mass [t, node] where it has nodes."""
    columns = {"mean": ("t", found.mean), "deviation": ("t", found.deviation)}
    coords = {"t": ("t", np.asarray(found.times), {"long_name": "step"})}
    if len(found.nodes):
        columns["mass"] = (("t", "node"), found.mass)  # type: ignore[assignment]
        coords["node"] = ("node", np.asarray(found.nodes), {})
    return xarray.Dataset(columns, coords=coords, attrs={"lost": repr(found.lost)})


@labelled.register
def times_dataset(found: EscapeTimes) -> xarray.Dataset:
    """Return mean steps to escape with the axis `T`."""
    names = ("mean", "error", "rate", "barrier")
    columns = {name: ("T", np.asarray(getattr(found, name))) for name in names}
    return xarray.Dataset(
        {**columns, "status": ("T", np.array(found.status, dtype=object))},
        coords={"T": found.temperatures},
    )
