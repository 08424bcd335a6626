"""Step code in Python, generated from terms: straight lines, no look-ups, IEEE results.

Generated names are numbered; nothing a user wrote enters the text. In it, `w3` is equation 3 in
world W at this step and `w3_1` one step ago, `x3` and `y3` its total and direct tangents, `p3` and
`q3` the rounding errors these carry (in units of the float's epsilon), `c2` parameter 2, `h3`
whether equation 3 is in A.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections import Counter
from collections.abc import Callable, Iterable
from fractions import Fraction
from types import CodeType
from typing import Any

from causalopt.engine.linearization import Gap, Linearization, Partial, linearize
from causalopt.language.operations import OPERATIONS
from causalopt.language.term import Term, leaves, operands, postorder
from causalopt.model.template import Structure

TANGENTS = "xypq"
_LONGEST_LINE = 400


@dataclasses.dataclass(frozen=True)
class Slots:
    """Which lagged values a step reads: `(equation, lag)` pairs, in the order of the state."""

    slots: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, structure: Structure) -> Slots:
        """Return the state a structure needs: every lag up to the largest one read."""
        index = {name: i for i, name in enumerate(structure.names)}
        depth: Counter[int] = Counter()
        for leaf in leaves(*(rule for rule in structure.rules if rule is not None)):
            if isinstance(leaf.payload, tuple):
                name, lag = leaf.payload
                depth[index[name]] = max(depth[index[name]], lag)
        return cls(tuple((i, lag) for i in sorted(depth) for lag in range(1, depth[i] + 1)))

    def names(self, worlds: str) -> list[str]:
        """Return the local names of the state, world by world."""
        return [f"{world}{i}_{lag}" for world in worlds for i, lag in self.slots]


class _Writer:
    """Lines of one loop body, with every shared term computed once."""

    def __init__(self, structure: Structure, roots: Iterable[Term]) -> None:
        self._index = {name: i for i, name in enumerate(structure.names)}
        self._parameters = {name: i for i, name in enumerate(structure.parameters)}
        self._uses: Counter[Term] = Counter()
        self._moving: dict[Term, bool] = {}
        roots = list(roots)
        self._uses.update(roots)
        for term in postorder(*roots):
            self._uses.update(term.args)
            self._moving[term] = term.op in {"ref", "t"} or any(
                self._moving[arg] for arg in term.args
            )
        self._text: dict[Term, str] = {}
        self.hoisted: list[str] = []
        self.lines: list[str] = []

    def write(self, root: Term) -> str:
        """Return the text of a term's value, after writing the lines it needs."""
        stack = [root]
        while stack:
            term = stack[-1]
            missing = [arg for arg in term.args if arg not in self._text]
            if missing and term not in self._text:
                stack += missing
                continue
            stack.pop()
            if term not in self._text:
                self._text[term] = self._place(term)
        return self._text[root]

    def _place(self, term: Term) -> str:
        text = self._compose(term)
        if term.is_leaf:
            return text
        fixed = not self._moving.get(term, True)
        if not fixed and self._uses[term] <= 1 and len(text) < _LONGEST_LINE:
            return text
        name = f"{'g' if fixed else 'v'}{len(self._text)}"
        (self.hoisted if fixed else self.lines).append(f"{name} = {text}")
        return name

    def _compose(self, term: Term) -> str:
        if term.is_leaf:
            return self._leaf(term)
        args = operands(term, self._text)
        if term.op == "div":
            divisor = term.args[1].payload
            if isinstance(divisor, Fraction) and float(divisor) != 0:
                return f"({args[0]} / {args[1]})"
        if term.op == "ipow" and term.payload == 2:
            return f"({args[0]} * {args[0]})"
        template = OPERATIONS[term.op].python
        return template.format(*args) if template else f"_{term.op}({', '.join(map(str, args))})"

    def _leaf(self, term: Term) -> str:
        payload = term.payload
        if isinstance(payload, Fraction):
            try:
                value = float(payload)
            except OverflowError:
                value = math.copysign(math.inf, payload)
            return f"({value!r})" if value < 0 else repr(value)
        if isinstance(payload, tuple):
            name, lag = payload
            return f"w{self._index[name]}_{lag}" if lag else f"w{self._index[name]}"
        if term.op == "param":
            return f"c{self._parameters[str(payload)]}"
        return {"dt": f"c{self._parameters['dt']}", "t": "float(t)", "pi": repr(math.pi)}[term.op]


def _tangent(kind: str, partial: Partial) -> str:
    lag = f"_{partial.lag}" if partial.lag else ""
    return f"{kind}{partial.parent}{lag}"


def _tangent_lines(child: int, linear: Linearization, writer: _Writer) -> list[str]:
    """Write the tangents of one equation: sums of partial * parent's tangent, 0 where held."""
    partials, is_copy = linear.of(child), linear.is_copy(child)
    slopes = [writer.write(partial.term) for partial in partials]
    lines = []
    for tangent, error in ("xp", "yq"):
        terms = [
            f"{slope} * {_tangent(tangent, partial)}"
            if slope != "1.0"
            else _tangent(tangent, partial)
            for slope, partial in zip(slopes, partials, strict=True)
        ]
        carried = [
            f"{slope} * {_tangent(error, partial)}" if slope != "1.0" else _tangent(error, partial)
            for slope, partial in zip(slopes, partials, strict=True)
        ]
        value = " + ".join(terms) or "0.0"
        # A product and a sum each round once: one unit of their size, with a sign that no
        # recurrence can keep step with.
        rounding = " + ".join(f"abs({term})" for term in terms) or "0.0"
        noise = f"{' + '.join(carried) or '0.0'} {'+-'[child.bit_count() & 1]} s * ({rounding})"
        if is_copy:
            noise = carried[0]
        held = f" if not h{child} else 0.0" if tangent == "y" else ""
        lines.append(f"{tangent}{child} = ({value}){held}")
        lines.append(f"{error}{child} = ({noise}){held}")
    return lines


