"""Laws over finite spaces: dense, sparse, and products of independent blocks.

The three are interchangeable: each knows its space, its marginals and its probability masses.
A mass is a float or a `fractions.Fraction`; Fractions go through every operation unrounded.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from causalopt.errors import QuestionError, SizeError
from causalopt.laws.space import Label, Space
from causalopt.worlds.replacement import replace

Masses = npt.NDArray[Any]
"""Probabilities: float64, or objects when they are Fractions."""

States = npt.NDArray[Any]
"""States as label indices, one a row, in the smallest integers that hold them."""

TOLERANCE = 1e-9
"""How far float probabilities may be from summing to one: far above rounding, below any typo."""


class Law(Protocol):
    """A probability law over a finite space."""

    @property
    def space(self) -> Space:
        """The space it lives on."""
        ...

    @property
    def exact(self) -> bool:
        """Whether its probabilities are Fractions."""
        ...

    def marginal(self, names: Iterable[str]) -> Law:
        """The law of some of the variables, in the order given; a product's by its blocks."""
        ...

    def masses(self) -> Masses:
        """The probabilities of the states it lists, as one axis."""
        ...

    def probability(self, state: Mapping[str, Label] | Sequence[Label]) -> Any:
        """The probability of one state."""
        ...

    def dense(self) -> DenseLaw:
        """The same law with a probability for every state."""
        ...

    def sparse(self) -> SparseLaw:
        """The same law with its support alone."""
        ...


@dataclasses.dataclass(frozen=True, eq=False)
class DenseLaw:
    """One probability for every state: `p` has one axis a variable.

    Example:
        >>> law = DenseLaw(Space(("T", "R"), ((0, 1), (0, 1))), np.array([[0.5, 0.0], [0.0, 0.5]]))
        >>> law.marginal(["R"]).p
        array([0.5, 0.5])
    """

    space: Space
    p: Masses

    def __post_init__(self) -> None:
        if self.p.shape != self.space.shape:
            raise QuestionError(
                f"a law over {', '.join(self.space.names)} has shape {self.space.shape}, "
                f"got an array of shape {self.p.shape}"
            )
        _require_one(self.p)

    @property
    def exact(self) -> bool:
        """Whether its probabilities are Fractions."""
        return self.p.dtype == object

    def marginal(self, names: Iterable[str]) -> DenseLaw:
        """Return the law of some of the variables, in the order given."""
        space = self.space.only(names)
        kept = [self.space.axis(name) for name in space.names]
        summed = tuple(axis for axis in range(self.p.ndim) if axis not in kept)
        order = np.argsort(np.argsort(kept))
        p = np.asarray(self.p.sum(axis=summed) if summed else self.p, dtype=self.p.dtype)
        return DenseLaw(space, np.transpose(p, np.asarray(order, dtype=int)))

    def masses(self) -> Masses:
        """Return every state's probability, the last variable running fastest."""
        return self.p.reshape(-1)

    def dense(self) -> DenseLaw:
        """Return itself."""
        return self

    def sparse(self) -> SparseLaw:
        """Return the same law with its support alone."""
        states = np.argwhere(self.p != 0)
        p = self.p[tuple(states.T)]
        return SparseLaw(self.space, states.astype(index_type(self.space.shape)), p)

    def probability(self, state: Mapping[str, Label] | Sequence[Label]) -> Any:
        """Return the probability of one state."""
        return self.p[self.space.position(state)]


@dataclasses.dataclass(frozen=True, eq=False)
class SparseLaw:
    """The states that have probability, one a row of `states`, and their probabilities.

    Args:
        space: The variables and their labels.
        states: Label indices, shape (states, variables), of any integer type.
        p: Probabilities, shape (states,); rows may repeat, their masses add.
    """

    space: Space
    states: States
    p: Masses

    def __post_init__(self) -> None:
        if self.states.shape != (len(self.p), len(self.space.names)):
            raise QuestionError(
                f"{len(self.p)} probabilities over {len(self.space.names)} variables came with "
                f"states of shape {self.states.shape}"
            )
        _require_one(self.p)

    @property
    def exact(self) -> bool:
        """Whether its probabilities are Fractions."""
        return self.p.dtype == object

    def marginal(self, names: Iterable[str]) -> SparseLaw:
        """Return the law of some of the variables, in the order given."""
        space = self.space.only(names)
        columns = [self.space.axis(name) for name in space.names]
        return SparseLaw(space, self.states[:, columns], self.p).merged()

    def merged(self) -> SparseLaw:
        """Return the same law with every state once and none of probability zero."""
        states, p = merge(self.states, self.p, self.space.shape)
        return SparseLaw(self.space, states, p)

    def masses(self) -> Masses:
        """Return the probabilities of the states in the support."""
        return self.merged().p

    def dense(self) -> DenseLaw:
        """Return the same law with a probability for every state."""
        require_room(self.space.size, 1, exact=self.exact)
        p = np.full(self.space.size, Fraction(0) if self.exact else 0.0, dtype=self.p.dtype)
        (codes,) = _codes(self.states, self.space.shape)
        np.add.at(p, codes, self.p)
        return DenseLaw(self.space, p.reshape(self.space.shape))

    def sparse(self) -> SparseLaw:
        """Return itself, every state once."""
        return self.merged()

    def probability(self, state: Mapping[str, Label] | Sequence[Label]) -> Any:
        """Return the probability of one state."""
        same = (self.states == np.array(self.space.position(state))).all(axis=1)
        return self.p[same].sum() if same.any() else self.p[:0].sum()


