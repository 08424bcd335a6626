"""Selecting, shuffling and writing images loses none and invents none."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from causalopt import FileError, ImageSet, QuestionError
from causalopt.worlds.streams import uniforms

LABELS = [0, 0, 0, 4, 4, 9, 9, 9, 9, 9]


@pytest.fixture
def ten() -> ImageSet:
    """Image i has i/10 in its first pixel, 0 in its second and 1 in its last."""
    images = [[i / 10, 0, 1] for i in range(10)]
    return ImageSet(np.array(images), np.array(LABELS), (1, 3), "by hand")


def numbers(found: ImageSet) -> list[int]:
    """Return which images these are."""
    return [round(10 * brightness) for brightness in found.images[:, 0].tolist()]


def test_labels_are_counted_and_numbered(ten: ImageSet) -> None:
    assert len(ten) == 10
    assert ten.counts == {0: 3, 4: 2, 9: 5}
    assert ten.classes.tolist() == [0, 0, 0, 1, 1, 2, 2, 2, 2, 2]
    assert ten.never_lit.tolist() == [False, True, False]


def test_selected_are_all_images_with_a_label_and_no_other(ten: ImageSet) -> None:
    found = ten.of([9, 0])
    assert numbers(found) == [0, 1, 2, 5, 6, 7, 8, 9]
    assert found.labels.tolist() == [0, 0, 0, 9, 9, 9, 9, 9]
    assert found.classes.tolist() == [0, 0, 0, 1, 1, 1, 1, 1]
    assert (found.shape, found.source) == ((1, 3), "by hand")
    with pytest.raises(QuestionError, match="no image has the label 1; known here: 0, 4, 9"):
        ten.of([0, 1])


def test_an_epoch_has_every_image_once_with_its_label(ten: ImageSet) -> None:
    found = ten.shuffled(5, steps=30)
    epochs = np.array(numbers(found)).reshape(3, 10)
    assert np.sort(epochs, axis=1).tolist() == [list(range(10))] * 3
    assert found.labels.tolist() == [LABELS[i] for i in epochs.ravel()]
    assert len({tuple(epoch) for epoch in epochs.tolist()}) == 3


def test_more_steps_continue_the_same_order(ten: ImageSet) -> None:
    long = numbers(ten.shuffled(5, steps=25))
    assert numbers(ten.shuffled(5)) == long[:10]
    assert numbers(ten.shuffled(5, steps=13)) == long[:13]


def test_the_order_is_that_of_the_counter_streams(ten: ImageSet) -> None:
    site = 0x73687566666C65  # "shuffle"
    drawn = uniforms(5, np.arange(10, dtype=np.uint64), 1, site)
    assert numbers(ten.shuffled(5, steps=20))[10:] == sorted(range(10), key=lambda i: drawn[i])


def test_all_orders_are_equally_likely() -> None:
    three = ImageSet(np.array([[0.0], [0.1], [0.2]]), np.zeros(3, dtype=int), (1, 1), "by hand")
    orders = [tuple(numbers(three.shuffled(seed))) for seed in range(6000)]
    counts = np.unique(orders, axis=0, return_counts=True)[1]
    # Chi-squared with 5 degrees of freedom exceeds 20.5 once in a thousand.
    assert len(counts) == 6
    assert ((counts - 1000) ** 2 / 1000).sum() < 20.5


@pytest.mark.parametrize(("seed", "steps"), [(-1, 5), (2**64, 5), (0, 0), (0, -3)])
def test_what_is_no_seed_or_no_number_of_steps_is_refused(
    ten: ImageSet, seed: int, steps: int
) -> None:
    with pytest.raises(QuestionError, match=r"came$"):
        ten.shuffled(seed, steps=steps)
    with pytest.raises(QuestionError, match="1 step or more of 1 image or more"):
        ten.of([]).shuffled(0)


def test_the_digest_is_that_of_images_and_labels_in_order(ten: ImageSet) -> None:
    by_hand = np.array([[i / 10, 0, 1] for i in range(10)], dtype="<f8").tobytes()
    by_hand += np.array(LABELS, dtype="<i8").tobytes()
    assert ten.sha256 == hashlib.sha256(by_hand).hexdigest()
    others = [ten.shuffled(1), ten.of([0, 9]), ten.shuffled(2)]
    assert len({ten.sha256, *(other.sha256 for other in others)}) == 4


def test_images_cannot_be_changed_and_do_not_change_what_they_were_made_of() -> None:
    images = np.zeros((2, 1))
    found = ImageSet(images, np.array([0, 1]), (1, 1), "by hand")
    with pytest.raises(ValueError, match="read-only"):
        found.images[0, 0] = 1
    images[0, 0] = 1
    assert found.images.tolist() == [[0], [0]]


def test_sizes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(QuestionError, match=r"\(image, pixel\) = \(2, 4\); \(2, 3\) came"):
        ImageSet(np.zeros((2, 3)), np.array([0, 1]), (2, 2), "by hand")
    with pytest.raises(QuestionError, match=r"\(1, 4\); \(2, 4\) came"):
        ImageSet(np.zeros((2, 4)), np.array([0]), (2, 2), "by hand")


def test_an_npz_file_has_images_labels_and_classes(ten: ImageSet, tmp_path: Path) -> None:
    ten.of([4, 9]).to_npz(tmp_path / "train.npz")
    with np.load(tmp_path / "train.npz", allow_pickle=False) as found:
        assert sorted(found) == ["classes", "images", "labels"]
        assert np.rint(found["images"][:, 0] * 10).tolist() == [3, 4, 5, 6, 7, 8, 9]
        assert found["labels"].tolist() == [4, 4, 9, 9, 9, 9, 9]
        assert found["classes"].tolist() == [0, 0, 1, 1, 1, 1, 1]


def test_the_same_images_give_the_same_file(ten: ImageSet, tmp_path: Path) -> None:
    for name in ("a.npz", "b.npz"):
        ten.shuffled(3).to_npz(tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_a_file_that_cannot_be_written_is_named(ten: ImageSet, tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"train.txt' must end in \.npz"):
        ten.to_npz(tmp_path / "train.txt")
    with pytest.raises(FileError, match="cannot write"):
        ten.to_npz(tmp_path / "nowhere" / "train.npz")
    assert list(tmp_path.iterdir()) == []
