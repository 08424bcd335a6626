"""Where a store's numbers lie, and what the bytes of a chunk are."""

from __future__ import annotations

import math
import pickle
import struct
import zlib

import numpy as np
import pytest
from google_crc32c import value as crc32c

from causalopt.sweeps.store_layout import BLOCK, StoreLayout, decode, encode
from tests.sweeps.counted_plan import CountedPlan


def test_tasks_are_numbered_in_c_order_over_the_grid_of_chunks() -> None:
    layout = StoreLayout.of(CountedPlan(shape=(5, 7, 4), chunk=(1, 3, 4), dims=("a", "b", "c")))
    assert layout.grid == (5, 3, 1)
    places = [layout.place(task) for task in range(layout.task_count)]
    assert places == [(a, b, 0) for a in range(5) for b in range(3)]
    assert layout.slices(5) == (slice(1, 2), slice(6, 7), slice(0, 4))
    assert layout.key("value", 5) == "value/c/1/2/0"
    covered = np.zeros((5, 7, 4), int)
    for task in range(layout.task_count):
        covered[layout.slices(task)] += 1
    assert (covered == 1).all()


@pytest.mark.parametrize("task", [-1, 4, 10**9])
def test_a_task_that_is_not_there_is_an_error(task: int) -> None:
    with pytest.raises(IndexError, match="tasks are 0 to 3"):
        StoreLayout.of(CountedPlan()).place(task)


def test_a_chunk_is_little_endian_numbers_and_their_checksum() -> None:
    content = encode(np.array([1.5, -2.0]), "f8", (2,))
    body = struct.pack("<2d", 1.5, -2.0)
    assert content == body + struct.pack("<I", crc32c(body))
    assert content[-4:] != struct.pack("<I", zlib.crc32(body))  # Castagnoli's, not zip's


def test_a_chunk_at_the_edge_is_filled_up_with_what_missing_is() -> None:
    floats = np.frombuffer(encode(np.ones((1, 2)), "f8", (2, 2))[:-4])
    assert floats[:2].tolist() == [1, 1]
    assert np.isnan(floats[2:]).all()
    assert list(encode(np.zeros(1, np.int8), "i1", (3,))[:-4]) == [0, 255, 255]


def test_all_nans_are_one() -> None:
    strange = np.array([0xFFF8000000000001, 0x7FF8000000000000], np.uint64).view(float)
    assert encode(strange, "f8", (2,)) == encode(np.array([math.nan] * 2), "f8", (2,))
    assert encode(np.array([-0.0]), "f8", (1,)) != encode(np.array([0.0]), "f8", (1,))


@pytest.mark.parametrize("cut", [0, 1, 5, 16])
def test_a_chunk_that_was_cut_is_damaged(cut: int) -> None:
    content = encode(np.array([1.5, -2.0]), "f8", (2,))
    assert decode(content[: len(content) - 1 - cut], "f8", (2,)) is None


def test_one_bit_makes_a_chunk_damaged() -> None:
    content = bytearray(encode(np.array([1.5, -2.0]), "f8", (2,)))
    found = decode(bytes(content), "f8", (2,))
    assert found is not None
    assert found.tolist() == [1.5, -2.0]
    content[3] ^= 4
    assert decode(bytes(content), "f8", (2,)) is None


def test_a_layout_says_itself_and_is_small() -> None:
    layout = StoreLayout.of(CountedPlan(shape=(10**6, 10**3), chunk=(1, 1)))
    assert StoreLayout.from_text(layout.to_text()) == layout
    assert layout.task_count == 10**9
    assert len(pickle.dumps(layout)) < 2000
    assert layout.place(10**9 - 1) == (10**6 - 1, 999)


def test_names_of_the_ledger_give_way_to_swept_axes() -> None:
    layout = StoreLayout.of(CountedPlan(dims=("task", "done")))
    assert layout.books["task"] == "task_"
    assert layout.books["done"] == "done_"
    assert layout.books["task_min"] == "task_min"
    assert layout.block_key("done", 2) == "done_/c/2"
    assert layout.block_key("task_min", 2) == "task_min/c/2/0"


def test_statuses_without_a_word_are_refused() -> None:
    plan = CountedPlan()
    layout = StoreLayout.of(plan)
    values = plan.evaluate(0)["status"].copy()
    for wrong in (-1, 3):
        values[0, 0] = wrong
        with pytest.raises(ValueError, match="words that are not there"):
            layout.encode("status", 0, values)


def test_the_size_is_that_of_the_files() -> None:
    layout = StoreLayout.of(CountedPlan())
    size, files = layout.data_size
    chunk = 18 * (8 + 8 + 1 + 1) + 4 * 4
    ledger = BLOCK * (1 + 2 * 2 * 8 + 3 * 8) + 4 * 4
    assert (size, files) == (4 * chunk + ledger, 4 * 4 + 4)
