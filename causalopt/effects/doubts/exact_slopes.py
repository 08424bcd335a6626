"""W and its local derivatives in rationals, of the decimals as written.

W is carried as decimals for as long as these are enough, since that is much faster.

What is irrational, too long or past a bound on the work is unknown (None), and unknown times zero
is zero. Which side of a branch is taken is known from the exact values, else from W.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import TypeAlias

import numpy as np

from causalopt.effects.doubts.exact_decimals import DecimalWorld
from causalopt.engine.contract import Floats, Plan
from causalopt.engine.linearization import Partial, linearize
from causalopt.language.operations import COMPARISONS, OPERATIONS
from causalopt.language.term import REFERENCES, Term, evaluate, leaves
from causalopt.model.template import Template, leaf_name

Exact: TypeAlias = Fraction | None  # None: unknown
_ZERO = Fraction(0)
_MOST_BITS = 4096
_MOST_WORK = 60_000  # sums and operations: some tenths of a second
_AT_ZERO = {"exp": 1, "cos": 1, "cosh": 1, "sigmoid": Fraction(1, 2), "ndtr": Fraction(1, 2)}
_AT_ZERO |= dict.fromkeys(["sin", "tan", "asin", "atan", "sinh", "tanh", "sqrt"], 0)
_AT_ZERO |= dict.fromkeys(["log1p", "expm1", "erf"], 0)


def product(a: Exact, b: Exact) -> Exact:
    """Return a product; unknown times zero is zero."""
    if a is None or b is None:
        known = b if a is None else a
        return None if known is None or known else _ZERO
    return _short(a * b) if a and b else _ZERO


def plus(a: Exact, b: Exact) -> Exact:
    """Return a sum."""
    if a is None or b is None:
        return None
    return _short(a + b) if a and b else a or b


def _short(value: Exact) -> Exact:
    if value is None:
        return None
    bits = value.numerator.bit_length() + value.denominator.bit_length()
    return value if bits <= _MOST_BITS else None


class ExactSlopes:
    """The local derivatives of the steps 0, 1, ..., asked for in that order.

    Args:
        template: The model's template.
        plan: The run.
        values: W in floats, shape [t, V].
    """

    def __init__(self, template: Template, plan: Plan, values: Floats) -> None:
        self._template, self._plan, self._floats = template, plan, values
        self._partials = linearize(template.structure).partials
        clocks = any(_reads_clock(partial.term) for partial in self._partials)
        moving = any(partial.term.holds & REFERENCES for partial in self._partials)
        self.is_constant = not clocks and not moving
        self._moving = moving
        known = template.exact_parameters()
        given = zip(template.structure.parameters, plan.parameters.tolist(), strict=True)
        self._parameters = {name: _as_written(known[name], value) for name, value in given}
        self._decimals = DecimalWorld(template.structure, self._parameters)
        self._from_rules = max(len(plan.forced), template.max_lag)
        self._rows: list[Sequence[Exact | Decimal]] = []
        self._constant: dict[int, list[tuple[Partial, Exact]]] | None = None
        self._work = 0

    def is_forced(self, t: int, i: int) -> bool:
        """Whether a node is given, so that its rule is not asked."""
        return t < len(self._plan.forced) and bool(self._plan.forced[t, i])

    def at(self, t: int) -> dict[int, list[tuple[Partial, Exact]]] | None:
        """Return equation -> its partial derivatives, None once too much work was done."""
        if self._work > _MOST_WORK:
            return None
        self._work += 2 * len(self._partials)
        if self._constant is not None:
            return self._constant
        step = self._advanced(t) if self._moving else _Step(self, t)
        found: dict[int, list[tuple[Partial, Exact]]] = {}
        for partial in self._partials:
            if not self.is_forced(t, partial.child) and partial.lag <= t:
                found.setdefault(partial.child, []).append((partial, step.of(partial.term)))
        self._work += len(step.done)
        if self.is_constant and t >= max(len(self._plan.forced), self._template.max_lag):
            self._constant = found
        return found

    def advance(self, t: int) -> bool:
        """Make W known at a step, without its derivatives; false once too much work was done."""
        if self._work > _MOST_WORK:
            return False
        if not self._is_decimal(t):
            self._work += len(self._advanced(t).done)
        return True

    def _is_decimal(self, t: int) -> bool:
        """Make W known at a step in decimals, if these are enough."""
        known = self._decimals.row(t) if t >= self._from_rules else None
        if known is None:
            return False
        self._rows.append(known)
        self._work += len(known)
        return True

    def _advanced(self, t: int) -> _Step:
        """Return a step's terms with W's values among them."""
        step, row = _Step(self, t), list[Exact]()
        if self._is_decimal(t):
            return step
        self._rows.append(row)
        for i, equation in enumerate(self._template.equations):
            if self.is_forced(t, i):
                value = self._given(t, i)
            else:
                value = None if equation.rule is None else step.of(equation.rule)
            row.append(self.shifted(t, i, value))
        self._decimals.put(row)
        return step

    def _given(self, t: int, i: int) -> Exact:
        initial = self._template.equations[i].initial
        known = _Step(self, t).of(initial[t]) if t < len(initial) else None
        return _as_written(known, float(self._plan.values[t, i]))

    def shifted(self, t: int, i: int, value: Exact) -> Exact:
        """Return a node's value from that of its rule, or from the one it is given."""
        shift = float(self._plan.shifts[t, i]) if t < len(self._plan.shifts) else 0.0
        return plus(value, _as_written(None, shift)) if shift else value

    def node(self, t: int, i: int) -> Exact:
        """Return a node's value at a step to which W was advanced."""
        value = self._rows[t][i]
        return Fraction(value) if isinstance(value, Decimal) else value

    def value(self, term: Term, t: int) -> Exact:
        """Return a term's value at a step to which W was advanced."""
        return _Step(self, t).of(term)

    def leaf(self, term: Term, t: int) -> Exact:
        """Return what a leaf stands for at a step."""
        if isinstance(term.payload, Fraction):
            return term.payload
        if isinstance(term.payload, tuple):
            name, lag = term.payload
            return self.node(t - lag, self._template.index[name]) if lag <= t else None
        if term.op == "pi":
            return None
        clock = {"t": Fraction(t), "time": t * self._template.dt}
        return clock[term.op] if term.op in clock else self._parameters[leaf_name(term)]

    def in_floats(self, root: Term, t: int) -> float:
        """Return a term's value along W."""

        def leaf(term: Term) -> float:
            if isinstance(term.payload, tuple):
                name, lag = term.payload
                return float(self._floats[t - lag, self._template.index[name]])
            if term.op in {"t", "time"}:
                return float(t if term.op == "t" else t * self._template.dt)
            place = self._template.structure.parameters.index(leaf_name(term))
            return float(self._plan.parameters[place])

        return evaluate(root, leaf)


