"""Knowledge localization: does what updates a parameter tell what it comes to depend on?

Source: Knowledge Localization: Tentatively Positive Results on OCR.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from causalopt.engine.contract import Floats
from causalopt.knowledge.digit_network import LAYERS, NetworkSetting, digit_network
from causalopt.knowledge.digit_phases import FUTURES, DigitPhases, future, streams
from causalopt.knowledge.forks import SharedPast, shared_past
from causalopt.knowledge.profile_correlations import (
    brightness_correlation,
    correlation,
    correlation_given,
    correlations_of_pixels,
    within_pixels,
)

_TALLIES = ("aW1", "bW1", "ab1", "bb1")


@dataclasses.dataclass(frozen=True, eq=False)
class Localization:
    """Relative updating and relative difference of every parameter of the hidden layer.

    Attributes:
        weight_updates: a/(a + b): of the absolute updates of a weight in the counted part of
            phase 1, the share by images of 1 and 7; axes (hidden, pixel), NaN where a + b = 0.
        weight_differences: c/(c + d): c between the futures without 7 and without 1, d between
            those without 8 and without 6.
        bias_updates: Likewise of biases, axis (hidden,).
        bias_differences: Likewise.
        brightness: The share of a pixel's light that comes from 1s and 7s, axis (pixel,).
        never_lit: Which pixels are dark in all images, axis (pixel,).
        accuracy: The share of images of phase 1's second half that the network told right before
            it learned from them.
        losses: The loss at every step of phase 1, before its update.
    """

    weight_updates: Floats
    weight_differences: Floats
    bias_updates: Floats
    bias_differences: Floats
    brightness: Floats
    never_lit: np.ndarray
    accuracy: float
    losses: Floats

    @property
    def weights(self) -> float:
        """The correlation R of updates and differences over weights."""
        return correlation(self.weight_updates, self.weight_differences)

    @property
    def biases(self) -> float:
        """The same over the hidden biases."""
        return correlation(self.bias_updates, self.bias_differences)

    @property
    def by_brightness(self) -> float:
        """R of brightness alone, without any network, and the weights' differences."""
        return brightness_correlation(self.brightness, self.weight_differences)

    @property
    def given_brightness(self) -> float:
        """The weights' R with the pixel's brightness controlled for: a partial correlation."""
        return correlation_given(self.brightness, self.weight_updates, self.weight_differences)

    @property
    def within(self) -> float:
        """The weights' R over hidden units, inside pixels: all that pixels explain is gone."""
        return within_pixels(self.weight_updates, self.weight_differences)

    @property
    def heat_map(self) -> Floats:
        """R over the weights that leave a pixel, axis (pixel,)."""
        return correlations_of_pixels(self.weight_updates, self.weight_differences)


def first_phase(
    phases: DigitPhases,
    setting: NetworkSetting,
    seed: int,
    *,
    counted: int | None = None,
    keep: Sequence[str] = (),
) -> SharedPast:
    """Run phase 1; tallies count from its second half on, or from another step.

    The courses of the outputs and of the loss are kept, and those that `keep` names.
    """
    since = phases.half if counted is None else counted
    model = digit_network(setting, phases.first.images.shape[1], since)
    wanted = [*LAYERS, *_TALLIES]
    return shared_past(
        model, streams(phases.first), seed=seed, wanted=wanted, keep=("o", "loss", *keep)
    )


def futures(phases: DigitPhases, past: SharedPast) -> list[dict[str, Floats]]:
    """Return the layers at the ends of the four futures, in the order of `FUTURES`."""
    return [past.future(future(phases, labels), LAYERS) for labels in FUTURES]


def localize(
    phases: DigitPhases, setting: NetworkSetting, seed: int, *, counted: int | None = None
) -> Localization:
    """Run phase 1 and the four futures, and set updates beside differences.

    Args:
        phases: The images.
        setting: The network.
        seed: Which initial weights.
        counted: The step from which on updates are summed; half of phase 1 when None.
    """
    past = first_phase(phases, setting, seed, counted=counted)
    return compare(phases, past, futures(phases, past))


def compare(phases: DigitPhases, past: SharedPast, ends: list[dict[str, Floats]]) -> Localization:
    """Set what phase 1 summed beside what the four futures made."""
    no_7, no_1, no_8, no_6 = ends
    found: dict[str, Floats] = {}
    for layer, name in (("W1", "weight"), ("b1", "bias")):
        a, b = past.last(f"a{layer}"), past.last(f"b{layer}")
        c, d = np.abs(no_7[layer] - no_1[layer]), np.abs(no_8[layer] - no_6[layer])
        found[f"{name}_updates"] = share(a, b)
        found[f"{name}_differences"] = share(c, d)
    told = past.courses["o"].argmax(axis=1) == streams(phases.first)["y"].argmax(axis=1)
    dark = phases.first.never_lit & phases.rest.never_lit
    return Localization(
        **found,
        brightness=phases.brightness,
        never_lit=dark,
        accuracy=float(told[phases.half :].mean()),
        losses=past.courses["loss"],
    )


def share(first: Floats, second: Floats) -> Floats:
    """Return first/(first + second) of sizes, NaN where both are 0."""
    with np.errstate(invalid="ignore"):
        return np.asarray(first / (first + second))
