"""Which arrays a set A holds whole, and which in part."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np

from causalopt.model.model import Model
from causalopt.model.selectors import Selection, Window


def held_parts(model: Model, selection: Selection) -> tuple[Selection, Selection]:
    """Return the windows of a set at which a variable is in it whole, and those at which in part.

    Windows of elements that together are all of a variable hold it whole. In what is returned no
    window names elements.

    Example:
        >>> model = Model(name="m", variables={"h": {"shape": [3], "rule": "h[t-1]", "initial": 1}})
        >>> whole, parts = held_parts(model, model.selection("h[2, dim0=1], h[t>=2, dim0=0:1]"))
        >>> whole, [str(window) for window in parts]
        ((), ['h[t>=2]'])
    """
    if not any(window.elements for window in selection):
        return selection, ()
    whole: list[Window] = []
    parts: list[Window] = []
    for name in dict.fromkeys(window.variable for window in selection):
        own = [window for window in selection if window.variable == name]
        shape = model.arrays.by_name[name].shape
        edges = {w.first for w in own} | {w.last + 1 for w in own if w.last is not None}
        for first, after in itertools.pairwise([*sorted(edges), None]):
            assert first is not None
            mask = np.zeros(shape, dtype=bool)
            for window in own:
                if window.first <= first and (window.last is None or first <= window.last):
                    mask[_places(window)] = True
            stretch = Window(name, first, None if after is None else after - 1)
            if mask.all():
                whole.append(stretch)
            elif mask.any():
                parts.append(stretch)
    return _joined(whole), _joined(parts)


def _places(window: Window) -> tuple[slice, ...]:
    return () if window.elements is None else tuple(slice(*axis) for axis in window.elements)


def _joined(windows: list[Window]) -> Selection:
    """Return windows with those that follow upon one another made one."""
    found: list[Window] = []
    for window in windows:
        before = found[-1] if found else None
        if before and before.variable == window.variable and before.last == window.first - 1:
            found[-1] = dataclasses.replace(before, last=window.last)
        else:
            found.append(window)
    return tuple(found)
