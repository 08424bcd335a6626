"""What a comparison with an oracle comes to: how many cases, how far apart, which disagree."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

SHOWN = 3  # numbers of a disagreement that are written out


@dataclass(frozen=True)
class Record:
    """One line of the page. `largest` and `tolerance` are in `unit`."""

    oracle: str
    compared: str
    cases: int
    ok: int
    numbers: int
    largest: float
    tolerance: float
    unit: str
    disagreements: tuple[str, ...]


@dataclass
class Comparison:
    """Collects cases for a record.

    `unit` says what differences are divided by: "relative", by the oracle's number; "absolute", by
    1; any other text, by the `scale` that each case is added with (the error it states, say).
    """

    oracle: str
    compared: str
    tolerance: float
    unit: str = "relative"
    cases: int = 0
    ok: int = 0
    numbers: int = 0
    largest: float = 0.0
    disagreements: list[str] = field(default_factory=list)

    def add(
        self, case: str, ours: ArrayLike, theirs: ArrayLike, scale: ArrayLike | None = None
    ) -> None:
        """Compare a case that the package calls `ok`, number by number."""
        here, there = np.asarray(ours, float), np.asarray(theirs, float)
        if here.shape != there.shape or here.size == 0:
            raise ValueError(f"{case}: {here.shape} numbers here, {there.shape} there")
        if scale is None:
            if self.unit not in {"relative", "absolute"}:
                raise ValueError(f"{case}: differences in '{self.unit}' need a scale")
            scale = np.abs(there) if self.unit == "relative" else 1.0
        far = distance(here, there, np.asarray(scale, float))
        self.cases += 1
        self.ok += 1
        self.numbers += here.size
        self.largest = max(self.largest, float(far.max()))
        wrong = np.argwhere(far > self.tolerance)
        if len(wrong):
            shown = ", ".join(
                f"{here[tuple(w)]:.17g} here, {there[tuple(w)]:.17g} there" for w in wrong[:SHOWN]
            )
            self.disagreements.append(
                f"{case}: {shown}{', ...' if len(wrong) > SHOWN else ''}"
                f" (off by {far.max():.3g}, tolerance {self.tolerance:.3g}, {self.unit})"
            )

    def claim(self, case: str, holds: bool, said: str) -> None:
        """Compare a case whose answer is a word, such as a status, in place of a number."""
        self.cases += 1
        self.ok += 1
        self.numbers += 1
        if not holds:
            self.largest = np.inf
            self.disagreements.append(f"{case}: {said}")

    def doubtful(self, cases: int = 1) -> None:
        """Count cases that the package itself does not call `ok`; they are not compared."""
        self.cases += cases

    def record(self) -> Record:
        """Return the line of the page."""
        return Record(
            self.oracle,
            self.compared,
            self.cases,
            self.ok,
            self.numbers,
            self.largest,
            self.tolerance,
            self.unit,
            tuple(self.disagreements),
        )


def distance(ours: np.ndarray, theirs: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return |ours - theirs| / scale; equal numbers are 0 apart, NaN is infinitely far from all."""
    with np.errstate(invalid="ignore", divide="ignore"):
        far = np.where(ours == theirs, 0.0, np.abs(ours - theirs) / scale)
    return np.where(np.isnan(far), np.inf, far)
