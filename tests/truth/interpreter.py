"""The oracle's interpreter: a spec, node by node, in exact numbers with one-sided tangents.

Four slots: the effect over all paths and over those that avoid A, for a nudge upwards and one
downwards. `worlds` runs the definition instead, with a nudge of a size: W, X and Y.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from fractions import Fraction

from tests.truth.exact_numbers import (
    CONTEXT,
    ONE,
    ZERO,
    Number,
    UndefinedError,
    add,
    div,
    mul,
    real,
    sub,
)
from tests.truth.expressions import Dual, Slope, Tree, constant, evaluate
from tests.truth.specs import Spec, VariableSpec

SLOTS = 4  # total and direct upwards, total and direct downwards
Place = tuple[str, int, int]  # variable, step, stage (0 for the node itself)
Table = dict[Place, Dual | UndefinedError]


@dataclasses.dataclass(frozen=True)
class Effects:
    """What is true of m at one step.

    Attributes:
        value: W.
        up: Total and direct derivative towards a positive nudge; None where there is none.
        down: Towards a negative one.
        jumped: Whether a value jumped on the way, or first order did not tell a branch: such
            derivatives are limits of quotients, if at all.
    """

    value: Number
    up: tuple[Slope, Slope]
    down: tuple[Slope, Slope]
    jumped: bool = False

    @property
    def is_smooth(self) -> bool:
        """Whether both sides have the same derivative."""
        return all(
            a is not None and b is not None and _are_equal(a, b)
            for a, b in zip(self.up, self.down, strict=True)
        )


def _are_equal(a: Number, b: Number) -> bool:
    """Whether two derivatives are one; those of very small nudges are good to 30 digits or so."""
    small = CONTEXT.mpf(10) ** -16
    return a == b or abs(real(sub(a, b))) <= small * max(abs(real(a)), abs(real(b)))


class _Interpreter:
    def __init__(
        self,
        spec: Spec,
        noise: Mapping[str, list[Fraction]],
        *,
        slots: int,
        size: Number = ZERO,
        held: Table | None = None,
    ) -> None:
        self._spec, self._noise, self._slots = spec, noise, slots
        self._size, self._held = size, held
        self.table: Table = {}
        self._by_name = {v.name: v for v in spec.variables}

    def run(self) -> Table:
        for t in range(self._spec.steps + 1):
            if t and self._spec.dt is not None:
                self._integrate(t)
            for variable in self._spec.variables:
                self._compute((variable.name, t, 0), lambda v=variable, t=t: self._node(v, t))
        return self.table

    def _get(self, place: Place) -> Dual:
        found = self.table[place]
        if isinstance(found, UndefinedError):
            raise found
        return found

    def _compute(self, place: Place, value: Callable[[], Dual]) -> None:
        """Set a node; where it has no value those that read it have none either."""
        try:
            self._set(place, value())
        except UndefinedError as error:
            self.table[place] = error

    def _node(self, variable: VariableSpec, t: int) -> Dual:
        if variable.kind == "noise":
            return constant(self._noise[variable.name][t], self._slots)
        if t < len(variable.initial):
            return constant(variable.initial[t], self._slots)
        if variable.kind == "flow":
            return self._get((variable.name, t, -1))
        assert variable.expression is not None
        return self._value(variable.expression, t, 0)

    def _set(self, place: Place, found: Dual) -> None:
        name, t, stage = place
        if self._spec.is_held(name, t):
            if self._held is not None:
                kept = self._held[place]
                if isinstance(kept, UndefinedError):
                    raise kept
                found = kept
            elif self._slots:
                slopes = tuple(ZERO if k % 2 else s for k, s in enumerate(found.slopes))
                touched = tuple(k % 2 == 0 and b for k, b in enumerate(found.touched))
                found = Dual(found.value, slopes, touched)
        if (name, t) == self._spec.nudge and stage == 0:
            value = add(found.value, self._size)
            found = Dual(value, (ONE, ONE, -ONE, -ONE)[: self._slots], (True,) * self._slots)
        self.table[place] = found

    def _value(self, tree: Tree, t: int, stage: int, moment: Fraction | None = None) -> Dual:
        """Evaluate at step t; at an integrator's stage, where `moment` is the time in steps."""

        def lookup(leaf: Tree) -> Dual:
            if leaf.op == "name":
                return constant(self._spec.parameters[str(leaf.payload)], self._slots)
            if leaf.op == "clock":
                steps = Fraction(t) if moment is None else moment
                scale = ONE if leaf.payload == "t" else self._spec.dt or ONE
                return constant(steps * scale, self._slots)
            assert isinstance(leaf.payload, tuple)
            name, lag = leaf.payload
            if moment is None:
                return self._get((name, t - lag, 0))
            if stage > 1 and self._by_name[name].kind in {"flow", "algebraic"}:
                return self._get((name, t, stage))
            return self._get((name, t - 1, 0))

        return evaluate(tree, lookup, self._slots)

    def _integrate(self, t: int) -> None:
        """Take the flows from t - 1 to t: explicit Euler, or the classical Runge-Kutta method."""
        flows = [v for v in self._spec.variables if v.kind == "flow"]
        instants = [v for v in self._spec.variables if v.kind == "algebraic"]
        half = Fraction(1, 2)
        offsets = [ZERO] if self._spec.method == "euler" else [ZERO, half, half, ONE]
        weights = [ONE] if self._spec.method == "euler" else [Fraction(k, 6) for k in (1, 2, 2, 1)]
        for stage, offset in enumerate(offsets, 1):
            moment = Fraction(t - 1) + offset
            if stage > 1:
                for v in flows:
                    before = [(offset, f"{v.name}'", stage - 1)]
                    self._compute(
                        (v.name, t, stage), lambda v=v, p=before: self._moved(v.name, t, p)
                    )
                for v in instants:
                    self._stage_value(v.name, v, t, stage, moment)
            for v in flows:
                self._stage_value(f"{v.name}'", v, t, stage, moment)
        for v in flows:
            parts = [(w, f"{v.name}'", stage) for stage, w in enumerate(weights, 1)]
            try:
                self.table[v.name, t, -1] = self._moved(v.name, t, parts)
            except UndefinedError as error:
                self.table[v.name, t, -1] = error

    def _stage_value(
        self, name: str, variable: VariableSpec, t: int, stage: int, moment: Fraction
    ) -> None:
        tree = variable.expression
        assert tree is not None
        self._compute((name, t, stage), lambda: self._value(tree, t, stage, moment))

    def _moved(self, name: str, t: int, parts: list[tuple[Fraction, str, int]]) -> Dual:
        found = self._get((name, t - 1, 0))
        assert self._spec.dt is not None
        for weight, slope, stage in parts:
            found = _plus(found, self._get((slope, t, stage)), weight * self._spec.dt)
        return found


