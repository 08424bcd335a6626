"""Blocks and chunks of a grid: every point in one, chunks made of whole blocks, none too large."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from causalopt.effects.sweeps import point_blocks
from causalopt.effects.sweeps.lane_doubts import BUDGET, chosen_to_settle
from causalopt.effects.sweeps.point_blocks import PointBlocks

shapes = st.lists(st.integers(1, 12), min_size=1, max_size=4).map(tuple)


@given(shapes, st.integers(1, 30), st.integers(1, 200))
def test_chunks_are_whole_blocks_and_cover_the_grid(
    shape: tuple[int, ...], block: int, size: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(point_blocks, "BLOCK", block)
        blocks = PointBlocks(shape)
        own = blocks.of(np.arange(math.prod(shape))).reshape(shape)
        chunk = blocks.chunk(size)
    assert set(own.ravel().tolist()) == set(range(blocks.count))
    assert (np.diff(own.ravel()) >= 0).all()
    assert np.bincount(own.ravel()).max() <= max(block, blocks.inner)
    owners: dict[int, tuple[int, ...]] = {}
    corners = [range(0, n, c) for n, c in zip(shape, chunk, strict=True)]
    for corner in itertools.product(*corners):
        part = own[tuple(slice(a, a + c) for a, c in zip(corner, chunk, strict=True))]
        flat = np.arange(own.size).reshape(shape)[
            tuple(slice(a, a + c) for a, c in zip(corner, chunk, strict=True))
        ]
        assert (np.diff(flat.ravel()) == 1).all()  # so many points in a row
        for one in set(part.ravel().tolist()):
            assert owners.setdefault(one, corner) == corner
    assert len(owners) == blocks.count


@pytest.mark.parametrize(
    ("shape", "size", "chunk"),
    [
        ((10**9,), 10**6, (1_003_520,)),  # rounded up to whole blocks of 4,096
        ((1000, 1000), 10**5, (100, 1000)),
        ((3, 50, 2), 10**6, (3, 50, 2)),
        ((5, 10_000), 100, (1, 4096)),
        ((7, 1, 1), 1, (7, 1, 1)),
    ],
)
def test_chunks_of_known_grids(shape: tuple[int, ...], size: int, chunk: tuple[int, ...]) -> None:
    assert PointBlocks(shape).chunk(size) == chunk


def test_a_block_with_few_doubts_settles_all_and_one_with_many_a_share() -> None:
    """By hand: 1,000 blocks of a budget that runs 800 points, 12 where doubts are few."""
    each = BUDGET // 800
    few, many = [3] * 12, [7] * 13
    chosen = chosen_to_settle(np.array(few + many), 1000, each)
    assert chosen.tolist() == [True] * 12 + [True] + [False] * 12


def test_one_block_has_the_whole_budget() -> None:
    chosen = chosen_to_settle(np.zeros(900, dtype=np.int64), 1, BUDGET // 800)
    assert chosen.sum() == 800
    assert chosen[:800].all()
