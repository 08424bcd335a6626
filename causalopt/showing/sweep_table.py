"""A sweep's table: value, Comp, Op and status at some points of its grid."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from typing import Any

import numpy as np

from causalopt import extras
from causalopt.display.summary import Summary, summary_of
from causalopt.display.table import Table, spread_places
from causalopt.effects.ensembles.sweep_ensemble import SweepEnsemble
from causalopt.effects.sweeps.sweep import Sweep
from causalopt.results import picture, plot, summary

_MOST_DRAWN = 250_000
_POINTS = ("values", "total", "direct", "comp", "op", "slopes", "codes")


@summary.register(Sweep)
def sweep_summary(sweep: Sweep, **_options: Any) -> Summary:
    """Return a sweep's short text with its table."""
    return summary_of(repr(sweep), sweep_table(sweep))


def sweep_table(sweep: Sweep) -> Table:
    """Return the first point of the grid, the last, and some evenly between."""
    names, axes = list(sweep.axes), list(sweep.axes.values())
    size = sweep.codes.size
    chosen = spread_places(size)
    rows = []
    for place in chosen:
        at = np.unravel_index(place, sweep.shape)
        numbers = [axis[k] for axis, k in zip(axes, at, strict=True)]
        numbers += [found[at] for found in (sweep.values, sweep.comp, sweep.op)]
        rows.append([*(f"{number:.6g}" for number in numbers), str(sweep.status_at(at))])
    more = f"{len(chosen)} of {size:,} points" if len(chosen) < size else ""
    return Table([*names, f"W {sweep.target}", "Comp", "Op", "status"], rows, more=more)


@summary.register(SweepEnsemble)
def sweep_ensemble_summary(found: SweepEnsemble, **_options: Any) -> Summary:
    """Return a short text with Op's mean, its interval and quantiles at points of the grid."""
    return summary_of(repr(found), sweep_ensemble_table(found))


def sweep_ensemble_table(found: SweepEnsemble) -> Table:
    """Return a row a point of the grid: the first, the last, and some evenly between."""
    names, axes, spread = list(found.axes), list(found.axes.values()), found.spread
    size = math.prod(found.shape)
    statuses = found.status.reshape(len(found.seeds), size)
    chosen = spread_places(size)
    rows = []
    for place in chosen:
        at = np.unravel_index(place, found.shape)
        numbers = [axis[k] for axis, k in zip(axes, at, strict=True)]
        numbers += [part[at] for part in (spread.mean, spread.mean_low, spread.mean_high)]
        numbers += [quantile[at] for quantile in spread.quantiles]
        counts = Counter(map(str, statuses[:, place])).most_common()
        status = ", ".join(f"{name} {count}" for name, count in counts)
        rows.append([*(f"{number:.6g}" for number in numbers), status])
    quantiles = [f"{100 * p:g} %" for p in found.probabilities]
    more = f"{len(chosen)} of {size:,} points" if len(chosen) < size else ""
    return Table([*names, "mean Op", "low", "high", *quantiles, "status"], rows, more=more)


@picture.register(Sweep)
def sweep_picture(sweep: Sweep) -> str:
    """Return a sweep's figure; of many points, every so many along each axis."""
    every = 1
    while sweep.codes.size / every ** len(sweep.axes) > _MOST_DRAWN:
        every += 1
    if every > 1:
        cut = (slice(None, None, every),) * len(sweep.axes)
        axes = {name: values[::every] for name, values in sweep.axes.items()}
        points: dict[str, Any] = {name: getattr(sweep, name)[cut] for name in _POINTS}
        sweep = dataclasses.replace(sweep, axes=axes, **points)
    module = extras.load("causalopt.showing.inline_figure")
    return str(module.inline_figure(plot(sweep)))
