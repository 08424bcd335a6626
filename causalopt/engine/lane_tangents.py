"""The tangents of many lanes that numpy takes through their steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from causalopt.engine.batch import Batch
from causalopt.engine.contract import Floats
from causalopt.engine.lane_worlds import LaneWorlds
from causalopt.engine.program import NEAR
from causalopt.engine.rescaling import HUGE, TINY, is_odd, step_sign
from causalopt.engine.schedule import Schedule, Sums
from causalopt.model.template import Structure

Summand: TypeAlias = tuple[int, int, int]  # where the slope stands, the parent's lag, the parent

WORLDS = (("x", "p"), ("y", "q"))  # total and direct tangents, and the errors they carry


class LaneTangents(LaneWorlds):
    """W of some lanes with total and direct tangents, and what rounding they carry."""

    def __init__(
        self, structure: Structure, schedule: Schedule, batch: Batch, watched: frozenset[int]
    ) -> None:
        super().__init__(structure, schedule, batch, watched)
        self._letters = batch.letters[1:]
        zero = [np.zeros(batch.count)] * self._width
        for letter in self._letters:
            self._past[letter] = [zero] * len(self._past["w"])
        self._summands: dict[int, list[Summand]] = {}
        for chosen, sums in schedule.tangents:
            of_each = _summands(sums)
            self._summands |= {i: of_each[k] for k, i in enumerate(chosen.tolist())}
        self._moves = _summands(schedule.moves)
        self._slots = schedule.layout.slots

    def _look(self, t: int, values: dict[str, list[Any]]) -> None:
        """Take the tangents' step, and note the lanes in which a gap that they move is closed."""
        v = values["w"]
        for letter in self._letters:
            self.now[letter] = []
        for i in range(self._width):
            self._tangent(t, i, v)
        for k, _, (left, right, guard) in self._gaps:
            closed = v[left] == v[right]
            near = closed
            if self._batch.near:
                width = np.abs(v[right])
                if not self._values.fixed[right]:
                    width = np.abs(v[left]) + width
                # A difference that is none counts as closed: what it decides is for others to tell.
                near = ~(np.abs(v[left] - v[right]) > width * NEAR)
            if not np.any(near):
                continue
            moved = [self._sum(self._products(x, self._moves[k], v)) != 0 for x in "xy"]
            counts = moved[0] | moved[1]
            if guard >= 0:
                counts = counts & (v[guard] != 0)
            self._note_kink(t, closed & near & counts)
            if self._batch.near:
                self.near |= near & counts

    def _tangent(self, t: int, i: int, v: Sequence[Any]) -> None:
        summands = self._summands[i]
        is_cut = self._forced is not None and self._forced[i]
        for letter, error in WORLDS:
            products = self._products(letter, summands, v)
            value = self._sum(products)
            noise = None
            if error in self._letters:
                noise = self._sum(self._products(error, summands, v))
                if products and not self._s.copies[i]:
                    sign = -step_sign(t) if is_odd(i) else step_sign(t)
                    noise = noise + sign * self._sum([np.abs(product) for product in products])
            if is_cut or (letter == "y" and self._held[i]):
                value, noise = np.zeros(self._batch.count), np.zeros(self._batch.count)
            if i == self._seeded:
                value = value + 1.0
            self.now[letter].append(value)
            if error in self._letters:
                self.now[error].append(noise)

    def _products(self, letter: str, summands: list[Summand], v: Sequence[Any]) -> list[Any]:
        """Return local derivatives times parents' tangents."""
        past, now = self._past[letter], self.now[letter]
        return [
            v[slope] * (past[lag - 1] if lag else now)[parent] for slope, lag, parent in summands
        ]

    def _sum(self, terms: Sequence[Any]) -> Any:
        """Return a sum in the order of its terms, 0 of none."""
        if not terms:
            return np.zeros(self._batch.count)
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        return total

    def rescale(self) -> None:
        """Bring tangents back near 1, by the rule of the generated Python."""
        if not self._slots:
            return
        for k, (letter, error) in enumerate(WORLDS):
            size = self._largest(letter)
            if error in self._letters:
                size = np.where(size == 0, self._largest(error), size)
            usable = (size > 0) & (size < np.inf) & ~((size > TINY) & (size < HUGE))
            if not usable.any():
                continue
            power = np.where(usable, np.frexp(size)[1], 0)
            self.exponents[k] += power
            for name in (letter, error) if error in self._letters else (letter,):
                self._past[name] = [[np.ldexp(x, -power) for x in row] for row in self._past[name]]

    def _largest(self, letter: str) -> Floats:
        """Return the largest size in the state; a NaN counts only in first place."""
        sizes = [np.abs(self._past[letter][lag - 1][i]) for i, lag in self._slots]
        top: Floats = sizes[0]
        for size in sizes[1:]:
            top = np.where(size > top, size, top)
        return top


def _summands(sums: Sums) -> list[list[Summand]]:
    """Return the summands of each result, in order."""
    found: list[list[Summand]] = [[] for _ in range(sums.count)]
    for results, *columns in sums.rounds:
        rows = zip(*(column.tolist() for column in columns), strict=True)
        for result, summand in zip(results.tolist(), rows, strict=True):
            found[result].append(summand)
    return found
