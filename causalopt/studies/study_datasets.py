"""Studies as labelled arrays."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Any

import numpy as np
import xarray

from causalopt.effects.measures import NAMES
from causalopt.effects.sweeps.axes import axis_labels
from causalopt.results import labelled
from causalopt.studies.landscape_maps import LandscapeMaps
from causalopt.studies.landscape_study import LandscapeStudy
from causalopt.studies.rate_diagram import RateDiagram


@labelled.register
def landscape_maps_dataset(found: LandscapeMaps) -> xarray.Dataset:
    """Return landscapes as a dataset.

    Variables: `op` (nats), `comp`, `value` (of m in W) and `status`; axes: one for each parameter
    under `each`, `question`, `at` (the step), and the plane's, up and right.
    """
    study = found.study
    right, up = found.axes
    labels = axis_labels([*study.each, up, right], ["question", "at"])
    each, plane = labels[:-2], labels[-2:]
    dims = (*each, "question", "at", *plane)
    shape = (*(len(values) for values in study.each.values()), *found.op.shape[1:])
    words = NAMES.astype(object)
    coords: dict[str, Any] = {
        label: (label, list(values), {"axis_name": name})
        for label, (name, values) in zip(each, study.each.items(), strict=True)
    }
    coords |= {plane[0]: (plane[0], found.axes[up], {"axis_name": up})}
    coords |= {plane[1]: (plane[1], found.axes[right], {"axis_name": right})}
    return xarray.Dataset(
        data_vars={
            "op": (dims, found.op.reshape(shape), {"units": "nat", "long_name": "-ln |Comp|"}),
            "comp": (dims, found.comp.reshape(shape), {"long_name": "total / direct"}),
            "value": (dims, found.w.reshape(shape), {"long_name": "m in W"}),
            "status": (dims, words[found.codes.reshape(shape)]),
        },
        coords={**coords, **_questions(study), "at": ("at", list(study.at))},
        attrs=_provenance(study, found.model.fingerprint),
    )


@labelled.register
def rate_diagram_dataset(found: RateDiagram) -> xarray.Dataset:
    """Return rates as a dataset.

    Variables: `op`, `op_error`, `conditional` and `status` over branch, question and the
    parameter; `lyapunov` over branch and the parameter; `maxima` over these and `maximum`.
    """
    dims = ("branch", "question", found.parameter)
    rate = {"units": found.unit}
    words = NAMES.astype(object)
    return xarray.Dataset(
        data_vars={
            "op": (dims, found.op, {**rate, "long_name": "Op per unit of time"}),
            "op_error": (dims, found.op_error, {**rate, "long_name": "standard error"}),
            "conditional": (
                dims,
                found.conditional,
                {**rate, "long_name": "of B given A, largest"},
            ),
            "status": (dims, words[found.codes]),
            "lyapunov": (dims[::2], found.lyapunov, {**rate, "long_name": "largest exponent"}),
            "maxima": ((*dims[::2], "maximum"), found.maxima),
        },
        coords={
            **_questions(found.study),
            "branch": ("branch", np.array(found.branches, dtype=object)),
            found.parameter: (found.parameter, found.values),
        },
        attrs=_provenance(found.study, found.model.fingerprint),
    )


def _questions(study: LandscapeStudy) -> dict[str, Any]:
    """Return the axis of questions, with n, A and m of each."""
    parts = {
        key: ("question", np.array([getattr(q, key) for q in study.questions], dtype=object))
        for key in ("hold", "nudge", "target")
    }
    return {"question": ("question", list(range(len(study.questions)))), **parts}


def _provenance(study: LandscapeStudy, model_hash: str) -> dict[str, str]:
    return {
        "study": study.name,
        "study_hash": study.fingerprint,
        "title": study.title,
        "source": study.source,
        "model": study.model,
        "model_hash": model_hash,
        "causalopt": version("causalopt"),
        "numpy": version("numpy"),
        "python": platform.python_version(),
    }