class _Step:
    """Terms at one step as fractions; of a branch only the side that is taken."""

    def __init__(self, slopes: ExactSlopes, t: int) -> None:
        self._slopes, self._t = slopes, t
        self.done: dict[Term, Exact] = {}

    def of(self, root: Term) -> Exact:
        """Return a term's value; a truth value is 1 or 0."""
        stack = [root]
        while stack:
            term = stack.pop()
            if term in self.done:
                continue
            if term.is_leaf:
                self.done[term] = self._slopes.leaf(term, self._t)
                continue
            args: tuple[Term, ...] = term.args
            if term.op == "where":
                args = args[:1]
                if args[0] in self.done:
                    args = (*args, term.args[1 if self._truth(args[0]) else 2])
            missing = [arg for arg in args if arg not in self.done]
            if missing:
                stack += [term, *missing]
            elif term.op == "where" and len(args) == 1:
                stack.append(term)
            else:
                self.done[term] = _short(self._value(term, [self.done[arg] for arg in args]))
        return self.done[root]

    def _truth(self, condition: Term) -> bool:
        value = self.done[condition]
        return bool(self._slopes.in_floats(condition, self._t) if value is None else value)

    def _value(self, term: Term, args: list[Exact]) -> Exact:
        if term.op == "where":
            return args[1]
        if term.op == "mul":
            return product(*args)
        if not any(value is None for value in args):
            return self._known(term, args)
        if term.op in {"min", "max"}:
            chosen = self._slopes.in_floats(term, self._t)
            return args[0 if chosen == self._slopes.in_floats(term.args[0], self._t) else 1]
        if term.op in COMPARISONS or OPERATIONS[term.op].kind == "logic" or term.op == "sign":
            truth = self._slopes.in_floats(term, self._t)
            return None if math.isnan(truth) else Fraction(int(truth))
        return None

    def _known(self, term: Term, args: list[Exact]) -> Exact:
        operation = OPERATIONS[term.op]
        if operation.exact is not None:
            payload = () if term.payload is None else (term.payload,)
            value = operation.exact(*args, *payload)
        elif operation.kind != "number":
            value = operation.floats(*args)
        elif args == [_ZERO] and term.op in _AT_ZERO:
            value = _AT_ZERO[term.op]
        else:
            return None
        return None if value is None else Fraction(value)


def _as_written(known: Exact, value: float) -> Exact:
    """Return the exact number a float stands for: the one known, or the decimal it is read as."""
    if known is not None and float(known) == value:
        return known
    return Fraction(repr(value)) if np.isfinite(value) else None


def _reads_clock(root: Term) -> bool:
    return any(leaf.op in {"t", "time"} for leaf in leaves(root))
