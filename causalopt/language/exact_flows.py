"""Flows that are affine in the flow variables, into rules that follow them exactly.

Over a step of length dt the solution of x' = A x + B u with u held is e^(A dt) x plus the integral
of e^(A s) B u: the zero-order hold of control (Astrom and Wittenmark, Computer-Controlled Systems,
1997, section 3.2). What the variables do inside the step is written out in nodes, so that any of
them may be held: `y.x` is what the course of y over the step adds to x at its end, and belongs to
y; `z.y.x` is what the course of z adds to that. In y.x the variables y and x are free and all
others act through their courses, in z.y.x those three are free, and so on. A held variable so acts
with the course it has in W, at every instant, as in the limit of a small dt of the others.

Each coefficient is one element of the exponential of a matrix in parameters: blocks in a chain, one
for the free variables of each name (Van Loan, IEEE Transactions on Automatic Control 23, 1978).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Mapping
from fractions import Fraction

from causalopt.language.algebra import ONE, ZERO, add, constant, div, mul, neg
from causalopt.language.flows import Stage, read_at_stages
from causalopt.language.scope import CLOCK, elapsed
from causalopt.language.term import REFERENCES, Term, const, leaves, postorder, ref, substitute
from causalopt.language.text import to_text

_MOST_NODES = 400
_INSTEAD = "write method: rk4, which takes any flow"
State = tuple[int, str]  # a flow variable in a level of the chain
_INPUT: State = (-1, "")


class NotExactError(Exception):
    """A flow or algebraic variable that has no exact step, and why."""

    def __init__(self, variable: str, message: str) -> None:
        super().__init__(message)
        self.variable, self.message = variable, message


@dataclasses.dataclass(frozen=True)
class _Affine:
    """A sum of elements (flow and algebraic variables) and inputs, each times a coefficient.

    Attributes:
        elements: Variable -> its coefficient, in parameters.
        inputs: What is held over the step, 1 for the constant -> its coefficient.
    """

    elements: Mapping[str, Term]
    inputs: Mapping[Term, Term]

    def times(self, factor: Term) -> _Affine:
        """Return the sum times a factor in parameters."""
        return _Affine(
            {e: c for e, k in self.elements.items() if (c := mul(factor, k)) is not ZERO},
            {u: c for u, k in self.inputs.items() if (c := mul(factor, k)) is not ZERO},
        )

    def plus(self, other: _Affine) -> _Affine:
        """Return the sum of both."""
        elements, inputs = dict(self.elements), dict(self.inputs)
        for e, k in other.elements.items():
            elements[e] = add(elements.get(e, ZERO), k)
        for u, k in other.inputs.items():
            inputs[u] = add(inputs.get(u, ZERO), k)
        return _Affine(
            {e: k for e, k in elements.items() if k is not ZERO},
            {u: k for u, k in inputs.items() if k is not ZERO},
        )


@dataclasses.dataclass(frozen=True)
class ExactSteps:
    """What affine flows become.

    Attributes:
        nodes: The rules.
        coefficients: Name -> a term in parameters and dt, for the names that the rules read.
        slopes: Flow or algebraic variable -> flow or algebraic variable that it reads -> its
            coefficient in the derivative, or in the value, a term in parameters.
    """

    nodes: list[Stage]
    coefficients: Mapping[str, Term]
    slopes: Mapping[str, Mapping[str, Term]]


def exact_steps(
    flows: Mapping[str, Term], algebraic: Mapping[str, Term], dt: Fraction
) -> ExactSteps:
    """Return the rules that follow affine flows exactly over one step.

    Args:
        flows: Variable -> its time derivative, with same-step references to variables, and
            `delayed` ones. Variables that are neither flows nor algebraic are held over the step.
        algebraic: Variable -> its value at every instant, likewise.
        dt: The length of a step, which `time` is counted in.

    Raises:
        NotExactError: A flow, or an algebraic variable that one reads, is not affine, has a
            coefficient or a term that moves within the step, or there are too many nodes.
    """
    return _Exact(flows, algebraic, dt).steps()


class _Exact:
    """The nodes of exact steps; a node is named by the path of its influence, `z.y.x`."""

    def __init__(
        self, flows: Mapping[str, Term], algebraic: Mapping[str, Term], dt: Fraction
    ) -> None:
        self._flows, self._algebraic, self._dt = flows, algebraic, dt
        read = read_at_stages(flows, algebraic)
        self._moving = {*flows, *algebraic}
        needed = [*flows, *(name for name in algebraic if name in read)]
        self._equations = {
            name: self._affine(flows.get(name) or algebraic[name], name) for name in needed
        }
        self._coefficients: dict[str, Term] = {}
        self._names: dict[Term, str] = {}
        self._nodes: list[Stage] = []

    def steps(self) -> ExactSteps:
        """Return all nodes, with what they are made of."""
        for name in self._flows:
            self._write((name,))
        instants = [Stage(v, self._at_instant(v), v) for v in self._algebraic]
        slopes = {name: form.elements for name, form in self._equations.items()}
        return ExactSteps([*self._nodes, *instants], self._coefficients, slopes)

    def _write(self, path: tuple[str, ...]) -> None:
        """Write the node of a path, from what it acts on to what acts, and those it reads."""
        if len(self._nodes) >= _MOST_NODES:
            raise NotExactError(
                path[0],
                f"too many flows act on each other: their courses within a step are more than "
                f"{_MOST_NODES} nodes; {_INSTEAD}",
            )
        prefixes = [path[: i + 1] for i in range(len(path))]
        chain = _Chain(path, [_level(p, self._equations, self._flows) for p in prefixes])
        last = chain.levels[-1]
        name = ".".join(reversed(path))
        found = chain.elements()
        parts = [
            mul(self._coefficient(weight, name, v), ref(v, 1))
            for (_, v), weight in found.items()
            if v
        ]
        for held in last.inputs:
            parts += self._pushes(chain, held, name)
        outside = last.outside
        parts += [ref(".".join((other, name)), 0) for other in outside]
        rule = ZERO
        for part in parts:
            rule = add(rule, part)
        self._nodes.append(Stage(name, rule, path[-1]))
        for other in outside:
            self._write((*path, other))

    def _pushes(self, chain: _Chain, held: Term, name: str) -> list[Term]:
        """Return what an input adds, in a part for each value that it has during the step."""
        delays = [part.args[1].payload for part in postorder(held) if part.op == "delayed"]
        cuts = {d % 1 for d in delays if isinstance(d, Fraction)} | {Fraction(0)}
        starts = sorted(cuts)
        parts = []
        for start, end in zip(starts, [*starts[1:], Fraction(1)], strict=True):
            weight = chain.elements(held, 1 - start).get(_INPUT, ZERO)
            if end < 1:
                weight = add(weight, neg(chain.elements(held, 1 - end).get(_INPUT, ZERO)))
            source = f"{to_text(self._shown(held), static=True)} from {start}"
            value = self._held_at(held, start - 1)
            parts.append(mul(self._coefficient(weight, name, source), value))
        return parts

    def _coefficient(self, term: Term, child: str, parent: str) -> Term:
        """Return a parameter for a coefficient, or the constant that it is."""
        if constant(term) is not None:
            return term
        if term not in self._names:
            name = f"{child} by {parent}"  # no declared name has a blank
            self._names[term] = name
            self._coefficients[name] = term
        return Term.of("param", payload=self._names[term])

    def _affine(self, term: Term, name: str) -> _Affine:
        """Return a flow or an algebraic variable as a sum, `name` its own."""
        self._refuse_moving_terms(term, name)
        if not self._reads_elements(term):
            return self._held(term)
        args = term.args
        if term.op == "ref":
            assert isinstance(term.payload, tuple)
            return _Affine({term.payload[0]: ONE}, {})
        if term.op in {"add", "sub"}:
            left, right = (self._affine(arg, name) for arg in args)
            return left.plus(right if term.op == "add" else right.times(const(-1)))
        if term.op == "neg":
            return self._affine(args[0], name).times(const(-1))
        if term.op == "mul":
            for factor, rest in (args, args[::-1]):
                if not factor.holds & REFERENCES:
                    return self._affine(rest, name).times(factor)
        if term.op == "div" and not args[1].holds & REFERENCES:
            return self._affine(args[0], name).times(div(ONE, args[1]))
        if term.op == "ipow" and term.payload == 1:
            return self._affine(args[0], name)
        raise self._not_affine(term, name)

    def _held(self, term: Term) -> _Affine:
        """Return a term that no element moves: its parts in parameters, and what is held."""
        if not term.holds & REFERENCES:
            return _Affine({}, {} if term is ZERO else {ONE: term})
        args = term.args
        if term.op in {"add", "sub"}:
            left, right = (self._held(arg) for arg in args)
            return left.plus(right if term.op == "add" else right.times(const(-1)))
        if term.op == "neg":
            return self._held(args[0]).times(const(-1))
        if term.op == "mul":
            for factor, rest in (args, args[::-1]):
                if not factor.holds & REFERENCES:
                    return self._held(rest).times(factor)
        if term.op == "div" and not args[1].holds & REFERENCES:
            return self._held(args[0]).times(div(ONE, args[1]))
        return _Affine({}, {term: ONE})

    def _reads_elements(self, term: Term) -> bool:
        return any(
            isinstance(leaf.payload, tuple) and leaf.payload[0] in self._moving
            for leaf in leaves(term)
        )

    def _refuse_moving_terms(self, term: Term, name: str) -> None:
        for part in postorder(term):
            if part is CLOCK["time"]:
                raise NotExactError(
                    name,
                    "method: exact holds what it does not integrate over a step, and this reads "
                    f"time: give time's part to a variable with a rule and 'sampled: true', or "
                    f"{_INSTEAD}",
                )
            if part.op == "delayed" and self._reads_elements(part.args[0]):
                text = to_text(self._shown(part))
                raise NotExactError(
                    name,
                    f"'{text}' moves within the step, and method: exact has no formula for a delay "
                    f"equation: delay a variable with a rule, or {_INSTEAD}",
                )

    def _not_affine(self, term: Term, name: str) -> NotExactError:
        text = to_text(self._shown(term), static=True)
        factors = [self._reads_elements(arg) for arg in term.args]
        if (term.op, *factors) in {
            ("mul", True, False),
            ("mul", False, True),
            ("div", True, False),
        }:
            why = "has a coefficient that changes from step to step"
        else:
            why = "is not affine in the flow variables"
        return NotExactError(
            name,
            f"'{text}' {why}: method: exact takes sums of flow and algebraic variables times "
            f"parameters, and of what is held over a step; {_INSTEAD}",
        )

    def _shown(self, term: Term) -> Term:
        """Return a term with its delayed values under the names that they are written by."""
        names = {}
        for part in postorder(term):
            if part.op == "delayed":
                variable, steps = part.args[0].payload, part.args[1].payload
                assert isinstance(variable, tuple)
                assert isinstance(steps, Fraction)
                text = f"{variable[0]}[time - {float(steps * self._dt):g}]"
                names[part] = Term.of("param", payload=text)
        return substitute(term, names)

    def _held_at(self, term: Term, place: Fraction) -> Term:
        """Return an input from `place` steps after t on; it has the values of the step's start."""
        exchange: dict[Term, Term] = {}
        for part in postorder(term):
            if part.op == "delayed":
                name, steps = part.args[0].payload, part.args[1].payload
                assert isinstance(name, tuple)
                assert isinstance(steps, Fraction)
                exchange[part] = ref(name[0], -math.floor(place - steps))
            elif part.op == "ref":
                assert isinstance(part.payload, tuple)
                exchange[part] = ref(part.payload[0], 1)
        return substitute(term, exchange)

    def _at_instant(self, name: str) -> Term:
        """Return an algebraic variable at t itself."""
        term = self._algebraic[name]
        exchange = {CLOCK["time"]: elapsed(CLOCK["t"], self._dt)}
        for part in postorder(term):
            if part.op == "delayed":
                variable, steps = part.args[0].payload, part.args[1].payload
                assert isinstance(variable, tuple)
                assert isinstance(steps, Fraction)
                if variable[0] in self._moving and steps.denominator != 1:
                    raise NotExactError(
                        name,
                        f"'{to_text(self._shown(part))}' is read between two steps: with method: "
                        f"exact a lag of a flow is a whole number of steps; {_INSTEAD}",
                    )
                exchange[part] = ref(variable[0], math.ceil(steps))
        return substitute(term, exchange)


