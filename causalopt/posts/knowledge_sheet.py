"""What the posts on knowledge are shown: MNIST's images, or a stand-in for them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from causalopt.datasets.collection import kept_file, load_images
from causalopt.errors import FileError, MissingPackageError
from causalopt.knowledge.seed_intervals import Interval, interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from causalopt.datasets.image_set import ImageSet
    from causalopt.knowledge.seed_numbers import Table
    from causalopt.posts.check import Value
    from causalopt.posts.sheet import Sheet

FETCH = "`causalopt data mnist` fetches MNIST's images"
STAND_IN = f"not MNIST but scikit-learn's 8 x 8 digits, for MNIST is not here: {FETCH}. "
SEEDS = 20


@dataclasses.dataclass(frozen=True)
class Shown:
    """A sheet, and the images that its checks are made on.

    Attributes:
        sheet: Where checks and pictures are written.
        images: What the network is shown.
        is_mnist: Whether these are MNIST's, which the posts speak of; no check agrees on others.
    """

    sheet: Sheet
    images: ImageSet
    is_mnist: bool

    def check(
        self, name: str, claimed: Value, computed: Value, agrees: bool | np.bool_, note: str
    ) -> None:
        """Set a claim beside what is found; on a stand-in it says so and does not agree."""
        said = note if self.is_mnist else STAND_IN + note
        self.sheet.claim(name, claimed, computed, self.is_mnist and bool(agrees), said)

    @property
    def seeds(self) -> range:
        """The seeds that intervals are over."""
        return range(SEEDS)


def shown(sheet: Sheet) -> Shown | None:
    """Return the sheet with MNIST's images, or with scikit-learn's digits where they are not here.

    Where neither is, one check says so, and None is returned.
    """
    try:
        return Shown(sheet, load_images("mnist"), is_mnist=True)
    except FileError as error:
        missing = str(error)
    try:
        return Shown(sheet, load_images("digits"), is_mnist=False)
    except MissingPackageError as error:
        found: ImageSet | None = None
        note = f"{missing}; {error}"
        sheet.claim("images", "MNIST", "nothing was computed", found is not None, note)
        return None


def image_files() -> list[Path]:
    """Return the file of MNIST's images where it is kept: findings depend on it."""
    file = kept_file("mnist")
    return [] if file is None else [file]


def mean_of(table: Table, name: str) -> Interval:
    """Return the mean and interval of one number over the seeds."""
    return interval(table[name])


def words(tables: Sequence[tuple[str, Interval]]) -> str:
    """Return named intervals as text."""
    return ", ".join(f"{name} {one}" for name, one in tables)
