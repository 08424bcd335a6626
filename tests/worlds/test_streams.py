"""The streams against Random123's published vectors, and the law that only counters count."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from causalopt.errors import QuestionError
from causalopt.worlds.streams import Picks, threefry, uniforms

# Random123, tests/kat_vectors, lines "threefry2x64 20": counter, key, expected.
FULL = 0xFFFFFFFFFFFFFFFF
KNOWN = [
    ((0, 0), (0, 0), (0xC2B6E3A8C2C69865, 0x6F81ED42F350084D)),
    ((FULL, FULL), (FULL, FULL), (0xE02CB7C4D95D277A, 0xD06633D0893B8B68)),
    (
        (0x243F6A8885A308D3, 0x13198A2E03707344),
        (0xA4093822299F31D0, 0x082EFA98EC4E6C89),
        (0x263C7D30BB0F0AF1, 0x56BE8361D3311526),
    ),
]


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_threefry_gives_the_published_vectors(counter, key, expected):
    words = [np.array([word], dtype=np.uint64) for word in counter]
    found = threefry(key, *words)
    assert tuple(int(word[0]) for word in found) == expected


@given(seed=st.integers(0, FULL), first=st.integers(0, 2**40), step=st.integers(0, 2**40))
def test_a_uniform_depends_on_its_own_walker_alone(seed, first, step):
    walkers = np.arange(first, first + 5, dtype=np.uint64)
    whole = uniforms(seed, walkers, step, site=3)
    assert np.all((whole >= 0) & (whole < 1))
    assert whole[3] == uniforms(seed, walkers[3:4], step, site=3)[0]


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.25, 0.75), (1 / 3, 1 / 3, 1 / 3), (0.25,) * 4])
def test_picks_have_the_declared_shares(shares):
    picks = Picks(shares, seed=5)
    picks.start(np.arange(20_000, dtype=np.uint64))
    drawn = np.concatenate([picks.at(step) for step in range(20)])
    found = np.bincount(drawn, minlength=len(shares)) / len(drawn)
    # Five standard errors of a share of 400,000 draws.
    assert np.abs(found - shares).max() < 5 * np.sqrt(0.25 / 400_000)


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.3, 0.7)])
def test_kept_lanes_draw_what_they_would_have_drawn(shares):
    whole, part = Picks(shares, seed=9), Picks(shares, seed=9)
    walkers = np.arange(100, dtype=np.uint64)
    whole.start(walkers)
    part.start(walkers)
    lanes = np.arange(100) % 3 == 0
    for step in range(300):
        expected = whole.at(step)
        if step == 70:
            part.keep(lanes)
        found = part.at(step)
        assert np.array_equal(found, expected[lanes] if step >= 70 else expected)


def test_successive_picks_are_not_correlated():
    picks = Picks((0.5, 0.5), seed=2)
    picks.start(np.arange(50_000, dtype=np.uint64))
    drawn = np.stack([picks.at(step) for step in range(130)]).astype(float) - 0.5
    for lag in (1, 2, 64, 128):
        correlation = 4 * (drawn[:-lag] * drawn[lag:]).mean()
        assert abs(correlation) < 5 / np.sqrt(drawn[:-lag].size)


def test_a_negative_seed_is_refused():
    with pytest.raises(QuestionError, match="a seed is an integer from 0"):
        Picks((0.5, 0.5), seed=-1)
