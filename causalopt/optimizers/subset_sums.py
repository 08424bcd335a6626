"""The best subsets where effects add: no path crosses A twice, so that its share is a sum.

Then Comp(A) = 1/(1 - sum of shares), and Op is largest where |1 - sum| is: at the smallest or at
the largest sum. The best are found one after another, best first, by a bound that is exact; of up
to 2^20 subsets all sums are taken.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator

import numpy as np

from causalopt.engine.contract import Floats

ALL = 20  # parts up to which the sums of all subsets are taken


def all_sums(shares: Floats) -> Floats:
    """Return the sum of every subset, shape [2^part]; bit k of the place says whether part k is in.

    Args:
        shares: What goes through each part, shape [part].

    Example:
        >>> all_sums(np.array([1.0, 10.0])).tolist()
        [0.0, 1.0, 10.0, 11.0]
    """
    sums = np.zeros(1)
    for share in shares:
        sums = np.concatenate([sums, sums + share])
    return sums


def best_subsets(shares: Floats, size: int, count: int) -> tuple[list[tuple[int, ...]], int]:
    """Return the subsets with the largest |1 - sum|, largest first, and how many were looked at.

    Args:
        shares: What goes through each part, shape [part].
        size: The most parts in a set; sets have at least one.
        count: How many sets.

    Example:
        >>> best_subsets(np.array([0.5, -1.0, 0.25]), 2, 3)
        ([(1,), (1, 2), (0, 1)], 6)
    """
    if len(shares) <= ALL:
        return _of_all(shares, size, count)
    found: list[tuple[float, tuple[int, ...]]] = []
    for sign in (1.0, -1.0):
        whole = size >= len(shares)
        ways = _least_lost(sign * shares) if whole else _largest(sign * shares, size)
        largest = itertools.islice(ways, count)
        found += [(abs(1 - sign * total), chosen) for total, chosen in largest]
    ranked = sorted(dict.fromkeys(found), key=lambda pair: (-pair[0], len(pair[1]), pair[1]))
    unique = dict.fromkeys(chosen for _, chosen in ranked)
    return list(unique)[:count], len(found)


def _of_all(shares: Floats, size: int, count: int) -> tuple[list[tuple[int, ...]], int]:
    sums = all_sums(shares)
    height = np.abs(1.0 - sums)
    height[0] = -1.0
    looked_at = len(sums) - 1
    if size < len(shares):
        sizes = np.bitwise_count(np.arange(len(sums), dtype=np.uint32))
        height[sizes > size] = -1.0
        looked_at = int((height >= 0).sum())
    count = min(count, looked_at)
    places = np.argpartition(-height, count - 1)[:count]
    # Equal ones: those of fewer parts, in the order of the parts, come first.
    ordered = sorted(
        places.tolist(), key=lambda k: (-round(float(height[k]), 12), k.bit_count(), k)
    )
    width = range(len(shares))
    return [tuple(i for i in width if k >> i & 1) for k in ordered], looked_at


def _largest(values: Floats, size: int) -> Iterator[tuple[float, tuple[int, ...]]]:
    """Yield non-empty subsets of at most so many parts, the largest sum first.

    Best-first search: of a beginning of the sorted parts what more it can gain is the sum of the
    next positive ones, exactly, so that each subset that comes out costs few steps.
    """
    order = np.argsort(-values, kind="stable")
    ordered = values[order]
    gains = np.concatenate([[0.0], np.cumsum(np.maximum(ordered, 0.0))])

    def ahead(place: int, left: int) -> float:
        return float(gains[min(place + left, len(ordered))] - gains[place])

    counter = itertools.count()
    heap: list[tuple[float, int, float, int, tuple[int, ...], bool]] = [
        (-ahead(0, size), next(counter), 0.0, 0, (), False)
    ]
    while heap:
        _, _, total, place, chosen, is_whole = heapq.heappop(heap)
        if is_whole:
            if chosen:
                yield total, tuple(sorted(int(order[i]) for i in chosen))
            continue
        left = size - len(chosen)
        if place == len(ordered) or not left:
            heapq.heappush(heap, (-total, next(counter), total, place, chosen, True))
            continue
        more = total + float(ordered[place])
        bound = more + ahead(place + 1, left - 1)
        heapq.heappush(heap, (-bound, next(counter), more, place + 1, (*chosen, place), False))
        bound = total + ahead(place + 1, left)
        heapq.heappush(heap, (-bound, next(counter), total, place + 1, chosen, False))


def _least_lost(values: Floats) -> Iterator[tuple[float, tuple[int, ...]]]:
    """Yield non-empty subsets of any size, the largest sum first.

    The largest has all positive values; any other differs from it in some of them, and loses their
    sizes. The smallest sums of sizes follow from one another: the last one is taken a place on, or
    the next one as well.
    """
    sizes = np.abs(values)
    order = np.argsort(sizes, kind="stable")
    cost, top = sizes[order].tolist(), frozenset(np.flatnonzero(values > 0).tolist())
    most = float(values[values > 0].sum())
    heap: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    while heap:
        lost, turned = heapq.heappop(heap)
        chosen = top ^ {int(order[i]) for i in turned}
        if chosen:
            yield most - lost, tuple(sorted(chosen))
        after = turned[-1] + 1 if turned else 0
        if after < len(cost):
            heapq.heappush(heap, (lost + cost[after], (*turned, after)))
            if turned:
                moved = lost - cost[turned[-1]] + cost[after]
                heapq.heappush(heap, (moved, (*turned[:-1], after)))
