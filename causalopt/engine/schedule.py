"""The schedule: all operations of one step, sorted into groups of one kind that numpy does at once.

An operation's level is one more than its arguments'; the operations of one level that have the same
name are one array operation. A model of ten thousand different rules has some dozens of groups.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterable
from fractions import Fraction
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from causalopt.engine.program import Program
from causalopt.engine.source import Slots
from causalopt.language.term import ENTERED, Term, collector_paused, rounded
from causalopt.model.template import Structure

Places: TypeAlias = NDArray[np.intp]
EQUATION = "equation"


@dataclasses.dataclass(frozen=True)
class OperationGroup:
    """Operations of one name at one level.

    Attributes:
        op: The operation, or `equation`: a rule's value taken over by its equation.
        payload: ipow's exponent.
        out: Where results go, shape [n].
        args: Where arguments stand, shape [arguments, n].
    """

    op: str
    payload: int
    out: Places
    args: Places


@dataclasses.dataclass(frozen=True)
class Sums:
    """Sums of slope * tangent, for several results at once.

    Attributes:
        rounds: The k-th summand of each result that has one: (results, slopes, lags, parents).
        count: How many results.
    """

    rounds: tuple[tuple[Places, Places, Places, Places], ...]
    count: int


@dataclasses.dataclass(frozen=True)
class Schedule:
    """One step of a structure.

    Attributes:
        size: How many values a step has.
        start: Values of constants, NaN elsewhere, shape [size].
        equations: Where each equation's value stands, shape [V].
        inputs: Lagged values read: (place, equation, lag), shape [n, 3].
        parameters: (place, parameter), shape [n, 2].
        clock: Where t stands, -1 where no rule reads it.
        groups: The operations in order.
        extras: Where the further terms' values stand.
        tangents: (equations, their sums) in an order in which tangents can be computed.
        gaps: (left, right, guard or -1) of each kink, shape [n, 3].
        moves: The sums that tell whether a kink is moved.
        copies: Which equations' tangents are those of an only parent, shape [V].
        layout: The state.
    """

    size: int
    start: NDArray[np.float64]
    equations: Places
    inputs: Places
    parameters: Places
    clock: int
    groups: tuple[OperationGroup, ...]
    extras: Places
    tangents: tuple[tuple[Places, Sums], ...]
    gaps: Places
    moves: Sums
    copies: NDArray[np.bool_]
    layout: Slots


@functools.lru_cache(maxsize=32)
def schedule(structure: Structure, mode: str, extras: tuple[Term, ...] = ()) -> Schedule:
    """Return the schedule of one step."""
    with collector_paused():
        return _Scheduler(Program(structure, mode), extras).made()


def calls(schedule: Schedule) -> int:
    """Return how many calls of numpy a step takes, about."""
    sums = [sums for _, sums in schedule.tangents]
    return len(schedule.groups) + sum(10 + 6 * len(found.rounds) for found in sums)


class _Scheduler:
    def __init__(self, program: Program, extras: tuple[Term, ...]) -> None:
        self._program = program
        self._extras = extras
        self._names = {name: i for i, name in enumerate(program.structure.names)}
        self._parameters = {name: i for i, name in enumerate(program.structure.parameters)}
        self._place: dict[Term, int] = {}
        self._level: list[int] = []
        self._start: list[float] = []
        self._inputs: list[tuple[int, int, int]] = []
        self._read: list[tuple[int, int]] = []
        self._clock = -1
        # (level, operation, payload) -> where results go, and their arguments one after another:
        # lists of numbers, since an object for each operation would keep the collector busy.
        self._pending: dict[tuple[int, str, int], tuple[list[int], list[int]]] = {}
        self._equations: list[int] = []

    def made(self) -> Schedule:
        program, structure = self._program, self._program.structure
        for rule in structure.rules:
            self._equations.append(self._equation(rule))
        later = [root for i in range(len(structure.names)) for root in program.roots(i)]
        self._add([*later, *self._extras])
        groups = tuple(
            OperationGroup(op, payload, _places(out), _places(args).reshape(len(out), -1).T)
            for (_, op, payload), (out, args) in sorted(self._pending.items())
        )
        gaps = [
            [
                self._place[g.kink.left],
                self._place[g.kink.right],
                -1 if g.kink.guard is None else self._place[g.kink.guard],
            ]
            for g in program.gaps
        ]
        has_tangents = program.mode == "tangents"
        return Schedule(
            size=len(self._start),
            start=np.array(self._start),
            equations=_places(self._equations),
            inputs=_places(self._inputs).reshape(-1, 3),
            parameters=_places(self._read).reshape(-1, 2),
            clock=self._clock,
            groups=groups,
            extras=_places([self._place[term] for term in self._extras]),
            tangents=self._tangents() if has_tangents else (),
            gaps=_places(gaps).reshape(-1, 3),
            moves=self._sums([g.slopes for g in program.gaps] if has_tangents else []),
            copies=np.array([program.linear.is_copy(i) for i in range(len(structure.names))]),
            layout=program.layout,
        )

    def _new(self, level: int, value: float = math.nan) -> int:
        self._level.append(level)
        self._start.append(value)
        return len(self._start) - 1

    def _equation(self, rule: Term | None) -> int:
        if rule is None:
            return self._operation(EQUATION, 0, [self._new(0)])
        self._add([rule])
        return self._operation(EQUATION, 0, [self._place[rule]])

    def _operation(self, op: str, payload: int, args: list[int]) -> int:
        level = 1 + max([self._level[arg] for arg in args])
        place = self._new(level)
        key = (level, op, payload)
        if key not in self._pending:
            self._pending[key] = ([], [])
        out, arguments = self._pending[key]
        out.append(place)
        arguments += args
        return place

    def _add(self, roots: Iterable[Term]) -> None:
        """Give every term below the roots a place, arguments before what uses them."""
        place = self._place
        stack = [*roots][::-1]
        while stack:
            term = stack.pop()
            if term is ENTERED:
                term = stack.pop()
                payload = term.payload if isinstance(term.payload, int) else 0
                args = [place[arg] for arg in term.args]
                place[term] = self._operation(term.op, payload, args)
            elif term not in place:
                if term.args:
                    stack += (term, ENTERED, *term.args[::-1])
                else:
                    place[term] = self._leaf(term)

    def _leaf(self, term: Term) -> int:
        payload = term.payload
        if isinstance(payload, Fraction):
            return self._new(0, rounded(payload))
        if term.op == "pi":
            return self._new(0, math.pi)
        if isinstance(payload, tuple):
            name, lag = payload
            if lag == 0:
                return self._equations[self._names[name]]
            place = self._new(0)
            self._inputs.append((place, self._names[name], lag))
            return place
        place = self._new(0)
        if term.op == "t":
            self._clock = place
        else:
            name = str(payload) if term.op == "param" else "dt"
            self._read.append((place, self._parameters[name]))
        return place

    def _tangents(self) -> tuple[tuple[Places, Sums], ...]:
        linear = self._program.linear
        level: list[int] = []
        for i in range(len(self._equations)):
            same_step = [level[p.parent] for p in linear.of(i) if p.lag == 0]
            level.append(1 + max(same_step, default=-1))
        by_level: list[list[int]] = [[] for _ in range(max(level, default=-1) + 1)]
        for i, depth in enumerate(level):
            by_level[depth].append(i)
        return tuple(
            (_places(chosen), self._sums([linear.of(i) for i in chosen])) for chosen in by_level
        )

    def _sums(self, lists: list) -> Sums:  # type: ignore[type-arg]
        rounds = []
        having = list(range(len(lists)))
        for k in range(max(map(len, lists), default=0)):
            having = [r for r in having if len(lists[r]) > k]
            chosen = [lists[r][k] for r in having]
            rounds.append(
                (
                    _places(having),
                    _places([self._place[p.term] for p in chosen]),
                    _places([p.lag for p in chosen]),
                    _places([p.parent for p in chosen]),
                )
            )
        return Sums(tuple(rounds), len(lists))


def _places(values: list) -> Places:  # type: ignore[type-arg]
    return np.array(values, dtype=np.intp)
