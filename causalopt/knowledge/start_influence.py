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

from causalopt.engine.arrays.array_forward import ArraySeed, TangentStretches
from causalopt.engine.arrays.array_step import KINDS
from causalopt.engine.arrays.array_stretches import blocks
from causalopt.engine.contract import Floats
from causalopt.knowledge.data_influence import UPDATES
from causalopt.knowledge.digit_network import LAYERS, NetworkSetting, digit_network
from causalopt.knowledge.digit_phases import DigitPhases, streams
from causalopt.knowledge.forks import pruned_plan


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
    setting: NetworkSetting,
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
    keys = [(kind, name, 0) for name in ("W1", "o") for kind in KINDS]
    world = TangentStretches(plan, ArraySeed("W1", 0, nudge), draw, wanted=keys)
    sizes = np.zeros((count, 4))
    for first, block in blocks(world, keys):
        for place, key in enumerate(keys):
            values = block[key].reshape(world.t - first, -1)
            sizes[first : world.t, place] = np.sum(values**2, axis=1)
    sizes *= np.tile(np.exp2(2.0 * world.exponents), 2)
    windows = sizes.reshape(-1, window, 4)
    gathered = windows.sum(axis=1)
    return StartInfluence(
        steps=np.arange(window - 1, count, window),
        weights=np.sqrt(windows[:, -1, 0] / windows[:, -1, 1]),
        outputs=np.sqrt(gathered[:, 2] / gathered[:, 3]),
    )
