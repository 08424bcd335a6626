"""The numbers of one seed: what every question of the two posts gives, by name."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence

import numpy as np

from causalopt.datasets.image_set import ImageSet
from causalopt.knowledge.data_influence import data_influence
from causalopt.knowledge.digit_network import ACTIVATIONS, COSTS, NetworkSetting
from causalopt.knowledge.digit_phases import digit_phases
from causalopt.knowledge.locality import locality
from causalopt.knowledge.localization import Localization, compare, first_phase, futures, localize
from causalopt.knowledge.start_influence import start_influence
from causalopt.knowledge.unit_matching import unit_matching

RATES = (0.03, 0.003, 0.0003)
Numbers = dict[str, float]
Table = dict[str, list[float]]


def settings(cost: str | None = None) -> list[NetworkSetting]:
    """Return every setting that is compared: activations, rates and costs.

    Args:
        cost: Those of one cost; of both when None.
    """
    costs = COSTS if cost is None else (cost,)
    every = itertools.product(costs, ACTIVATIONS, RATES)
    return [NetworkSetting(activation, one, rate) for one, activation, rate in every]


def localization_numbers(images: ImageSet, setting: NetworkSetting, seed: int) -> Numbers:
    """Return what one run of the second post's experiment gives; its seed orders the images too."""
    return numbers_of(localize(digit_phases(images, seed), setting, seed))


def numbers_of(found: Localization) -> Numbers:
    """Return correlations and shares of a run.

    Returns:
        accuracy; R of weights and biases, and their squares `weights_r2`, `biases_r2`; R of
        brightness alone, its square, R with it controlled for and R inside pixels; of the heat map
        the share above 0 and the mean R over pixels that are lit, the mean over those that never
        are, and how far these lie from R of the biases.
    """
    heat = found.heat_map
    lit, dark = heat[~found.never_lit], heat[found.never_lit]
    return {
        "accuracy": found.accuracy,
        "weights": found.weights,
        "weights_r2": found.weights**2,
        "biases": found.biases,
        "biases_r2": found.biases**2,
        "brightness": found.by_brightness,
        "brightness_r2": found.by_brightness**2,
        "given_brightness": found.given_brightness,
        "within": found.within,
        "positive": float(np.mean(lit[np.isfinite(lit)] > 0)),
        "lit": _mean(lit),
        "edge": _mean(dark),
        "identity": float(np.abs(dark - found.biases).max()) if dark.size else float("nan"),
    }


def half_numbers(images: ImageSet, setting: NetworkSetting, seed: int) -> Numbers:
    """Return R of weights and biases with the tallies over phase 1's second half, and over all."""
    phases = digit_phases(images, seed)
    second = first_phase(phases, setting, seed)
    whole = first_phase(phases, setting, seed, counted=0)
    ends = futures(phases, second)
    found = {name: compare(phases, past, ends) for name, past in (("half", second), ("all", whole))}
    losses = found["half"].losses
    quarters = losses[: len(losses) // 4 * 4].reshape(4, -1).mean(axis=1)
    return {
        **{f"weights_{name}": one.weights for name, one in found.items()},
        **{f"biases_{name}": one.biases for name, one in found.items()},
        **{f"loss_{place}": float(loss) for place, loss in enumerate(quarters)},
    }


def locality_numbers(images: ImageSet, setting: NetworkSetting, seed: int) -> Numbers:
    """Return, for each change of the data, its size and participation ratios."""
    found = locality(digit_phases(images, seed), setting, seed)
    return {
        f"{change}: {name}": value
        for change, one in found.items()
        for name, value in vars(one).items()
    }


def influence_numbers(images: ImageSet, setting: NetworkSetting, seed: int) -> Numbers:
    """Return the rank correlations of update sizes and counterfactual derivatives."""
    found = data_influence(digit_phases(images, seed), setting, seed)
    return {
        "biases": found.of_biases,
        "biases_given_step": found.of_biases_given_step,
        "outputs": found.of_outputs,
        "outputs_given_step": found.of_outputs_given_step,
    }


def matching_numbers(images: ImageSet, setting: NetworkSetting, seed: int) -> Numbers:
    """Return how alike matched units are, and what of a map is carried over."""
    found = unit_matching(digit_phases(images, seed), setting, seed)
    names = ("likeness", "chance", "best", "tuning", "knowledge")
    return {
        f"{pair}: {name}": getattr(match, name) for pair, match in found.items() for name in names
    }


def start_numbers(images: ImageSet, setting: NetworkSetting, seed: int) -> Numbers:
    """Return Comp of the initial weights on weights and outputs, by the windows' last steps."""
    found = start_influence(digit_phases(images, seed), setting, seed)
    return {
        f"{name}: {step}": float(value)
        for name in ("weights", "outputs")
        for step, value in zip(found.steps, getattr(found, name), strict=True)
    }


def _mean(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else float("nan")


@dataclasses.dataclass(frozen=True)
class Inquiry:
    """A question that is asked of many seeds.

    Attributes:
        ask: What gives one seed's numbers.
        settings: Of which networks it is asked.
    """

    ask: Callable[[ImageSet, NetworkSetting, int], Numbers]
    settings: tuple[NetworkSetting, ...]

    def over(self, images: ImageSet, setting: NetworkSetting, seeds: Sequence[int]) -> Table:
        """Return the numbers of every seed by name, in the seeds' order."""
        rows = [self.ask(images, setting, seed) for seed in seeds]
        return {name: [row[name] for row in rows] for name in rows[0]}


CHOSEN = NetworkSetting()  # the post's network at the rate that accuracy chooses among `RATES`
SLOW = NetworkSetting(rate=RATES[-1])
INQUIRIES = {
    "localization": Inquiry(localization_numbers, tuple(settings())),
    "halves": Inquiry(half_numbers, (CHOSEN, SLOW)),
    "locality": Inquiry(locality_numbers, (CHOSEN,)),
    "influence": Inquiry(influence_numbers, (CHOSEN,)),
    "matching": Inquiry(matching_numbers, (CHOSEN,)),
    "start": Inquiry(start_numbers, (CHOSEN,)),
}