@dataclasses.dataclass(frozen=True, eq=False)
class ProductLaw:
    """Independent blocks: the law of all is the product of the laws of each.

    It is never multiplied out until someone asks for the whole: its entropy is the sum of theirs.
    """

    blocks: tuple[Law, ...]

    @property
    def space(self) -> Space:
        """The blocks' variables, block by block."""
        names = [name for block in self.blocks for name in block.space.names]
        labels = [labels for block in self.blocks for labels in block.space.labels]
        return Space(tuple(names), tuple(labels))

    @property
    def exact(self) -> bool:
        """Whether all probabilities are Fractions."""
        return all(block.exact for block in self.blocks)

    def marginal(self, names: Iterable[str]) -> Law:
        """Return the law of some of the variables, block by block, never multiplied out."""
        chosen = tuple(names)
        self.space.only(chosen)
        parts = [
            block.marginal([name for name in chosen if name in block.space.names])
            for block in self.blocks
            if set(chosen) & set(block.space.names)
        ]
        if len(parts) == 1:
            return parts[0].marginal(chosen)
        return ProductLaw(tuple(parts))

    def masses(self) -> Masses:
        """Return the probabilities of the product's states."""
        masses = [block.masses() for block in self.blocks]
        require_room(math.prod(map(len, masses)), 1, exact=self.exact)
        return functools.reduce(lambda p, q: np.outer(p, q).reshape(-1), masses)

    def dense(self) -> DenseLaw:
        """Return the product multiplied out."""
        require_room(self.space.size, 1, exact=self.exact)
        blocks = [block.dense().p for block in self.blocks]
        return DenseLaw(self.space, functools.reduce(np.multiply.outer, blocks))

    def sparse(self) -> SparseLaw:
        """Return the product's support, multiplied out."""
        blocks = [block.sparse() for block in self.blocks]
        rows = math.prod(len(block.p) for block in blocks)
        require_room(rows, len(self.space.names), exact=self.exact)
        return functools.reduce(_crossed, blocks)

    def probability(self, state: Mapping[str, Label] | Sequence[Label]) -> Any:
        """Return the probability of one state."""
        named = dict(zip(self.space.names, self.space.position(state), strict=True))
        masses = [
            block.probability([block.space.domain(name)[named[name]] for name in block.space.names])
            for block in self.blocks
        ]
        return functools.reduce(lambda p, q: p * q, masses)


def _crossed(first: SparseLaw, second: SparseLaw) -> SparseLaw:
    """Return the law of two independent parts, the second's states running fastest."""
    few, many = len(first.p), len(second.p)
    states = np.hstack([np.repeat(first.states, many, axis=0), np.tile(second.states, (few, 1))])
    names = (*first.space.names, *second.space.names)
    space = Space(names, (*first.space.labels, *second.space.labels))
    return SparseLaw(space, states, np.repeat(first.p, many) * np.tile(second.p, few))


MEMORY = 2**31
"""Most bytes a law and the copies made of it while it moves may take."""


def require_room(rows: int, columns: int, *, exact: bool, limit: int = MEMORY) -> None:
    """Refuse a law that does not fit into memory, before any of it is taken.

    Args:
        rows: States, each with its probability.
        columns: Labels kept with each state, a byte each.
        exact: Whether probabilities are Fractions.
        limit: Most bytes.

    Raises:
        SizeError: It needs more than `limit`; a few copies are counted.
    """
    needed = _COPIES * rows * (columns + (_FRACTION if exact else 8))
    if needed > limit:
        raise SizeError(
            f"the law takes {size_text(rows)} states, {size_text(needed >> 20)} MB, and "
            f"{size_text(limit >> 20)} MB are allowed: name the variables whose entropy is wanted "
            "(targets, --targets), then the joint law is never formed, or start from fewer states"
        )


_COPIES = 4
_FRACTION = 120


def size_text(count: int) -> str:
    """Return a count as a message says it: long ones as powers of ten.

    Example:
        >>> size_text(4096), size_text(2**130)
        ('4,096', '1.36e+39')
    """
    return f"{count:,}" if count < 10**9 else f"{Decimal(count):.3g}"


