"""What a declaration says in labels, once read."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from fractions import Fraction
from typing import TypeAlias

Label: TypeAlias = int | float | str
Number: TypeAlias = Fraction | float
Law: TypeAlias = Mapping[Label, Number]
Path: TypeAlias = tuple[str | int, ...]
Parent: TypeAlias = tuple[str, int]


@dataclasses.dataclass(frozen=True)
class LabelTable:
    """A variable's rule as rows: the parents' labels and the law of the label they give."""

    parents: tuple[Parent, ...]
    rows: Mapping[tuple[Label, ...], Law]


@dataclasses.dataclass(frozen=True)
class Domains:
    """What a declaration says in labels.

    Attributes:
        domains: Variable -> its labels, noise of finite range included.
        tables: Variable -> its table.
        noises: Domains noise variable -> its law.
        densities: Continuous noise variable -> `uniform` or `normal`, and its numbers.
        marginals: Variable -> its own law at t = 0.
        joint: The variables of the joint law at t = 0 and its rows, when there is one.
    """

    domains: Mapping[str, tuple[Label, ...]]
    tables: Mapping[str, LabelTable]
    noises: Mapping[str, Law]
    densities: Mapping[str, tuple[str, tuple[float, ...]]]
    marginals: Mapping[str, Law]
    joint: tuple[tuple[str, ...], Mapping[tuple[Label, ...], Number]] | None
