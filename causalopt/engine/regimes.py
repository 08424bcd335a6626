"""Regimes: what is left of a step when every comparison in it is decided.

Neighbouring worlds mostly take the same branches. Where all lanes of a group lie strictly on one
side of every comparison, the step needs no selections, slopes that are zero there need no products,
and no kink can be met; each such choice of sides is a regime, with rules and slopes of its own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import TypeAlias

from causalopt.engine.linearization import Gap, Linearization
from causalopt.language.algebra import ONE, ZERO, add, mul, neg
from causalopt.language.gradient import Kink
from causalopt.language.operations import COMPARISONS, LOGIC
from causalopt.language.term import Payload, Term, const, postorder

MOST = 6
Pair: TypeAlias = tuple[Term, Term]
Rules: TypeAlias = tuple[Term | None, ...]


@dataclasses.dataclass(frozen=True)
class Side:
    """One side of a comparison: left > right if `above`, else left < right, never equal."""

    left: Term
    right: Term
    above: bool


@dataclasses.dataclass(frozen=True)
class Regime:
    """A step with its comparisons decided.

    Attributes:
        sides: What holds in every lane.
        rules: The rules that are left; their values are those of the whole rules, bit for bit.
        linear: The local derivatives that are left, and the kinks that can still be met.
    """

    sides: tuple[Side, ...]
    rules: Rules
    linear: Linearization


def regimes(rules: Rules, linear: Linearization, most: int = MOST) -> tuple[Regime, ...]:
    """Return the regimes of a step, none where it has no comparison of lagged values.

    Comparisons beyond the first few stay undecided: a regime then still selects among branches.

    Args:
        rules: The rules of a step.
        linear: Their local derivatives.
        most: How many regimes may be made.
    """
    done: list[Regime] = []
    waiting = [Regime((), rules, linear)]
    while waiting:
        regime = waiting.pop(0)
        pair = _undecided(regime) if len(done) + len(waiting) + 2 <= most else None
        if pair is None:
            done.append(regime)
        else:
            waiting += [_decided(regime, Side(*pair, above)) for above in (True, False)]
    return tuple(regime for regime in done if regime.sides)


def bounds(sides: Iterable[Side]) -> list[Pair]:
    """Return the sides as pairs of which the first is to be less than the second.

    A band -c < x < c is one comparison, |x| < c.
    """
    pairs = [(s.right, s.left) if s.above else (s.left, s.right) for s in sides]
    for lower in pairs:
        for upper in pairs:
            if lower[1] is upper[0] and _is_opposite(lower[0], upper[1]):
                rest = [pair for pair in pairs if pair not in {lower, upper}]
                return [(Term.of("abs", upper[0]), upper[1]), *rest]
    return pairs


def _is_opposite(a: Term, b: Term) -> bool:
    if a.op == b.op == "const":
        return neg(a) is b
    return (a.op == "neg" and a.args[0] is b) or (b.op == "neg" and b.args[0] is a)


def _undecided(regime: Regime) -> Pair | None:
    """Return an outermost comparison that lagged values decide, None when there is none left."""
    roots = [rule for rule in regime.rules if rule is not None]
    for term in reversed(list(postorder(*roots))):
        pair = _pair(term)
        if (
            pair
            and any(leaf.op == "ref" for leaf in postorder(*pair))
            and not any(
                isinstance(leaf.payload, tuple) and leaf.payload[1] == 0
                for leaf in postorder(*pair)
            )
        ):
            return pair
    return None


def _pair(term: Term) -> Pair | None:
    if term.op == "where" and term.args[0].op in {"lt", "le"}:
        return term.args[0].args[0], term.args[0].args[1]
    if term.op in LOGIC:
        for arg in term.args:
            if arg.op in {"lt", "le"}:
                return arg.args[0], arg.args[1]
    if term.op in {"min", "max"}:
        return term.args[0], term.args[1]
    return (term.args[0], ZERO) if term.op in {"abs", "sign"} else None


def _decided(regime: Regime, side: Side) -> Regime:
    rules = _Decider(side, Term.of)
    slopes = _Decider(side, _simplified)
    partials = [
        dataclasses.replace(partial, term=slopes.number(partial.term))
        for partial in regime.linear.partials
    ]
    gaps = [_gap(gap, side, rules, slopes) for gap in regime.linear.gaps]
    return Regime(
        (*regime.sides, side),
        tuple(None if rule is None else rules.number(rule) for rule in regime.rules),
        Linearization(
            tuple(partial for partial in partials if partial.term is not ZERO),
            tuple(gap for gap in gaps if gap is not None),
        ),
    )


def _gap(gap: Gap, side: Side, rules: _Decider, slopes: _Decider) -> Gap | None:
    """Return what is left of a gap: nothing where it is open or no longer looked at."""
    kink = gap.kink
    if {kink.left, kink.right} == {side.left, side.right}:
        return None
    guard = True if kink.guard is None else rules.of(kink.guard)
    if guard is False:
        return None
    left, right = rules.number(kink.left), rules.number(kink.right)
    partials = [dataclasses.replace(p, term=slopes.number(p.term)) for p in gap.slopes]
    return Gap(
        gap.child,
        Kink(left, right, guard if isinstance(guard, Term) else None),
        tuple(partial for partial in partials if partial.term is not ZERO),
    )


class _Decider:
    """Terms with one comparison decided.

    Args:
        side: The comparison.
        make: Makes an operation of arguments that changed.
    """

    def __init__(self, side: Side, make: Callable[..., Term]) -> None:
        self._side = side
        self._make = make
        self._memo: dict[Term, Term | bool] = {}

    def number(self, root: Term) -> Term:
        """Return what is left of a term, a truth value as 1 or 0."""
        found = self.of(root)
        return found if isinstance(found, Term) else (ONE if found else ZERO)

    def of(self, root: Term) -> Term | bool:
        """Return what is left of a term; a truth value may be known."""
        for term in postorder(root):
            if term not in self._memo:
                self._memo[term] = self._of(term)
        return self._memo[root]

    def _of(self, term: Term) -> Term | bool:
        args = [self._memo[arg] for arg in term.args]
        if term.op in LOGIC:
            return _logic(term.op, args)
        if term.op == "where" and not isinstance(args[0], Term):
            return args[1] if args[0] else args[2]
        known = self._known(term, args)
        if known is not None:
            return known
        if all(arg is old for arg, old in zip(args, term.args, strict=True)):
            return term
        listed = [arg if isinstance(arg, Term) else const(int(arg)) for arg in args]
        return self._make(term.op, *listed, payload=term.payload)

    def _known(self, term: Term, args: list[Term | bool]) -> Term | bool | None:
        """Return what the side says of a term, None for nothing."""
        above = self._above(*term.args[:2]) if len(term.args) == 2 else None
        if term.op in COMPARISONS and above is not None:
            return {"lt": not above, "le": not above, "eq": False, "ne": True}[term.op]
        if term.op in {"min", "max"} and above is not None:
            return args[1] if above == (term.op == "min") else args[0]
        if term.op in {"abs", "sign"}:
            above = self._above(term.args[0], ZERO)
            if above is not None and term.op == "sign":
                return ONE if above else const(-1)
            if above is not None:
                return args[0] if above else self._make("neg", args[0])
        return None

    def _above(self, left: Term, right: Term) -> bool | None:
        side = self._side
        if left is side.left and right is side.right:
            return side.above
        return not side.above if left is side.right and right is side.left else None


def _logic(op: str, args: Iterable[Term | bool]) -> Term | bool:
    listed = list(args)
    if op == "not":
        inner = listed[0]
        return Term.of("not", inner) if isinstance(inner, Term) else not inner
    deciding = op == "or"
    if deciding in [arg for arg in listed if not isinstance(arg, Term)]:
        return deciding
    open_ones = [arg for arg in listed if isinstance(arg, Term)]
    if not open_ones:
        return not deciding
    return open_ones[0] if len(open_ones) == 1 else Term.of(op, *open_ones)


def _simplified(op: str, *args: Term, payload: Payload = None) -> Term:
    """Make an operation of a slope: a zero that a branch leaves is structural.

    Only what changes no bit of the slope's value is simplified: a zero times a factor stays, since
    the factor may be infinite.
    """
    if op == "mul" and ONE in args:
        return mul(*args)
    if op == "add" and ZERO in args:
        return add(*args)
    if op == "sub" and ZERO in args:
        return neg(args[1]) if args[0] is ZERO else args[0]
    if op == "neg" and args[0] is ZERO:
        return ZERO
    return Term.of(op, *args, payload=payload)
