"""Correlations of two tables (hidden, pixel): raw, inside pixels, and with brightness controlled.

Entries that are not finite in either table are left out of all.
"""

from __future__ import annotations

import numpy as np

from causalopt.engine.contract import Floats


def correlation(one: Floats, other: Floats) -> float:
    """Return Pearson's R of two arrays of a shape; NaN where one does not vary.

    Example:
        >>> round(correlation(np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0, 2.0])), 12)
        0.5
    """
    told = np.isfinite(one) & np.isfinite(other)
    return _cosine(_centred(one[told]), _centred(other[told]))


def correlation_given(control: Floats, one: Floats, other: Floats) -> float:
    """Return the partial correlation of two arrays, a control's straight line taken off both.

    Args:
        control: Of a shape that stretches to theirs.
        one: An array.
        other: Another.
    """
    wide = np.broadcast_to(control, one.shape)
    told = np.isfinite(one) & np.isfinite(other) & np.isfinite(wide)
    line = _centred(wide[told])
    parts = [_centred(x[told]) for x in (one, other)]
    square = line @ line
    left = [part - (part @ line / square if square else 0.0) * line for part in parts]
    return _cosine(*left)


def brightness_correlation(brightness: Floats, differences: Floats) -> float:
    """Return R of a number a pixel and a table (hidden, pixel)."""
    return correlation(np.broadcast_to(brightness, differences.shape), differences)


def within_pixels(one: Floats, other: Floats) -> float:
    """Return R of two tables (hidden, pixel), the mean of each pixel taken off both."""
    told = np.isfinite(one) & np.isfinite(other)
    return _cosine(*(_inside(x, told)[told] for x in (one, other)))


def correlations_of_pixels(one: Floats, other: Floats) -> Floats:
    """Return R over hidden units for each pixel, axis (pixel,)."""
    told = np.isfinite(one) & np.isfinite(other)
    x, y = _inside(one, told), _inside(other, told)
    with np.errstate(invalid="ignore"):
        return np.asarray((x * y).sum(0) / np.sqrt((x * x).sum(0) * (y * y).sum(0)))


def _inside(table: Floats, told: np.ndarray) -> Floats:
    """Return a table with each pixel's mean taken off, 0 where nothing is told."""
    known = np.where(told, table, 0.0)
    mean = known.sum(axis=0) / np.maximum(told.sum(axis=0), 1)
    return np.where(told, known - mean, 0.0)


def _centred(values: Floats) -> Floats:
    return np.asarray(values - values.mean() if values.size else values)


def _cosine(one: Floats, other: Floats) -> float:
    size = float(np.sqrt((one @ one) * (other @ other)))
    return float(one @ other) / size if size else float("nan")
