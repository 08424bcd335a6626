"""Labelled images: selected by label, put in an order that a seed names, written for a model."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import io
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from causalopt.errors import FileError, QuestionError, SizeError, suggestion
from causalopt.model.files import write_whole
from causalopt.results import Displayed
from causalopt.worlds.streams import MASK, uniforms

if TYPE_CHECKING:
    from pathlib import Path

LARGEST_BYTES = 4 << 30  # of the images that a stream holds
# The site of the draws, so that a model's noise of the same seed draws other numbers.
_SITE = int.from_bytes(b"shuffle", "big")


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class ImageSet(Displayed):
    """Images with the label of each, in the order in which they are given to a network.

    Args:
        images: Brightness from 0 to 1, axes (image, pixel), pixels row by row.
        labels: What each image shows, whole numbers, axis (image,).
        shape: Rows and columns of an image; their product is the number of pixels.
        source: Where the images come from, in words.

    Raises:
        QuestionError: The sizes do not fit together.

    Example:
        >>> found = ImageSet([[0.0, 1.0], [0.5, 0.0]], [7, 1], (1, 2), "by hand")
        >>> found.of([1]).images.tolist(), found.counts
        ([[0.5, 0.0]], {1: 1, 7: 1})
    """

    images: NDArray[np.float64]
    labels: NDArray[np.int64]
    shape: tuple[int, int]
    source: str

    def __post_init__(self) -> None:
        images = np.array(self.images, dtype=np.float64, ndmin=2)
        labels = np.array(self.labels, dtype=np.int64)
        expected = (len(labels), self.shape[0] * self.shape[1])
        if images.shape != expected:
            raise QuestionError(
                f"{len(labels)} labels and pictures of {self.shape[0]} x {self.shape[1]} need "
                f"images of the axes (image, pixel) = {expected}; {images.shape} came"
            )
        for name, array in (("images", images), ("labels", labels)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    def __repr__(self) -> str:
        rows, columns = self.shape
        counts = ", ".join(f"{label}: {count}" for label, count in self.counts.items())
        return f"{len(self)} images of {rows} x {columns}, from {self.source}\n  {counts}"

    def __len__(self) -> int:
        return len(self.labels)

    @functools.cached_property
    def sha256(self) -> str:
        """The digest of images (little-endian floats) and labels (64-bit integers), in order."""
        digest = hashlib.sha256(self.images.astype("<f8").tobytes())
        digest.update(self.labels.astype("<i8").tobytes())
        return digest.hexdigest()

    @property
    def counts(self) -> dict[int, int]:
        """Label -> how many images have it, labels ascending."""
        labels, counts = np.unique(self.labels, return_counts=True)
        return dict(zip(labels.tolist(), counts.tolist(), strict=True))

    @property
    def classes(self) -> NDArray[np.int64]:
        """The place of each image's label among those that occur, ascending, axis (image,)."""
        return np.unique(self.labels, return_inverse=True)[1].astype(np.int64)

    @property
    def never_lit(self) -> NDArray[np.bool_]:
        """Which pixels are 0 in every image, axis (pixel,)."""
        return np.asarray(self.images.max(axis=0, initial=0) == 0, dtype=np.bool_)

    def of(self, labels: Sequence[int]) -> ImageSet:
        """Return the images with one of these labels, in the order in which they stand here.

        Raises:
            QuestionError: No image has one of the labels.
        """
        known_labels = self.counts
        for label in labels:
            if label not in known_labels:
                known = suggestion("", map(str, known_labels))
                raise QuestionError(f"no image has the label {label}{known}")
        return self._at(np.flatnonzero(np.isin(self.labels, np.asarray(labels, dtype=np.int64))))

    def shuffled(self, seed: int, *, steps: int | None = None) -> ImageSet:
        """Return the images in a random order, one epoch or as many as the steps need.

        In each epoch every image comes once. The order of an epoch is that of numbers drawn for
        (seed, image, epoch) from counter-based streams: more steps continue the same order.

        Args:
            seed: 0 to 2^64 - 1.
            steps: How many images are returned; all of them, once, when not given.

        Raises:
            QuestionError: The seed or the number of steps is none, or there is no image.
            SizeError: So many images take too much memory.
        """
        if not 0 <= seed <= MASK:
            raise QuestionError(f"a seed is an integer from 0 to 2^64 - 1; {seed} came")
        count = len(self) if steps is None else steps
        if count < 1 or not len(self):
            raise QuestionError(f"1 step or more of 1 image or more; {count} of {len(self)} came")
        size = count * self.images[0].nbytes
        if size > LARGEST_BYTES:
            raise SizeError(
                f"{count} images take {size / 2**30:.1f} GiB, and at most "
                f"{LARGEST_BYTES >> 30} GiB are given: ask for fewer steps"
            )
        number = np.arange(len(self), dtype=np.uint64)
        epochs = [
            np.argsort(uniforms(seed, number, epoch, _SITE), kind="stable")
            for epoch in range(-(-count // len(self)))
        ]
        return self._at(np.concatenate(epochs)[:count])

    def to_npz(self, path: str | os.PathLike[str]) -> None:
        """Write `images`, `labels` and `classes` to an npz file, whole or not at all.

        A model file takes them as streams: `data: "train.npz#images"`.

        Raises:
            FileError: The file cannot be written, or does not end in .npz.
        """
        if not os.fspath(path).endswith(".npz"):
            raise FileError(f"'{os.fspath(path)}' must end in .npz")
        write_arrays(path, images=self.images, labels=self.labels, classes=self.classes)

    def _at(self, places: NDArray[np.intp]) -> ImageSet:
        return dataclasses.replace(self, images=self.images[places], labels=self.labels[places])


def write_arrays(path: str | os.PathLike[str] | Path, **arrays: NDArray[np.generic]) -> None:
    """Write arrays to an npz file, whole or not at all.

    Raises:
        FileError: The file cannot be written.
    """
    stream = io.BytesIO()
    np.savez_compressed(stream, allow_pickle=False, **arrays)
    write_whole(path, stream.getvalue())
