"""How long does a network depend on where its training began?

n is the hidden layer's initial weights, A the updates: without them a start would stay for ever, so
that Comp of the parameters on themselves is 1 before training, and Comp of the outputs is what
training has left of what the start meant for them.

Source: Hypotheses about Finding Knowledge and One-Shot Causal Entanglements, Properties of
"Learning".
"""

from __future__ import annotations

import dataclasses

import numpy as np

from causalopt.engine.arrays.array_course import rows
from causalopt.engine.arrays.array_forward import ArraySeed, tangents_of
from causalopt.engine.arrays.array_plan import ArrayPlan
from causalopt.engine.contract import Floats
from causalopt.knowledge.data_influence import UPDATES
from causalopt.knowledge.digit_network import LAYERS, DigitSetting, digit_network
from causalopt.knowledge.digit_phases import DigitPhases, streams
from causalopt.knowledge.forks import pruned_plan

_FINITE = 1e-6  # of a standard normal number; a weight begins at about 0.05


@dataclasses.dataclass(frozen=True, eq=False)
class StartInfluence:
    """Comp of the initial weights of the hidden layer, by root mean squares over random directions.

    Attributes:
        steps: The last step of each window, axis (window,).
        weights: Comp on the weights at the windows' last steps: norm of X over norm of Y, which is
            that of the nudge.
        outputs: Comp on the outputs, over all images of a window.
    """

    steps: np.ndarray
    weights: Floats
    outputs: Floats


def start_influence(
    phases: DigitPhases,
    setting: DigitSetting,
    seed: int,
    *,
    steps: int = 980,
    window: int = 70,
    directions: int = 4,
) -> StartInfluence:
    """Carry tangents of the initial weights through training.

    Outputs at one step are those of one image; a window gathers the squares of many.

    Args:
        phases: The images.
        setting: The network.
        seed: Which initial weights, and which directions.
        steps: How many; fewer where phase 1 is shorter.
        window: How many steps the outputs are gathered over.
        directions: How many random directions of the weights stand for all.
    """
    model = digit_network(setting, phases.first.images.shape[1], phases.half)
    given = streams(phases.first)
    count = min(steps, len(given["x"])) // window * window
    hold = model.selection(UPDATES)
    plan, draw = pruned_plan(model, given, count - 1, seed, {}, (*LAYERS, "o"), hold)
    nudge = np.random.default_rng([seed, 2]).standard_normal(
        (directions, *plan.template.by_name["W1"].shape)
    )
    found = tangents_of(plan, ArraySeed("W1", 0, nudge), "o", (), draw)
    sizes = np.exp2(2.0 * found.exponents) * np.stack(
        [(one**2).sum(axis=(1, 2)) for one in (found.total, found.direct)], axis=1
    )
    gathered = sizes.reshape(-1, window, 2).sum(axis=1)
    moved = _moved_weights(plan, nudge, window)
    return StartInfluence(
        steps=np.arange(window - 1, count, window),
        weights=np.sqrt(moved / (nudge**2).sum()),
        outputs=np.sqrt(gathered[:, 0] / gathered[:, 1]),
    )


def _moved_weights(plan: ArrayPlan, nudge: Floats, window: int) -> Floats:
    """Return the squares of what finite nudges of the start have become at windows' last steps.

    Tangents of all weights at all steps would not fit into memory; Y is the nudge itself.
    """
    total = np.zeros((plan.steps + 1) // window)
    start = plan.initial["W1"][0]
    for direction in nudge:
        other = dataclasses.replace(
            plan, initial={**plan.initial, "W1": [start + _FINITE * direction]}
        )
        for t, (row, moved) in enumerate(zip(rows(plan), rows(other), strict=True)):
            if t % window == window - 1:
                apart = (moved["ref", "W1", 0] - row["ref", "W1", 0]) / _FINITE
                total[t // window] += float((apart**2).sum())
    return total
