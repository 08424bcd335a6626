"""What the network of the posts is shown: a first phase, balanced, and four futures after it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from causalopt.datasets.image_set import ImageSet
from causalopt.engine.contract import Floats
from causalopt.errors import QuestionError

FIRST, SECOND = (1, 7), (6, 8)  # what the network tells apart
FUTURES = ((1, 6, 8), (7, 6, 8), (6, 1, 7), (8, 1, 7))
_SHARE = 52  # per cent of the rarest digit's images that phase 1 takes of each digit


@dataclasses.dataclass(frozen=True, eq=False)
class DigitPhases:
    """The images of a training run, in order.

    Attributes:
        first: Those of phase 1, equally many of each digit.
        rest: The remainder.
    """

    first: ImageSet
    rest: ImageSet

    @property
    def half(self) -> int:
        """The step at which the second half of phase 1 begins."""
        return len(self.first) // 2

    @property
    def brightness(self) -> Floats:
        """The share of each pixel's light in phase 1 that comes from 1s and 7s, axis (pixel,)."""
        inputs, labels = streams(self.first)["x"], streams(self.first)["y"]
        light = labels.T @ inputs
        return np.asarray(light[0] / light.sum(axis=0))


def digit_phases(images: ImageSet, seed: int) -> DigitPhases:
    """Return the phases of a run, in a random order.

    Phase 1 takes equally many images of 1, 7, 6 and 8, 52 in 100 of those of the rarest: 490 of
    each for 10,000 images of MNIST, so 1960 in all.

    Args:
        images: Images of digits.
        seed: Which order.

    Raises:
        QuestionError: A digit has too few images.
    """
    order = images.of([*FIRST, *SECOND]).shuffled(seed)
    each = min(order.counts.values()) * _SHARE // 100
    if each < 1 or len(order.counts) < len(FIRST) + len(SECOND):
        raise QuestionError(f"each of 1, 7, 6 and 8 needs 2 images or more; found {order.counts}")
    number = np.zeros(len(order), dtype=np.int64)
    for label in order.counts:
        places = np.flatnonzero(order.labels == label)
        number[places] = np.arange(len(places))
    return DigitPhases(_part(order, number < each), _part(order, number >= each))


def _part(images: ImageSet, where: np.ndarray) -> ImageSet:
    return dataclasses.replace(images, images=images.images[where], labels=images.labels[where])


def streams(images: ImageSet) -> dict[str, Floats]:
    """Return the streams x and y: pixels from 1/256 to 1, and one-hot labels of the two classes.

    Args:
        images: Images of 1, 7, 6 and 8.
    """
    x = (images.images * 255 + 1) / 256
    y = np.stack([np.isin(images.labels, part) for part in (FIRST, SECOND)], axis=1)
    return {"x": x, "y": y.astype(float)}


def future(phases: DigitPhases, labels: Sequence[int]) -> dict[str, Floats]:
    """Return the streams of the remainder's images with these labels."""
    return streams(phases.rest.of(labels))
