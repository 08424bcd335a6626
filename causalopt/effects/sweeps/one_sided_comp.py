"""Comp for delta -> 0 from above, at points that lie on a kink to within rounding.

There a tangent takes the side that rounding decides. `power` integrates this one.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.measures import ratios, status_codes
from causalopt.effects.sweeps.lanes import lane_effect
from causalopt.effects.sweeps.point_lanes import PointLanes
from causalopt.engine.contract import Floats

_ASIDE = 1e-6  # of the grid's spacing: how far beside a kink its one-sided slope is taken


def comp_above(work: PointLanes, comp: Floats, near: NDArray[np.intp], spacing: float) -> Floats:
    """Return Comp at every point, beside the kink where it lies on one.

    Args:
        work: The lanes, whose points differ by the starting value of n, and perhaps more.
        comp: Comp as the lanes have it, shape [point].
        near: The points that lie on a kink to within rounding.
        spacing: The grid's spacing, in units of n.
    """
    if not len(near):
        return comp
    beside = work.batch.slice(near)
    n = work.asked.nudge
    moved = (n.t, work.model.template.settable[n.variable])
    starts = {**beside.starts, moved: beside.starts[moved] + _ASIDE * spacing}
    beside = dataclasses.replace(beside, starts=starts)
    runner = work.runner.over(beside)
    slopes = comp.copy()
    for lanes in runner.tasks():
        kept = runner.run(lanes)
        effect = lane_effect(work.model, beside, kept, 0, work.paths, first=lanes.start)
        slopes[near[lanes]] = ratios(effect, status_codes(effect))[0]
    return slopes