@dataclasses.dataclass(frozen=True)
class _Level:
    """The free variables of a path that act on its last one.

    Attributes:
        rows: Flow variable -> its derivative, free algebraic variables put in.
        signal: The last variable's value.
    """

    rows: Mapping[str, _Affine]
    signal: _Affine

    @property
    def outside(self) -> list[str]:
        """The variables that act on these through their courses."""
        read = dict.fromkeys(
            e for form in (*self.rows.values(), self.signal) for e in form.elements
        )
        return [e for e in read if e not in self.rows]

    @property
    def inputs(self) -> list[Term]:
        """What is held over the step and acts on these."""
        forms = (*self.rows.values(), self.signal)
        return list(dict.fromkeys(u for form in forms for u in form.inputs))


class _Chain:
    """The levels of one path: each drives the one before it by its signal.

    Args:
        levels: From the variable whose end value is asked to the one whose course acts.
    """

    def __init__(self, path: tuple[str, ...], levels: list[_Level]) -> None:
        self._path, self.levels = path, levels
        self._signals = self._all_signals()

    def elements(self, held: Term = ONE, share: Fraction = Fraction(1)) -> dict[State, Term]:
        """Return what the first variable has of each source after a share of the step.

        The sources are the flow variables of the last level at the step's start, and the input.

        Args:
            held: Which input is meant.
            share: How much of the step passes.
        """
        end, last = (0, self._path[0]), len(self.levels) - 1
        slopes = self._slopes(held)
        sources = [*((last, name) for name in self.levels[last].rows), _INPUT]
        length = CLOCK["dt"] if share == 1 else mul(const(share), CLOCK["dt"])
        found: dict[State, Term] = {}
        states = _between(set(sources), end, slopes)
        entries = [mul(slopes.get((a, b), ZERO), length) for a in states for b in states]
        for source in states:
            if source not in sources:
                continue
            alone = source == end and _between({end}, end, slopes) == [end]
            found[source] = (
                _scalar(mul(slopes.get((end, end), ZERO), length))
                if alone
                else Term.of("expm", *entries, payload=states.index(source))
            )
        return found

    def _all_signals(self) -> list[tuple[dict[State, Term], dict[Term, Term]]]:
        """Return each level's signal in flow variables of its own and later levels, and inputs."""
        found: list[tuple[dict[State, Term], dict[Term, Term]]] = []
        for i in range(len(self.levels) - 1, -1, -1):
            found.insert(0, self._spelled(i, self.levels[i].signal, found))
        return found

    def _spelled(
        self, i: int, form: _Affine, later: list[tuple[dict[State, Term], dict[Term, Term]]]
    ) -> tuple[dict[State, Term], dict[Term, Term]]:
        """Return a sum at level i in flow variables and inputs, given the later levels' signals."""
        is_last = i == len(self.levels) - 1
        states: dict[State, Term] = {}
        inputs = dict(form.inputs) if is_last else {}  # those of the others act by themselves
        for name, weight in form.elements.items():
            if name in self.levels[i].rows:
                states[i, name] = add(states.get((i, name), ZERO), weight)
            elif not is_last and name == self._path[i + 1]:
                driving, held = later[0]
                for state, c in driving.items():
                    states[state] = add(states.get(state, ZERO), mul(weight, c))
                for u, c in held.items():
                    inputs[u] = add(inputs.get(u, ZERO), mul(weight, c))
        return states, inputs

    def _slopes(self, held: Term) -> dict[tuple[State, State], Term]:
        """Return (state, what it follows) -> the coefficient in the state's derivative."""
        slopes: dict[tuple[State, State], Term] = {}
        for i, level in enumerate(self.levels):
            for name, form in level.rows.items():
                states, inputs = self._spelled(i, form, self._signals[i + 1 :])
                slopes |= {((i, name), state): c for state, c in states.items() if c is not ZERO}
                if inputs.get(held, ZERO) is not ZERO:
                    slopes[(i, name), _INPUT] = inputs[held]
        return slopes


