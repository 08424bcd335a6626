"""Comparisons and loop shares as labelled arrays."""

from __future__ import annotations

import platform
from importlib.metadata import version

import numpy as np
import xarray

from causalopt.comparison.comparison import Comparison
from causalopt.comparison.loop_shares import LoopShares, loop_text
from causalopt.results import labelled


@labelled.register
def comparison_dataset(comparison: Comparison) -> xarray.Dataset:
    """Return a comparison as a dataset with axes `model` and `measure`.

    Variables: `value`, `status`, `note` [model, measure]; `question`, `law` [model]; `units`,
    `source` [measure].
    """
    both = ("model", "measure")
    columns, rows = comparison.columns, comparison.rows
    return xarray.Dataset(
        {
            "value": (both, comparison.value, {"long_name": "see units and meaning"}),
            "status": (both, comparison.status),
            "note": (both, comparison.note),
        },
        coords={
            "model": [row.model for row in rows],
            "measure": [column.key for column in columns],
            "question": ("model", [row.question for row in rows]),
            "law": ("model", [row.law for row in rows]),
            "units": ("measure", [column.unit for column in columns]),
            "meaning": ("measure", [column.long_name for column in columns]),
            "source": ("measure", [column.source for column in columns]),
        },
        attrs=comparison.provenance,
    )


@labelled.register
def loop_shares_dataset(shares: LoopShares) -> xarray.Dataset:
    """Return loop shares as a dataset with axes `loop`, `link` and `t`.

    Variables: `score`, `share`, `status` [loop, t]; `link_score` [link, t].
    """
    count, width = len(shares.loops), len(shares.t)
    scores = np.array([*shares.links.values()]).reshape(len(shares.links), width)
    return xarray.Dataset(
        {
            "score": (("loop", "t"), shares.scores, {"units": "1"}),
            "share": (("loop", "t"), shares.shares, {"units": "1"}),
            "status": (("loop", "t"), shares.status.astype(object)),
            "link_score": (("link", "t"), scores, {"units": "1"}),
        },
        coords={
            "t": ("t", shares.t, {"long_name": "step"}),
            "loop": np.array([loop_text(loop) for loop in shares.loops], dtype=object).reshape(
                count
            ),
            "partition": ("loop", shares.partition),
            "link": [f"{a} -> {b}" for a, b in shares.links],
        },
        attrs={
            "model": shares.model.name,
            "model_hash": shares.model.fingerprint,
            "hold": ", ".join(shares.hold),
            "causalopt": version("causalopt"),
            "numpy": version("numpy"),
            "python": platform.python_version(),
        },
    )
