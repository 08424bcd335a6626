"""Best subsets by sums are those that an enumeration finds."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt.optimizers import subset_sums
from causalopt.optimizers.subset_sums import all_sums, best_subsets

SHARES = st.lists(st.integers(-40, 40), min_size=1, max_size=7).map(
    lambda values: np.array(values) / 8.0
)


def heights(shares: np.ndarray, size: int) -> list[float]:
    found = [
        abs(1 - sum(shares[i] for i in chosen))
        for k in range(1, min(size, len(shares)) + 1)
        for chosen in itertools.combinations(range(len(shares)), k)
    ]
    return sorted(found, reverse=True)


@pytest.mark.parametrize("most", [20, 0], ids=["all sums", "best first"])
@settings(max_examples=150, deadline=None)
@given(shares=SHARES, size=st.integers(1, 8), count=st.integers(1, 12))
def test_the_best_are_those_of_an_enumeration(most, shares, size, count) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subset_sums, "ALL", most)
        found, looked_at = best_subsets(shares, size, count)
    expected = heights(shares, size)
    own = [abs(1 - shares[list(chosen)].sum()) for chosen in found]
    assert own == expected[: len(found)]
    assert len(found) == min(count, len(expected))
    assert len(set(found)) == len(found)
    assert all(1 <= len(chosen) <= size for chosen in found)
    if most:
        assert looked_at == len(expected)


def test_sums_of_all_subsets_are_counted_by_bits() -> None:
    shares = np.array([0.5, -2.0, 8.0])
    for place, total in enumerate(all_sums(shares).tolist()):
        assert total == sum(shares[i] for i in range(3) if place >> i & 1)