def _plus(a: Dual, b: Dual, factor: Fraction) -> Dual:
    slopes = tuple(
        None if p is None or q is None else add(p, mul(factor, q))
        for p, q in zip(a.slopes, b.slopes, strict=True)
    )
    touched = tuple(p or q for p, q in zip(a.touched, b.touched, strict=True))
    return Dual(add(a.value, mul(factor, b.value)), slopes, touched)


def true_effects(spec: Spec, noise: Mapping[str, list[Fraction]]) -> list[Effects | UndefinedError]:
    """Return the effects of n on m at every step, or why m has no value there.

    Where first order does not tell the branch of a nudge, or a jump is met, nudges of 2**-120 and
    2**-124 tell whether there is a derivative.

    Args:
        spec: The model and question.
        noise: The values that noise variables take, given as numbers.
    """
    table = _Interpreter(spec, noise, slots=SLOTS).run()
    found = [_effects(table[spec.target, t, 0]) for t in range(spec.steps + 1)]
    untold = [isinstance(e, Effects) and None in (*e.up, *e.down) for e in found]
    if any(untold):
        up, down = (_limits(spec, noise, sign) for sign in (1, -1))
        for t, effects in enumerate(found):
            if untold[t] and isinstance(effects, Effects):
                found[t] = dataclasses.replace(
                    effects,
                    up=_filled(effects.up, up[t]),
                    down=_filled(effects.down, down[t]),
                    jumped=True,
                )
    return found


def _filled(slopes: tuple[Slope, Slope], limits: tuple[Slope, Slope]) -> tuple[Slope, Slope]:
    return tuple(b if a is None else a for a, b in zip(slopes, limits, strict=True))  # type: ignore[return-value]


def _limits(
    spec: Spec, noise: Mapping[str, list[Fraction]], sign: int
) -> list[tuple[Slope, Slope]]:
    """Return the difference quotients of very small nudges where they settle, else None."""
    pairs = [finite_effects(spec, noise, Fraction(sign, 2**n)) for n in (120, 124)]
    found: list[tuple[Slope, Slope]] = []
    for a, b in zip(*pairs, strict=True):
        if isinstance(a, UndefinedError) or isinstance(b, UndefinedError):
            found.append((None, None))
        else:
            found.append((_settled(a[0], b[0]), _settled(a[1], b[1])))
    return found


def _settled(coarse: Number, fine: Number) -> Slope:
    small = CONTEXT.mpf(10) ** -18
    if abs(real(fine)) < small and abs(real(coarse)) < small:
        return ZERO
    return fine if abs(real(sub(coarse, fine))) < small * abs(real(fine)) else None


def _effects(node: Dual | UndefinedError) -> Effects | UndefinedError:
    if isinstance(node, UndefinedError):
        return node
    total, direct, total_down, direct_down = node.slopes
    down = (_negative(total_down), _negative(direct_down))
    return Effects(node.value, (total, direct), down)


def _negative(slope: Slope) -> Slope:
    return None if slope is None else -slope


def finite_effects(
    spec: Spec, noise: Mapping[str, list[Fraction]], size: Fraction
) -> list[tuple[Number, Number] | UndefinedError]:
    """Return the difference quotients of m at every step, from the worlds W, X and Y themselves."""
    w = _Interpreter(spec, noise, slots=0).run()
    x = _Interpreter(dataclasses.replace(spec, hold={}), noise, slots=0, size=size).run()
    y = _Interpreter(spec, noise, slots=0, size=size, held=w).run()
    found: list[tuple[Number, Number] | UndefinedError] = []
    for t in range(spec.steps + 1):
        nodes = [table[spec.target, t, 0] for table in (w, x, y)]
        bad = [node for node in nodes if isinstance(node, UndefinedError)]
        if bad:
            found.append(bad[0])
            continue
        a, b, c = (node.value for node in nodes if isinstance(node, Dual))
        found.append((div(sub(b, a), size), div(sub(c, a), size)))
    return found
