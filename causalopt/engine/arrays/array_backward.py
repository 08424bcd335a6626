"""Adjoints of arrays along W: derivatives of a measured node by all nodes before it.

W is kept as far as memory allows; of a longer run every so many steps are kept, and the steps
between are run again, so that memory grows with the square root of the length.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

from causalopt.engine.arrays.array_course import Draw, Row, lookup, rows
from causalopt.engine.arrays.array_forward import is_faint
from causalopt.engine.arrays.array_plan import ArrayPlan, Values
from causalopt.engine.arrays.array_step import KINDS, ArrayStep
from causalopt.model.arrays.array_template import ArrayTemplate
from causalopt.tensors import tensor_algebra as algebra
from causalopt.tensors.building import elementwise, expanded, given
from causalopt.tensors.cotangent import cotangents
from causalopt.tensors.lifting import lifted
from causalopt.tensors.tensor import Tensor, inputs
from causalopt.tensors.tensor_source import compiled

Disturb: TypeAlias = Callable[[Row], None]
_EVERY = 32
_FAR = 2.0**200
_KEPT_BYTES = 1 << 30


@dataclasses.dataclass(frozen=True, eq=False)
class ArrayAdjoint:
    """Derivatives of a measured node along directions of it, by every node of some variables.

    A derivative is mantissa * 2**exponent.

    Attributes:
        total: Variable -> derivatives over all paths, mantissas, shape [t, direction, *shape].
        direct: Likewise over the paths that avoid A.
        exponents: Of total and direct, shape [t, 2].
        faint: For total and direct the step up to which a zero may be a derivative too small beside
            others for floats, -1 for none.
    """

    total: dict[str, Values]
    direct: dict[str, Values]
    exponents: Values
    faint: tuple[int, int] = (-1, -1)


def adjoint_of(
    plan: ArrayPlan,
    target: str,
    directions: Values,
    wanted: Iterable[str],
    draw: Draw | None = None,
    *,
    at: int | None = None,
    kinds: Sequence[str] = KINDS,
    disturb: Disturb | None = None,
) -> ArrayAdjoint:
    """Return the derivatives of a node along directions by the nodes of some variables.

    Args:
        plan: W's run, with A.
        target: The measured variable.
        directions: What of it is measured, shape [direction, *shape].
        wanted: By which variables.
        draw: Gives the noises' values at a step.
        at: The measured step; the last one when None.
        kinds: Which derivatives: total, direct or both; the others are left 0.
        disturb: Changes W's rows and the derivatives passed back, each once it is made.
    """
    last = plan.steps if at is None else at
    plan = dataclasses.replace(plan, steps=last)
    template, names, count = plan.template, list(wanted), len(directions)
    found = {
        kind: {n: np.zeros((last + 1, count, *template.by_name[n].shape)) for n in names}
        for kind in KINDS
    }
    exponents = np.zeros((last + 1, 2), dtype=np.int64)
    bars = {kind: _Bars(plan, kind, count, disturb) for kind in kinds}
    for kind in kinds:
        bars[kind].start(target, last, directions)
    with np.errstate(all="ignore"):
        for t, row, past in _backwards(plan, draw, disturb):
            for kind in kinds:
                nodes = bars[kind].step(t, row, past)
                exponents[t, KINDS.index(kind)] = bars[kind].exponent
                for name in names:
                    if name in nodes:
                        found[kind][name][t] = nodes[name].reshape(found[kind][name][t].shape)
    faint = [bars[kind].faint if kind in bars else -1 for kind in KINDS]
    return ArrayAdjoint(found["total"], found["direct"], exponents, (faint[0], faint[1]))


def _backwards(
    plan: ArrayPlan, draw: Draw | None, disturb: Disturb | None
) -> Iterator[tuple[int, Row, list[Row]]]:
    """Yield (t, W at t, W before it, the last row first) from the last step to the first."""
    lag = max(plan.template.max_lag, 1)
    bytes_ = 8 * plan.template.numbers * (plan.steps + 1)
    length = plan.steps + 1 if bytes_ <= _KEPT_BYTES else max(lag, math.isqrt(plan.steps) + 1)
    marks: list[tuple[int, list[Row]]] = [(0, [])]
    if length <= plan.steps:
        marks = _marks(plan, draw, disturb, length, lag)
    for start, before in reversed(marks):
        stop = min(start + length - 1, plan.steps)
        piece = dataclasses.replace(plan, steps=stop)
        part = [*reversed(before), *_disturbed(piece, draw, start, before, disturb)]
        offset = len(before)
        for t in range(stop, start - 1, -1):
            place = offset + t - start
            yield t, part[place], [part[place - k] for k in range(1, min(lag, place) + 1)]


def _marks(
    plan: ArrayPlan, draw: Draw | None, disturb: Disturb | None, length: int, lag: int
) -> list[tuple[int, list[Row]]]:
    """Return (t, the rows before it, the last one first) for every so many steps of a run."""
    marks: list[tuple[int, list[Row]]] = []
    recent: list[Row] = []
    for t, row in enumerate(rows(plan, draw)):
        if disturb is not None:
            disturb(row)
        if t % length == 0:
            marks.append((t, recent))
        recent = [row, *recent][:lag]
    return marks


def _disturbed(
    plan: ArrayPlan, draw: Draw | None, start: int, before: list[Row], disturb: Disturb | None
) -> Iterator[Row]:
    for row in rows(plan, draw, start=start, before=before):
        if disturb is not None:
            disturb(row)
        yield row


class _Bars:
    """The derivatives by nodes that a sweep has gathered so far, of one kind."""

    def __init__(
        self, plan: ArrayPlan, kind: str, count: int, disturb: Disturb | None = None
    ) -> None:
        self._plan, self._count, self._disturb = plan, count, disturb
        self._held = kind == "direct"
        self.exponent = 0
        self.faint = -1
        self._gathered: dict[tuple[int, str], Values] = {}  # (step, variable)

    def start(self, target: str, t: int, directions: Values) -> None:
        self._gathered[t, target] = directions if self._count > 1 else directions[0]

    def step(self, t: int, row: Row, past: list[Row]) -> dict[str, Values]:
        """Return the derivatives by the nodes of step t, and pass them on to those before."""
        plan = self._plan
        if t % _EVERY == 0:
            self._rescale()
            if self.faint < 0 and any(is_faint(bar) for bar in self._gathered.values()):
                self.faint = t
        starting = frozenset(
            v.name
            for v in plan.template.variables
            if v.rule is not None and plan.initial_at(v, t) is not None
        )
        forced = frozenset(n for s, n in plan.forces if s == t)
        whole = plan.held_throughout if self._held else frozenset()
        masked = plan.held_partly if self._held else ()
        code = reverse_step(
            plan.template, starting, whole, (*masked, *(forced - starting)), self._count
        )
        masks = {("held", n): plan.mask_at(n, t) for n in masked}
        for name in forced - starting:
            force = plan.forces[t, name]
            own = True if force.mask is None else force.mask
            held = masks.get(("held", name), False)
            masks["held", name] = np.broadcast_to(
                np.logical_or(own, held), plan.template.by_name[name].shape
            )
        look = lookup(plan, t, {**row, **masks}, past)  # type: ignore[arg-type]
        taken = [self._bar(t, key[1]) if key[0] == "bar" else look(key) for key in code.arguments]
        nodes: dict[str, Values] = {}
        for key, value in zip(code.outputs, code.function(*taken), strict=True):
            if key[0] == "node":
                nodes[key[1]] = np.asarray(value)
            else:
                place = (t - key[2], key[1])
                before = self._gathered.get(place)
                self._gathered[place] = value if before is None else before + value
        for name in plan.template.by_name:
            self._gathered.pop((t, name), None)
        if self._disturb is not None:
            self._disturb_gathered(t)
        return nodes

    def _disturb_gathered(self, t: int) -> None:
        """Disturb what one step has passed back."""
        row: Row = {("bar", name, s): bar for (s, name), bar in self._gathered.items() if s < t}
        assert self._disturb is not None
        self._disturb(row)
        self._gathered |= {(s, name): bar for (_, name, s), bar in row.items()}

    def _bar(self, t: int, name: str) -> Values:
        found = self._gathered.get((t, name))
        if found is not None:
            return found
        shape = self._plan.template.by_name[name].shape
        return np.zeros(shape if self._count == 1 else (self._count, *shape))

    def _rescale(self) -> None:
        largest = max(
            (float(np.max(np.abs(bar), initial=0.0)) for bar in self._gathered.values()),
            default=0.0,
        )
        if not np.isfinite(largest) or largest == 0 or 1 / _FAR < largest < _FAR:
            return
        shift = int(np.frexp(largest)[1])
        self._gathered = {key: np.ldexp(bar, -shift) for key, bar in self._gathered.items()}
        self.exponent += shift


@functools.lru_cache(maxsize=64)
def reverse_step(
    template: ArrayTemplate,
    starting: frozenset[str],
    held: frozenset[str],
    masked: tuple[str, ...],
    count: int,
) -> ArrayStep:
    """Return a step that takes derivatives by its nodes and gives those by what they read.

    Args:
        template: The variables.
        starting: Variables whose rule does not apply at the step.
        held: Variables that are wholly in A.
        masked: Variables of which the part ("held", variable) is in A or forced.
        count: The number of directions.

    Returns:
        Outputs ("node", variable) and ("back", variable, lag).
    """
    bars: dict[str, Tensor] = {
        v.name: given("bar", v.name, shape=v.shape) for v in template.variables
    }
    starts = dict(bars)
    back: dict[tuple[str, int], Tensor] = {}
    for variable in reversed(template.variables):
        name, rule = variable.name, variable.rule
        if rule is None or name in starting or name in held:
            continue
        seed = bars[name]
        if name in masked:
            mask = given("held", name, shape=variable.shape)
            seed = elementwise("where", mask, algebra.ZERO, seed)
        wanted = [leaf for leaf in inputs(rule) if leaf.payload[0] == "ref"]
        for leaf, cotangent in cotangents({rule: expanded(seed, rule.shape)}, wanted).items():
            if cotangent is None:
                continue
            _, parent, lag = leaf.payload
            if lag == 0:
                bars[parent] = algebra.add(bars[parent], cotangent)
            else:
                before = back.get((parent, lag))
                back[parent, lag] = cotangent if before is None else algebra.add(before, cotangent)
    keys: list[tuple[Any, ...]] = [("node", name) for name in bars]
    keys += [("back", *place) for place in back]
    roots = [*bars.values(), *back.values()]
    if count > 1:
        wide = {b: given(*b.payload, shape=(count, *b.shape)) for b in starts.values()}
        shapes = [(count, *root.shape) for root in roots]
        many = lifted(roots, wide, count)
        roots = [expanded(x, shape) for x, shape in zip(many, shapes, strict=True)]
    arguments = inputs(*roots)
    function = compiled(roots, arguments)
    return ArrayStep(function, tuple(x.payload for x in arguments), tuple(keys))