def _gap_lines(gap: Gap, writer: _Writer) -> list[str]:
    left, right = writer.write(gap.kink.left), writer.write(gap.kink.right)
    guard = "" if gap.kink.guard is None else f" and {writer.write(gap.kink.guard)}"
    slopes = [(writer.write(p.term), p) for p in gap.slopes]
    moves = " or ".join(
        f"({' + '.join(f'{slope} * {_tangent(kind, p)}' for slope, p in slopes)}) != 0.0"
        for kind in "xy"
    )
    return [f"if kink < 0 and {left} == {right}{guard} and ({moves}): kink = t"] if slopes else []


@dataclasses.dataclass(frozen=True)
class Kernel:
    """Compiled step code.

    Attributes:
        advance: `advance(t0, t1, parameters, state, held, out, rows, seed)` runs steps
            t0..t1-1, appends one tuple a step to `out`, returns the new state and the first kink.
        layout: The state's layout.
        worlds: The letters of the quantities carried, in the order they are appended.
    """

    advance: Callable[..., tuple[tuple[float, ...], int]]
    layout: Slots
    worlds: str


@functools.lru_cache(maxsize=128)
def kernel(
    structure: Structure, *, tangents: bool, careful: bool, extras: tuple[Term, ...] = ()
) -> Kernel:
    """Return step code for a structure.

    Args:
        structure: The template's rules.
        tangents: Whether total and direct tangents are carried beside W.
        careful: Whether nodes may be forced, shifted or seeded (for the few steps that need it).
        extras: Further terms whose values each step appends.
    """
    layout = Slots.of(structure)
    linear = linearize(structure) if tangents else Linearization((), ())
    lines, hoisted = _body(structure, linear, tangents, careful, extras)
    worlds = "w" + (TANGENTS if tangents else "")
    state = layout.names(worlds)
    unpack = f"({', '.join(state)},) = state" if state else "pass"
    parameters = ", ".join(f"c{i}" for i in range(len(structure.parameters)))
    held = ", ".join(f"h{i}" for i in range(len(structure.names)))
    shift = [
        f"{world}{i}_{lag} = {world}{i}_{lag - 1}" if lag > 1 else f"{world}{i}_1 = {world}{i}"
        for world in worlds
        for i, lag in sorted(layout.slots, key=lambda slot: -slot[1])
    ]
    source = "\n".join(
        [
            "def advance(t0, t1, parameters, state, held, out, rows, seed):",
            f"    ({parameters},) = parameters",
            f"    {unpack}",
            f"    ({held},) = held",
            "    append = out.append",
            "    kink = -1",
            *(f"    {line}" for line in hoisted),
            "    for t in range(t0, t1):",
            *(f"        {line}" for line in lines),
            *(f"        {line}" for line in shift),
            f"    return ({', '.join(state)}{',' if state else ''}), kink",
        ]
    )
    return Kernel(_function(source), layout, worlds)


def _body(
    structure: Structure,
    linear: Linearization,
    tangents: bool,
    careful: bool,
    extras: tuple[Term, ...],
) -> tuple[list[str], list[str]]:
    roots = [rule for rule in structure.rules if rule is not None]
    roots += [partial.term for partial in linear.partials]
    roots += [t for g in linear.gaps for t in (g.kink.left, g.kink.right, g.kink.guard) if t]
    roots += [partial.term for gap in linear.gaps for partial in gap.slopes]
    writer = _Writer(structure, [*roots, *extras])
    lines = writer.lines
    if careful:
        lines.append("force, values, shifts = rows[t - t0]")
    if tangents:
        lines.append("s = -1.0 if (t & (t >> 1)).bit_count() & 1 else 1.0")
    for i, rule in enumerate(structure.rules):
        text = "nan" if rule is None else writer.write(rule)
        lines.append(f"w{i} = {text}")
        if careful:
            lines.append(f"if force[{i}]: w{i} = values[{i}]")
            lines.append(f"w{i} += shifts[{i}]")
        if tangents:
            for gap in linear.gaps:
                if gap.child == i:
                    lines += _gap_lines(gap, writer)
            lines += _tangent_lines(i, linear, writer)
            if careful:
                lines.append(f"if force[{i}]: x{i} = y{i} = p{i} = q{i} = 0.0")
                lines.append(f"if seed == {i}: x{i} += 1.0; y{i} += 1.0")
    outputs = [
        f"{world}{i}"
        for world in ("w" + TANGENTS if tangents else "w")
        for i in range(len(structure.names))
    ]
    outputs += [writer.write(term) for term in extras]
    lines.append(f"append(({', '.join(outputs)},))")
    return lines, writer.hoisted


def _function(source: str) -> Callable[..., tuple[tuple[float, ...], int]]:
    code: CodeType = compile(source, "<causalopt step>", "exec")
    namespace: dict[str, Any] = {f"_{name}": record.floats for name, record in OPERATIONS.items()}
    namespace |= {"inf": math.inf, "nan": math.nan}
    exec(code, namespace)
    advance: Callable[..., tuple[tuple[float, ...], int]] = namespace["advance"]
    return advance
