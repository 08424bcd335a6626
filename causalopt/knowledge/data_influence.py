"""Does an element of the data that updates a parameter much also decide its final value?

By one adjoint through training: derivatives of final values by every pixel of every image.

Source: Hypotheses about Finding Knowledge and One-Shot Causal Entanglements, the second hypothesis.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from causalopt.engine.arrays.array_backward import adjoint_of
from causalopt.engine.contract import Floats
from causalopt.extras import need
from causalopt.knowledge.digit_network import LAYERS, NetworkSetting, digit_network
from causalopt.knowledge.digit_phases import DigitPhases, streams
from causalopt.knowledge.forks import pruned_plan, shared_past
from causalopt.knowledge.profile_correlations import correlation, correlation_given

UPDATES = ("dW1", "db1", "dW2", "db2")


@dataclasses.dataclass(frozen=True, eq=False)
class DataInfluence:
    """Update sizes beside counterfactual derivatives, image by image.

    Attributes:
        bias_updates: The size of the update of each measured hidden bias by each image, axes
            (t, unit).
        bias_influence: The norm over pixels of the final bias's derivative by the image, likewise.
        updates: The norm of the update of all parameters by each image, axis (t,).
        influence: The norm over pixels of the derivative of the last step's outputs, o[0] - o[1].
    """

    bias_updates: Floats
    bias_influence: Floats
    updates: Floats
    influence: Floats

    @property
    def of_biases(self) -> float:
        """Spearman's rank correlation over images, the mean over the measured biases."""
        return _mean_rank(self.bias_updates, self.bias_influence)

    @property
    def of_biases_given_step(self) -> float:
        """The same with the step controlled for."""
        return _mean_rank(self.bias_updates, self.bias_influence, given_step=True)

    @property
    def of_outputs(self) -> float:
        """Spearman's rank correlation over images of update and influence on the outputs."""
        return rank_correlation(self.updates, self.influence)

    @property
    def of_outputs_given_step(self) -> float:
        """The same with the step controlled for."""
        return rank_correlation(self.updates, self.influence, given_step=True)


def data_influence(
    phases: DigitPhases, setting: NetworkSetting, seed: int, *, steps: int = 490, units: int = 4
) -> DataInfluence:
    """Train for some steps, and pass back what the final values depend on.

    Args:
        phases: The images.
        setting: The network.
        seed: Which initial weights.
        steps: The last step; fewer where phase 1 is shorter.
        units: How many hidden biases are measured.
    """
    model = digit_network(setting, phases.first.images.shape[1], phases.half)
    steps = min(steps, len(phases.first) - 1)
    data = {name: values[: steps + 1] for name, values in streams(phases.first).items()}
    ran = shared_past(model, data, seed=seed, wanted=LAYERS, keep=("db1", "x", "h", "db2"))
    hold = model.selection(UPDATES)
    plan, draw = pruned_plan(model, data, steps, seed, {}, (*LAYERS, "o"), hold)
    directions = {"b1": np.eye(units, setting.hidden), "o": np.array([[1.0, -1.0]])}
    by_image = {}
    for target, rows in directions.items():
        found = adjoint_of(plan, target, rows, ["x"], draw)
        scale = np.exp2(found.exponents[:, 0].astype(float))
        by_image[target] = np.linalg.norm(found.total["x"], axis=2)[:-1] * scale[:-1, None]
    return DataInfluence(
        bias_updates=np.abs(ran.courses["db1"][:-1, :units]),
        bias_influence=by_image["b1"],
        updates=_update_norms(ran.courses)[:-1],
        influence=by_image["o"][:, 0],
    )


def _update_norms(courses: Mapping[str, Floats]) -> Floats:
    """Return the norm of all updates of each step: a weight's is its bias's times its input."""
    squares = {name: (values**2).sum(axis=1) for name, values in courses.items()}
    hidden = squares["db1"] * (1 + squares["x"])
    return np.asarray(np.sqrt(hidden + squares["db2"] * (1 + squares["h"])))


def rank_correlation(one: Floats, other: Floats, *, given_step: bool = False) -> float:
    """Return Spearman's correlation of two courses, with their step controlled for if wanted.

    Example:
        >>> rank_correlation(np.array([1.0, 4.0, 9.0]), np.array([0.1, 0.2, 0.9]))
        1.0
    """
    need("scipy", "ranks")
    from scipy.stats import rankdata  # slow to import

    ranks = [np.asarray(rankdata(values), dtype=float) for values in (one, other)]
    if given_step:
        return correlation_given(np.arange(len(one), dtype=float), *ranks)
    return correlation(*ranks)


def _mean_rank(one: Floats, other: Floats, *, given_step: bool = False) -> float:
    """Return the mean over columns of the rank correlation; units that never move tell nothing."""
    every = [
        rank_correlation(x, y, given_step=given_step) for x, y in zip(one.T, other.T, strict=True)
    ]
    finite = [value for value in every if np.isfinite(value)]
    return float(np.mean(finite)) if finite else float("nan")
