"""Runnable Python for a derivation: no dependencies, exact with Fractions, fast with floats."""

from __future__ import annotations

import builtins
import keyword

import sympy
from sympy.printing.pycode import PythonCodePrinter

from causalopt.errors import QuestionError
from causalopt.results import python
from causalopt.symbolic.derivation import Derivation
from causalopt.symbolic.linear_template import Holding, LinearTemplate
from causalopt.symbolic.straight_line import StraightLine


class _Printer(PythonCodePrinter):  # type: ignore[misc]
    """Python in which rational constants stay exact."""

    def _print_Rational(self, expr: sympy.Rational) -> str:  # noqa: N802 - sympy's name
        return f"Fraction({expr.p}, {expr.q})"

    def _print_Symbol(self, expr: sympy.Symbol) -> str:  # noqa: N802 - sympy's name
        return _name(expr)


# What the source itself calls by name; a parameter of such a name gets a _ after it.
_TAKEN = frozenset({*keyword.kwlist, *dir(builtins), "math", "Fraction", "effects", "comp", "op"})


def _name(symbol: sympy.Symbol) -> str:
    name = str(symbol.name)
    # The _ is added to lambda_ too, so that no two names become one.
    return f"{name}_" if name.rstrip("_") in _TAKEN else name


def _code(expr: sympy.Expr) -> str:
    return str(_Printer({"fully_qualified_modules": True}).doprint(expr))


@python.register
def source_of(derivation: Derivation) -> str:
    """Return a Python module that computes the effects, Comp and Op.

    Args:
        derivation: Any derivation.

    Returns:
        Source with a function `effects`, and `comp` and `op` on top of it.
    """
    if derivation.solution is not None:
        template = derivation.solution.template
        body = _linear(template, derivation)
        arguments = ["t"]
        symbols = {p for e in derivation.stand_ins.values() for p in e.free_symbols}
        symbols |= {*template.parameters} - derivation.stand_ins.keys()
        parameters = tuple(sorted(symbols, key=lambda symbol: str(symbol.name)))
    else:
        if derivation.program is None:
            raise QuestionError(
                "no program was written in the time given: ask for an earlier "
                "step or a longer time limit"
            )
        body = _program(derivation.program)
        arguments = []
        parameters = tuple(derivation.reading.values)
    values = derivation.reading.values
    named = [f"{_name(p)}={_code(values[p])}" if p in values else _name(p) for p in parameters]
    signature = ", ".join([*arguments, *(["*", *named] if named else [])])
    passed = ", ".join([*arguments, *(f"{_name(p)}={_name(p)}" for p in parameters)])
    title = f"{derivation.form} of {derivation.reading.model.name}"
    return "\n".join(
        [
            f'"""{title}: total and direct effect, Comp and Op (nats)."""',
            "",
            "import math",
            "from fractions import Fraction",
            "",
            "",
            f"def effects({signature}):",
            *body,
            "",
            "",
            f"def comp({signature}):",
            f"    total, direct = effects({passed})",
            "    return total / direct",
            "",
            "",
            f"def op({signature}):",
            f"    return -math.log(abs(comp({passed})))",
            "",
        ]
    )


def _program(program: StraightLine) -> list[str]:
    lines = [f"    {_name(name)} = {_code(expr)}" for name, expr in program.lines]
    return [
        f'    """Return (total, direct) at t = {program.step}."""',
        *lines,
        f"    return {_code(program.total)}, {_code(program.direct)}",
    ]


def _linear(template: LinearTemplate, derivation: Derivation) -> list[str]:
    """The recurrence, which is stable where a formula with radicals is not."""
    assert derivation.solution is not None
    question = derivation.solution.question
    spans = _spans(template)
    irrational = [
        f"    {_name(symbol)} = {_code(expr)}" for symbol, expr in derivation.stand_ins.items()
    ]
    return [
        '    """Return (total, direct) at step t."""',
        *irrational,
        "    # (first step, [(variable, variable it reads, lag, coefficient), ...])",
        "    edges = [",
        *(f"        ({first}, {_rows(edges)})," for first, edges in spans),
        "    ]",
        f"    starts = {list(template.starts)}",
        f"    held = {_held(question.holding)}",
        "    found = []",
        "    for hold in (False, True):",
        f"        nodes = [[0] * {len(template.names)} for _ in range(t + 1)]",
        f"        for s in range({question.start}, t + 1):",
        "            active = [rows for first, rows in edges if first <= s][-1]",
        "            frozen = [names for first, names in held if first <= s][-1]",
        f"            for i in range({len(template.names)}):",
        f"                if (i, s) == ({question.nudged}, {question.start}):",
        "                    nodes[s][i] = 1",
        "                elif s >= starts[i] and not (hold and i in frozen):",
        "                    nodes[s][i] = sum(",
        "                        c * nodes[s - lag][j]",
        "                        for k, j, lag, c in active",
        "                        if k == i and s >= lag",
        "                    )",
        f"        found.append(nodes[t][{question.target}])",
        "    return tuple(found)",
    ]


def _spans(template: LinearTemplate) -> list[tuple[int, object]]:
    steps = [*template.early, template.edges]
    return [(s, edges) for s, edges in enumerate(steps) if s == 0 or edges is not steps[s - 1]]


def _rows(edges: object) -> str:
    assert isinstance(edges, dict)
    rows = [f"({i}, {j}, {lag}, {_code(c)})" for (i, j, lag), c in edges.items()]
    return "[" + ", ".join(rows) + "]"


def _held(holding: Holding) -> str:
    steps = [*holding.early, holding.final]
    spans = [(s, sorted(held)) for s, held in enumerate(steps) if s == 0 or held != steps[s - 1]]
    return repr(spans)
