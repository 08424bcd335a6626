"""What is measured, as an expression of a run's nodes: `integral(e**2)`, `mean(e[t>=50])`.

Its value at step t is that of the run up to t, so that it is read as rules are: sums are carried
along by accumulators, and a node of one step is kept from then on.
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import ClassVar

from causalopt.errors import suggestion
from causalopt.language.algebra import add, div, mul, where
from causalopt.language.parse import TermReader
from causalopt.language.reader import short, unmarked
from causalopt.language.scope import CLOCK, Scope
from causalopt.language.step_window import StepWindow, gated, step_before, window_of
from causalopt.language.term import Term, const, leaves, ref, substitute

T = CLOCK["t"]
_OVER_TIME = {"sum", "mean", "integral"}


@dataclasses.dataclass(frozen=True)
class Accumulator:
    """A value that is carried along beside a measure.

    Attributes:
        name: Its own name, below the measure's.
        rule: Its value at t.
        starts: How many steps it is 0 at the beginning, before its rule can look back.
    """

    name: str
    rule: Term
    starts: int


@dataclasses.dataclass(frozen=True)
class CarriedMeasure:
    """A measure that has been read.

    Attributes:
        parts: What carries it along, itself last.
        spans: The nodes and spans that it names, each as it is written, with its steps.
    """

    parts: tuple[Accumulator, ...]
    spans: tuple[tuple[str, StepWindow], ...]


def read_measure(
    text: str, scope: Scope, name: str, aliases: Mapping[str, str] | None = None
) -> CarriedMeasure:
    """Return what a text measures.

    Args:
        text: The expression.
        scope: What its names mean; variables may be written with or without `[t]`.
        name: What the measure is called.
        aliases: Further words for variables, such as their labels.

    Raises:
        ExpressionError: The text is no such expression; its `offset` says where.

    Example:
        >>> scope = Scope(variables=frozenset("e"))
        >>> [part.name for part in read_measure("sum(e**2)", scope, "m").parts]
        ['m.1', 'm']
    """
    reader = _MeasureReader(text, scope, name, aliases or {})
    value = reader.number(reader.tree, 0)
    own = Accumulator(name, value, _reach(value))
    if reader.carried and value is ref(reader.carried[-1].name, 0):
        last = reader.carried.pop()  # it is the measure itself
        rule = substitute(last.rule, {ref(last.name, 1): ref(name, 1)})
        own = Accumulator(name, rule, last.starts)
    return CarriedMeasure((*reader.carried, own), tuple(reader.spans))


def _reach(term: Term) -> int:
    """Return how far a term looks back."""
    return max(
        (leaf.payload[1] for leaf in leaves(term) if isinstance(leaf.payload, tuple)), default=0
    )


def _earlier(term: Term) -> Term:
    """Return a term's value one step ago."""
    pairs = [(leaf, leaf.payload) for leaf in leaves(term) if isinstance(leaf.payload, tuple)]
    return substitute(
        term, {T: step_before(), **{leaf: ref(name, lag + 1) for leaf, (name, lag) in pairs}}
    )


