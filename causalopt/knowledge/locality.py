"""Do local changes of the data make local changes of the parameters?

Source: Hypotheses about Finding Knowledge and One-Shot Causal Entanglements, the first hypothesis.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from causalopt.datasets.image_set import ImageSet
from causalopt.engine.contract import Floats
from causalopt.knowledge.digit_network import LAYERS, NetworkSetting, digit_network
from causalopt.knowledge.digit_phases import DigitPhases, streams
from causalopt.knowledge.forks import shared_past

CHANGES = ("patch on the 1s", "noise on the 1s", "patch anywhere", "noise anywhere")
PHOTOSHOPPED = 1  # the digit that is changed


@dataclasses.dataclass(frozen=True)
class Locality:
    """How local the change of the parameters is that a change of the data makes.

    Attributes:
        size: Of the change of all parameters: its Euclidean norm.
        weights: The participation ratio of the change over the hidden layer's weights.
        units: Over hidden units, each with the squared change of its weights and bias.
        elsewhere: Over the weights of pixels outside the patch.
    """

    size: float
    weights: float
    units: float
    elsewhere: float


def participation_ratio(sizes: Floats) -> float:
    """Return (sum s)^2/(n sum s^2): the share of n places over which squared sizes s are spread.

    1 where all are alike, 1/n where one has all; 1/3 for the squares of many normal numbers.

    Example:
        >>> participation_ratio(np.array([4.0, 4.0, 0.0, 0.0]))
        0.5
    """
    flat = np.ravel(sizes)
    square = float(flat @ flat)
    return float(flat.sum()) ** 2 / (flat.size * square) if square else float("nan")


def patch(shape: tuple[int, int]) -> np.ndarray:
    """Return the pixels of a square patch in the upper right quarter, axis (pixel,)."""
    rows, columns = shape
    side = max(1, rows // 9)
    mask = np.zeros(shape, dtype=bool)
    top, left = rows // 4, 5 * columns // 8
    mask[top : top + side, left : left + side] = True
    return mask.ravel()


def changed_images(images: ImageSet, seed: int) -> dict[str, Floats]:
    """Return, for each kind of change, the stream x of the changed images.

    Every kind changes equally many images, by changes of the same norms: a lit patch on all 1s, as
    one photoshops a third eye on all dogs; a random direction of pixels on the same images; the
    patch on as many images of any digit; random directions on those.

    Args:
        images: Images of 1, 7, 6 and 8.
        seed: Which images and directions are drawn.
    """
    x = streams(images)["x"]
    random = np.random.default_rng([seed, 1])
    ones = np.flatnonzero(images.labels == PHOTOSHOPPED)
    anywhere = np.sort(random.permutation(len(x))[: len(ones)])
    lit = patch(images.shape)
    painted = np.where(lit, 1.0, x[ones]) - x[ones]
    norms = np.linalg.norm(painted, axis=1, keepdims=True)
    found = {}
    for name in CHANGES:
        places = ones if name.endswith("1s") else anywhere
        change = np.where(lit, 1.0, x[places]) - x[places]
        if name.startswith("noise"):
            change = random.standard_normal(painted.shape)
        change *= norms / np.maximum(np.linalg.norm(change, axis=1, keepdims=True), 1e-300)
        found[name] = x.copy()
        found[name][places] += change
    return found


def locality(phases: DigitPhases, setting: NetworkSetting, seed: int) -> dict[str, Locality]:
    """Train on the data and on each change of them, from the same start in the same order.

    Returns:
        Kind of change -> how local the change of the final parameters is; beside the changes of
        the data, "training" itself: the final parameters less the initial ones.
    """
    model = digit_network(setting, phases.first.images.shape[1], phases.half)
    given = streams(phases.first)
    past = shared_past(model, given, seed=seed, wanted=LAYERS)
    end = {layer: past.last(layer) for layer in LAYERS}
    first = {name: values[:1] for name, values in given.items()}
    start = shared_past(model, first, seed=seed, wanted=LAYERS)
    lit = patch(phases.first.shape)
    found = {}
    for name, x in changed_images(phases.first, seed).items():
        other = shared_past(model, given | {"x": x}, seed=seed, wanted=LAYERS)
        found[name] = _locality({k: other.last(k) - end[k] for k in LAYERS}, lit)
    found["training"] = _locality({k: end[k] - start.last(k) for k in LAYERS}, lit)
    return found


def _locality(change: Mapping[str, Floats], lit: np.ndarray) -> Locality:
    weights = change["W1"] ** 2
    units = weights.sum(axis=1) + change["b1"] ** 2
    return Locality(
        size=float(np.sqrt(sum((layer**2).sum() for layer in change.values()))),
        weights=participation_ratio(weights),
        units=participation_ratio(units),
        elsewhere=participation_ratio(weights[:, ~lit]),
    )
