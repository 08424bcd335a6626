"""Step code in Python, generated from terms: straight lines, no look-ups, IEEE results.

Generated names are numbered; nothing a user wrote enters the text. In it, `w3` is equation 3 in
world W at this step and `w3_1` one step ago, `x3` and `y3` its total and direct tangents, `p3` and
`q3` the rounding errors these carry (in units of the float's epsilon), `c2` parameter 2, `h3`
whether equation 3 is in A. Values of long ago stand in rings, lists that are written round and
round: `w3r` is that of equation 3 in world W. In the reverse sweep `x3_1` is the adjoint of
equation 3 one step back over all paths, `y` avoids A, and `p` and `q` are again what they carry.
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
from causalopt.engine.rescaling import STEP_SIGN, is_odd
from causalopt.language.operations import OPERATIONS
from causalopt.language.term import Term, leaves, operands, postorder, rounded
from causalopt.model.template import Structure

TANGENTS = "xypq"
FAR = 64  # steps; a longer lag is read from a ring; at least RESCALE
_LONGEST_LINE = 400


@dataclasses.dataclass(frozen=True)
class Slots:
    """Which lagged values a step reads.

    Attributes:
        slots: `(equation, lag)` for every lag up to the largest one read.
        near: Those that each step passes on to the next, in the order of the state.
        rings: `(equation, depth)` of those read from longer ago: so many values are kept in a ring.
        far: `(equation, lag)` of what is read from rings.
    """

    slots: tuple[tuple[int, int], ...]
    near: tuple[tuple[int, int], ...]
    rings: tuple[tuple[int, int], ...]
    far: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, structure: Structure) -> Slots:
        """Return the state a structure needs."""
        index = {name: i for i, name in enumerate(structure.names)}
        read: dict[int, set[int]] = {}
        for leaf in leaves(*(rule for rule in structure.rules if rule is not None)):
            if isinstance(leaf.payload, tuple) and leaf.payload[1]:
                read.setdefault(index[leaf.payload[0]], set()).add(leaf.payload[1])
        depths = [(i, max(lags)) for i, lags in sorted(read.items())]
        short = {i: max((lag for lag in lags if lag <= FAR), default=0) for i, lags in read.items()}
        return cls(
            tuple((i, lag) for i, depth in depths for lag in range(1, depth + 1)),
            tuple((i, lag) for i, _ in depths for lag in range(1, short[i] + 1)),
            tuple((i, depth) for i, depth in depths if depth > FAR),
            tuple((i, lag) for i, _ in depths for lag in sorted(read[i]) if lag > FAR),
        )

    def names(self, worlds: str) -> list[str]:
        """Return the local names of the state, world by world."""
        return [f"{world}{i}_{lag}" for world in worlds for i, lag in self.near]

    def ring_names(self, worlds: str) -> list[str]:
        """Return the local names of the rings, world by world."""
        return [f"{world}{i}r" for world in worlds for i, _ in self.rings]


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
            value = rounded(payload)
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
        terms, carried = (
            [
                _tangent(kind, partial)
                if slope == "1.0"
                else f"{slope} * {_tangent(kind, partial)}"
                for slope, partial in zip(slopes, partials, strict=True)
            ]
            for kind in (tangent, error)
        )
        value = " + ".join(terms) or "0.0"
        # A product and a sum each round once: one unit of their size, signed as `rescaling` says.
        rounding = " + ".join(f"abs({term})" for term in terms) or "0.0"
        noise = f"{' + '.join(carried) or '0.0'} {'+-'[is_odd(child)]} s * ({rounding})"
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
        advance: `advance(t0, t1, parameters, state, rings, held, out, rows, seed)` runs steps
            t0..t1-1, appends one tuple a step to `out`, writes into the rings, and returns the new
            state and the first kink.
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
    unpack = _taken(state, "state")
    parameters = ", ".join(f"c{i}" for i in range(len(structure.parameters)))
    held = ", ".join(f"h{i}" for i in range(len(structure.names)))
    shift = [
        f"{world}{i}_{lag} = {world}{i}_{lag - 1}" if lag > 1 else f"{world}{i}_1 = {world}{i}"
        for world in worlds
        for i, lag in sorted(layout.near, key=lambda slot: -slot[1])
    ]
    source = "\n".join(
        [
            "def advance(t0, t1, parameters, state, rings, held, out, rows, seed):",
            f"    ({parameters},) = parameters",
            f"    {unpack}",
            f"    {_taken(layout.ring_names(worlds), 'rings')}",
            f"    ({held},) = held",
            "    append = out.append",
            "    kink = -1",
            *(f"    {line}" for line in hoisted),
            "    for t in range(t0, t1):",
            *(f"        {line}" for line in _recalled(layout, worlds)),
            *(f"        {line}" for line in lines),
            *(f"        {line}" for line in shift),
            *(
                f"        {w}{i}r[t % {depth}] = {w}{i}"
                for w in worlds
                for i, depth in layout.rings
            ),
            f"    return ({', '.join(state)}{',' if state else ''}), kink",
        ]
    )
    return Kernel(_function(source, "advance"), layout, worlds)


def _taken(names: list[str], source: str) -> str:
    return f"({', '.join(names)},) = {source}" if names else "pass"


def _recalled(layout: Slots, worlds: str) -> list[str]:
    """Return lines that take values of long ago from their rings."""
    depths = dict(layout.rings)
    return [
        f"{w}{i}_{lag} = {w}{i}r[(t - {lag}) % {depths[i]}]"
        for w in worlds
        for i, lag in layout.far
    ]


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
        lines.append(f"s = {STEP_SIGN}")
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


@dataclasses.dataclass(frozen=True)
class ReverseKernel:
    """Generated code of the sweep.

    What a child of long ago passes waits in its parent's ring for the step it belongs to.

    Attributes:
        sweep: `sweep(t0, t1, state, rings, slopes, cut, rows, seed)` goes back from t1-1 to t0.
        size: How many numbers its state has.
        depths: The lengths of each world's rings.
        far: `(ring, lag)` of what is passed to rings.
    """

    sweep: Callable[..., tuple[float, ...]]
    size: int
    depths: tuple[int, ...]
    far: tuple[tuple[int, int], ...]


@functools.lru_cache(maxsize=64)
def reverse_kernel(structure: Structure) -> ReverseKernel:
    """Return the code of a structure's reverse sweep."""
    linear = linearize(structure)
    width = len(structure.names)
    depth = max((p.lag for p in linear.partials if p.lag <= FAR), default=0)
    far = sorted({(p.parent, p.lag) for p in linear.partials if p.lag > FAR})
    depths = dict(far)  # the longest of each comes last
    rings = [f"{w}{i}r" for w in TANGENTS for i in depths]
    state = [f"{w}{i}_{lag}" for w in TANGENTS for lag in range(depth + 1) for i in range(width)]
    lines = [
        "force, hold = cut[t - t0]",
        f"({''.join(f's{k}, ' for k in range(len(linear.partials)))}) = slopes[t - t0]"
        if linear.partials
        else "pass",
        f"s = {STEP_SIGN}",
        *[f"if seed == {i}: x{i}_0 += 1.0; y{i}_0 += 1.0" for i in range(width)],
        "seed = -1",
    ]
    numbered: dict[int, list[tuple[int, int, int]]] = {}
    for k, partial in enumerate(linear.partials):
        numbered.setdefault(partial.child, []).append((k, partial.parent, partial.lag))
    for child in reversed(range(width)):
        sign = "+-"[is_odd(child)]
        found = numbered.get(child, [])
        for value, error, cut in (("x", "p", "force"), ("y", "q", "hold")) if found else ():
            lines.append(f"if not {cut}[{child}]:")
            for k, parent, lag in found:
                noise = f"s{k} * {error}{child}_0 {sign} s * abs(r)"
                lines.append(f"    r = s{k} * {value}{child}_0")
                at = f"r[(t - {lag}) % {depths[parent]}]" if lag > FAR else f"_{lag}"
                lines.append(f"    {value}{parent}{at} += r")
                lines.append(f"    {error}{parent}{at} += {noise}")
    lines.append(f"append(({', '.join(f'{w}{i}_0' for w in TANGENTS for i in range(width))},))")
    for w in TANGENTS:
        for i in range(width):
            chain = [f"{w}{i}_{lag}" for lag in range(depth + 1)]
            place = f"{w}{i}r[(t - {depth + 1}) % {depths[i]}]" if i in depths else ""
            lines.append(
                f"{', '.join(chain)}{',' * (not depth)} = "
                f"{', '.join([*chain[1:], place or '0.0'])}{',' * (not depth)}"
            )
            lines += [f"{place} = 0.0"] * bool(place)
    source = "\n".join(
        [
            "def sweep(t0, t1, state, rings, slopes, cut, rows, seed):",
            f"    ({', '.join(state)},) = state",
            f"    {_taken(rings, 'rings')}",
            "    append = rows.append",
            "    for t in range(t1 - 1, t0 - 1, -1):",
            *(f"        {line}" for line in lines),
            f"    return ({', '.join(state)},)",
        ]
    )
    return ReverseKernel(
        _function(source, "sweep"),
        len(state),
        tuple(depths.values()),
        tuple(([*depths].index(parent), lag) for parent, lag in far),
    )


def _function(source: str, name: str) -> Callable[..., Any]:
    code: CodeType = compile(source, "<causalopt step>", "exec")
    namespace: dict[str, Any] = {f"_{name}": record.floats for name, record in OPERATIONS.items()}
    namespace |= {"inf": math.inf, "nan": math.nan}
    exec(code, namespace)  # the text is generated above, from numbered names only
    function: Callable[..., Any] = namespace[name]
    return function