def _scalar(exponent: Term) -> Term:
    return ONE if exponent is ZERO else Term.of("exp", exponent)


def _between(
    sources: set[State], end: State, slopes: Mapping[tuple[State, State], Term]
) -> list[State]:
    """Return the states on the ways from some to one, that one first."""
    after, before = _reached(sources, [(b, a) for a, b in slopes]), _reached({end}, list(slopes))
    states = {end, *(state for pair in slopes for state in pair)} & after & before
    return sorted(states, key=lambda state: (state != end, state == _INPUT, state))


def _reached(start: set[State], arrows: list[tuple[State, State]]) -> set[State]:
    found = set(start)
    while new := {b for a, b in arrows if a in found} - found:
        found |= new
    return found


def _level(
    path: tuple[str, ...], equations: Mapping[str, _Affine], flows: Collection[str]
) -> _Level:
    """Return the level of a path: of its variables, those that act on the last within it."""
    reach, stack = {path[-1]}, [path[-1]]
    while stack:
        for parent in equations[stack.pop()].elements:
            if parent in path and parent not in reach:
                reach.add(parent)
                stack.append(parent)

    def reduced(form: _Affine) -> _Affine:
        """Return a sum with the free algebraic variables put in."""
        found = _Affine({}, form.inputs)
        for name, weight in form.elements.items():
            put_in = name in reach and name not in flows
            part = reduced(equations[name]) if put_in else _Affine({name: ONE}, {})
            found = found.plus(part.times(weight))
        return found

    rows = {name: reduced(equations[name]) for name in path if name in reach and name in flows}
    last = path[-1]
    signal = _Affine({last: ONE}, {}) if last in flows else reduced(equations[last])
    return _Level(rows, signal)