class _MeasureReader(TermReader):
    calls: ClassVar[dict[str, str]] = {
        **TermReader.calls,
        **dict.fromkeys(_OVER_TIME, "over_time"),
        "min": "least_or_extremum",
        "max": "least_or_extremum",
    }

    def __init__(self, text: str, scope: Scope, name: str, aliases: Mapping[str, str]) -> None:
        super().__init__(text, scope)
        self._name, self._aliases = name, aliases
        self._window: StepWindow | None = None
        self.carried: list[Accumulator] = []
        self.spans: list[tuple[str, StepWindow]] = []

    @property
    def _is_static(self) -> bool:
        return self.scope.bare

    def functions(self) -> set[str]:
        return {*super().functions(), *_OVER_TIME}

    def _variable(self, word: str) -> str | None:
        return word if word in self.scope.variables else self._aliases.get(word)

    def name(self, node: ast.Name, depth: int) -> Term:
        word = unmarked(node.id)
        variable = None if word in self.scope.names else self._variable(word)
        return super().name(node, depth) if variable is None else ref(variable, 0)

    def subscript(self, node: ast.Subscript, depth: int) -> Term:
        if not isinstance(node.value, ast.Name):
            raise self.fail(node, "only a variable takes a step, as in e[100]")
        word = unmarked(node.value.id)
        variable = self._variable(word)
        if variable is None:
            if word in self.scope.names:
                return super().subscript(node, depth)
            hint = suggestion(word, self.scope.variables)
            raise self.fail(node, f"unknown variable '{short(word)}'{hint}")
        if self._is_static:
            raise self.fail(node, f"this model has no time: write just {word}")
        window = window_of(node.slice)
        if window is None:
            return self._past(node.slice, variable, depth)
        if window.is_empty:
            raise self.fail(node, f"'{self.source_of(node)}' has no step")
        self.spans.append((self.source_of(node), window))
        if window.first == window.last:
            return self._kept(ref(variable, 0), window.first)
        if self._window is None:
            raise self.fail(
                node,
                f"'{self.source_of(node)}' is many nodes, and one number is measured: write "
                f"mean({self.source_of(node)}), or sum, integral, max, min",
            )
        self._window = self._window.met(window)
        return ref(variable, 0)

    def _past(self, node: ast.expr, name: str, depth: int) -> Term:
        match node:
            case ast.Name(id="t") | ast.BinOp(left=ast.Name(id="time" | "t")):
                return super()._past(node, name, depth)
        raise self.fail(
            node, f"the step must read 100, t-3, t>=5 or 10<=t<20, found {self.source_of(node)}"
        )

    def source_of(self, node: ast.AST) -> str:
        """Return the text that a node was read from."""
        return ast.get_source_segment(self.source, node) or ""

    def _carry(self, rule: Callable[[Term], Term]) -> Term:
        """Return a value that is made of its own at the step before."""
        name = f"{self._name}.{len(self.carried) + 1}"
        term = rule(ref(name, 1))
        self.carried.append(Accumulator(name, term, _reach(term)))
        return ref(name, 0)

    def _kept(self, value: Term, step: int) -> Term:
        """Return a value of one step from then on, and 0 before."""
        kept = self._carry(
            lambda own: where(Term.of("eq", step_before(), const(step)), _earlier(value), own)
        )
        return where(Term.of("eq", T, const(step)), value, kept)

    def least_or_extremum(self, node: ast.Call, depth: int) -> Term:
        """Read min or max: of several numbers, or of one over time."""
        return self.over_time(node, depth) if len(node.args) == 1 else self.extremum(node, depth)

    def over_time(self, node: ast.Call, depth: int) -> Term:
        """Read a sum, a mean, an integral, a least or a largest value over time."""
        assert isinstance(node.func, ast.Name)
        kind = node.func.id
        self.expect(node, kind, 1)
        if self._is_static:
            raise self.fail(node, f"'{kind}' is over time, and this model has none")
        if self._window is not None:
            raise self.fail(
                node,
                f"'{kind}' stands inside another value over time: measure each by itself, and "
                "combine them, such as mean(e**2) - mean(e)**2",
            )
        self._window = StepWindow()
        value = self.number(node.args[0], depth)
        window, self._window = self._window.met(StepWindow(_reach(value))), None
        if window.is_empty:
            raise self.fail(node, f"'{self.source_of(node)}' has no step")
        if kind in {"min", "max"}:
            return self._extreme(kind, value, window)
        if kind == "integral":
            return self._integral(value, window)
        total = add(
            self._carry(lambda own: add(own, gated(window, _earlier(value), step_before()))),
            gated(window, value),
        )
        return total if kind == "sum" else self._mean(total, window)

    def _mean(self, total: Term, window: StepWindow) -> Term:
        ends = T if window.last is None else Term.of("min", T, const(window.last))
        mean = div(total, add(ends, const(1 - window.first)))
        return gated(StepWindow(window.first), mean) if window.first else mean

    def _integral(self, value: Term, window: StepWindow) -> Term:
        """Return the trapezoidal rule's sum: each step counts the mean of its ends."""
        steps = StepWindow(window.first + 1, window.last)
        if steps.is_empty:  # one node is no length of time
            return mul(const(0), value)
        share = mul(mul(const(Fraction(1, 2)), CLOCK["dt"]), add(_earlier(value), value))
        if steps.first == _reach(share):  # an accumulator is 0 until it can look back
            steps = StepWindow(0, window.last)
        return self._carry(lambda own: add(own, gated(steps, share)))

    def _extreme(self, kind: str, value: Term, window: StepWindow) -> Term:
        def joined(own: Term, new: Term, step: Term) -> Term:
            begins = Term.of("eq", step, const(window.first))
            later = StepWindow(window.first + 1, window.last).condition(step)
            assert later is not None
            return where(begins, new, where(later, Term.of(kind, own, new), own))

        kept = self._carry(lambda own: joined(own, _earlier(value), step_before()))
        return joined(kept, value, T)