def blocks_of(law: Law) -> tuple[Law, ...]:
    """Return a product's independent blocks; any other law is one."""
    return law.blocks if isinstance(law, ProductLaw) else (law,)


@replace.register
def _replace_variables(
    x: DenseLaw | SparseLaw | ProductLaw, nodes: Iterable[str], source: Law
) -> ProductLaw:
    """Return a product of what is taken and what is kept; it is not multiplied out."""
    taken = x.space.only(nodes).names
    kept = x.space.without(taken)
    parts = [source.marginal(taken)] if taken else []
    parts += [x.marginal(kept)] if kept else []
    return ProductLaw(tuple(block for part in parts for block in blocks_of(part)))


def uniform(space: Space, *, exact: bool = True) -> ProductLaw:
    """Return the law that gives every state of a space the same probability.

    Example:
        >>> uniform(Space(("R",), (("hot", "cold"),))).dense().p.tolist()
        [Fraction(1, 2), Fraction(1, 2)]
    """
    blocks = []
    for name, size in zip(space.names, space.shape, strict=True):
        share = Fraction(1, size) if exact else 1.0 / size
        p = np.full(size, share, dtype=object if exact else float)
        blocks.append(DenseLaw(space.only([name]), p))
    return ProductLaw(tuple(blocks))


def inexact(law: Law) -> Law:
    """Return a law with float probabilities; the blocks of a product stay apart.

    Example:
        >>> inexact(uniform(Space(("x",), ((0, 1),)))).masses().tolist()
        [0.5, 0.5]
    """
    if isinstance(law, ProductLaw):
        return ProductLaw(tuple(inexact(block) for block in law.blocks))
    if isinstance(law, DenseLaw):
        return DenseLaw(law.space, law.p.astype(float))
    found = law.sparse()
    return SparseLaw(found.space, found.states, found.p.astype(float))


def law_of(space: Space, table: Mapping[tuple[Label, ...], float | Fraction]) -> SparseLaw:
    """Return the law that a map from states to probabilities describes.

    Args:
        space: The variables and their labels.
        table: Probability by state, the labels in the order of `space.names`.

    Example:
        >>> law_of(Space(("R",), (("hot", "cold"),)), {("cold",): Fraction(1)}).p.tolist()
        [Fraction(1, 1)]
    """
    states = [space.position(state) for state in table]
    exact = all(isinstance(p, (Fraction, int)) for p in table.values())
    values: list[Any] = [Fraction(p) if exact else float(p) for p in table.values()]
    rows = np.array(states, dtype=index_type(space.shape)).reshape(len(states), -1)
    return SparseLaw(space, rows, np.array(values, dtype=object if exact else float)).merged()


def index_type(shape: Sequence[int]) -> np.dtype[Any]:
    """Return the smallest type that holds every variable's label indices.

    Example:
        >>> index_type((2, 300)).name
        'uint16'
    """
    return np.min_scalar_type(max(shape, default=1) - 1)


def merge(states: States, p: Masses, shape: Sequence[int]) -> tuple[States, Masses]:
    """Return each state once with the sum of its masses, states of mass zero left out.

    Args:
        states: Label indices, shape (rows, variables).
        p: Masses, shape (rows,).
        shape: Labels of each variable.
    """
    held = np.asarray(p != 0, dtype=bool)
    states, p = states[held], p[held]
    if len(p) == 0 or states.shape[1] == 0:
        return states[:1], p[:1] if len(p) < 2 else np.array([p.sum()], dtype=p.dtype)
    order, first = _groups(states, shape)
    starts = np.flatnonzero(first)
    return states[order[starts]], np.add.reduceat(p[order], starts)


def _groups(
    states: States, shape: Sequence[int]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return an order that brings equal states together, and where each new one begins."""
    codes = _codes(states, shape)
    one = len(codes) == 1
    order = np.argsort(codes[0], kind="stable") if one else np.lexsort(codes[::-1])
    changed = [code[order][1:] != code[order][:-1] for code in codes]
    return order, np.concatenate([[True], np.any(changed, axis=0)])


def _codes(states: States, shape: Sequence[int]) -> list[npt.NDArray[np.int64]]:
    """Return each state as integers, as few as hold it: one up to 2**62 states."""
    codes = [np.zeros(len(states), dtype=np.int64)]
    count = 1
    for column, size in zip(states.T, shape, strict=True):
        count *= size
        if count >= 2**62:
            codes.append(np.zeros(len(states), dtype=np.int64))
            count = size
        codes[-1] = codes[-1] * size + column
    return codes


def _require_one(p: Masses) -> None:
    total = p.sum()
    if p.dtype == object:
        wrong = total != 1 or any(mass < 0 for mass in p.flat)
    else:
        wrong = not abs(total - 1.0) <= TOLERANCE or bool((p < 0).any())
    if wrong:
        raise QuestionError(f"probabilities are at least 0 and sum to 1; these sum to {total}")
