"""What noise draws at points of a sweep whose parameters its law reads.

A point has the draws of a run of its own: those of the seed, under the law at that point.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from causalopt.effects.asked import Asked
from causalopt.engine.contract import Floats
from causalopt.model.model import Model
from causalopt.model.template import equations_mask
from causalopt.worlds.interventions import given_nodes


@dataclasses.dataclass(frozen=True, eq=False)
class DrawnLanes:
    """What one noise draws in each lane, shape [t, lane], made where some lanes of it are read.

    Attributes:
        model: The model.
        noise: The noise variable.
        steps: The last step.
        seed: Which draws.
        read: Parameters that the law reads -> their values, shape [lane].
        rows: Steps whose values are given, not drawn -> these values, shape [lane].
        scale: What all of it is multiplied by.
    """

    model: Model
    noise: str
    steps: int
    seed: int
    read: Mapping[str, Floats]
    rows: Mapping[int, Floats]
    scale: float = 1.0
    _known: dict[tuple[float, ...], Floats] = dataclasses.field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int]:
        """How many steps and lanes there are."""
        return self.steps + 1, len(next(iter(self.read.values())))

    def __len__(self) -> int:
        return self.steps + 1

    def __mul__(self, factor: float) -> DrawnLanes:
        return dataclasses.replace(self, scale=self.scale * factor)

    def __getitem__(self, key: Any) -> Floats:
        """Return some lanes at all steps, as `[:, lanes]`, or all lanes at one, as `[t]`."""
        if not isinstance(key, tuple):
            row: Floats = self[:, :][key]
            return row
        whole, lanes = key
        assert whole == slice(None)
        values = np.stack([column[lanes] for column in self.read.values()])
        alone = values.ndim == 1
        laws, places = np.unique(np.atleast_2d(values.T), axis=0, return_inverse=True)
        table = np.stack([self._draws(tuple(law)) for law in laws.tolist()], axis=-1)
        found: Floats = table[:, places.reshape(-1)]
        for t, given in self.rows.items():
            found[t] = given[lanes]
        found *= self.scale
        return found[:, 0] if alone else found

    def _draws(self, law: tuple[float, ...]) -> Floats:
        """Return what is drawn under one law, shape [t]."""
        if law not in self._known:
            if len(self._known) >= _MOST_LAWS:
                self._known.clear()
            changed = self.model.replace(parameters=dict(zip(self.read, law, strict=True)))
            from causalopt.worlds.noise import draw_noise  # few models draw

            self._known[law] = draw_noise(changed, self.steps, seed=self.seed)[self.noise]
        return self._known[law]


_MOST_LAWS = 1024  # whose draws are kept


def drawn_lanes(
    asked: Asked,
    varying: Mapping[str, Floats],
    swept: Collection[str],
    starts: Mapping[tuple[int, int], Floats],
) -> dict[int, Any]:
    """Return the noises whose law reads swept parameters, equation -> what they draw.

    Args:
        asked: The question.
        varying: Parameters that differ from point to point, computed ones too -> shape [point].
        swept: Those that are axes.
        starts: Nodes `(t, equation)` that points give a value.
    """
    model, index = asked.model, asked.model.template.index
    found: dict[int, Any] = {}
    for name, variable in model.variables.items():
        words = set(re.findall(r"[^\W\d]\w*", str(variable.noise or "")))
        if not words & varying.keys():
            continue
        count = len(next(iter(varying.values())))
        plan, i = asked.plan(), index[name]
        cut = given_nodes(model, asked.given, asked.steps)
        mask = equations_mask(model.template, model.variables, cut, asked.steps + 1)[:, i]
        rows = {t: np.full(count, plan.values[t, i]) for t in np.flatnonzero(mask).tolist()}
        rows |= {t: values for (t, place), values in starts.items() if place == i}
        read = {axis: varying[axis] for axis in swept}
        found[i] = DrawnLanes(model, name, asked.steps, asked.seed, read, rows)
    return found
