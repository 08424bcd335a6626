"""Models without time: Comp as a ratio of sums over paths.

Wright's rule: the total effect is the sum over all directed paths n -> m of the product of the
edges' derivatives; the direct effect is the same sum over the paths that avoid A. In the words of
mediation analysis, every path through A is an indirect effect.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

import sympy

from causalopt.symbolic.arithmetic import NotRationalError, Short
from causalopt.symbolic.derivation import Derivation
from causalopt.symbolic.exact import evaluate_line
from causalopt.symbolic.path_effect import PathEffect
from causalopt.symbolic.paths import follow
from causalopt.symbolic.program_checks import check_program, rational_values
from causalopt.symbolic.reading import Reading
from causalopt.symbolic.straight_line import StraightLine, is_writable, write_program

_MOST_PATHS = 200
_MOST_OPERATIONS = 4000


def derive_static(reading: Reading, at: int | None = None) -> Derivation:
    """Return the path sums of a model without time.

    Where a product of many numbers would be too long to write, the sums are given as a program.

    Args:
        reading: The model and the question.
        at: 0 when the values are wanted too.
    """
    path = follow(reading, 0)
    program = write_program(reading, path, 0)
    edges = _in_node_names(reading, {(i, j): c for (i, j, _), c in path.final.edges.items()})
    branches = bool(path.final.comparisons)
    checked = check_program(reading, program, branches=branches)
    expanded = program.expand(_MOST_OPERATIONS)
    total, direct = (program.total, program.direct) if expanded is None else expanded
    notes = [checked.note] if checked.note else []
    count = count_paths(edges, reading.question.nudged, reading.question.target)
    paths: tuple[PathEffect, ...] = ()
    if count <= _MOST_PATHS:
        paths = tuple(_paths(reading, edges))
        notes += _mismatch(reading, paths, program)
        if not all(is_writable(path.contribution) for path in paths):
            paths = ()
            notes.append(f"{count} paths, whose products have too many digits to be listed")
    else:
        notes.append(f"{count} paths: their sums are given, not their list")
    conditions = tuple(str(relation) for relation in path.final.conditions)
    verified = checked.passed and not any("path sums differ" in note for note in notes)
    return Derivation(
        reading,
        "path sums",
        total,
        direct,
        conditions,
        verified,
        tuple(notes),
        program=program,
        paths=paths,
        at=at,
    )


def count_paths(edges: Mapping[tuple[int, int], sympy.Expr], source: int, target: int) -> int:
    """Return the number of directed paths, without walking them.

    Args:
        edges: (child, parent) pairs; children come after their parents.
        source: Where paths start.
        target: Where they end.
    """
    ways = {source: 1}
    for child, parent in sorted(edges):
        if parent in ways and child != source:
            ways[child] = ways.get(child, 0) + ways[parent]
    return ways.get(target, 0)


def _in_node_names(
    reading: Reading, edges: dict[tuple[int, int], sympy.Expr]
) -> dict[tuple[int, int], sympy.Expr]:
    plain = {symbol: sympy.Symbol(name) for (name, _), symbol in reading.references.items()}
    return {edge: sympy.sympify(c, strict=True).xreplace(plain) for edge, c in edges.items()}


def _paths(reading: Reading, edges: dict[tuple[int, int], sympy.Expr]) -> Iterator[PathEffect]:
    question, names = reading.question, reading.names
    children: dict[int, list[int]] = {}
    for child, parent in sorted(edges):
        children.setdefault(parent, []).append(child)
    held = question.holding.at(0)
    stack: list[tuple[int, ...]] = [(question.nudged,)]
    while stack:
        path = stack.pop()
        if path[-1] == question.target:
            yield PathEffect(
                tuple(names[i] for i in path),
                tuple(edges[b, a] for a, b in itertools.pairwise(path)),
                any(i in held for i in path[1:]),
            )
        stack += [(*path, child) for child in reversed(children.get(path[-1], []))]


def _mismatch(reading: Reading, paths: tuple[PathEffect, ...], program: StraightLine) -> list[str]:
    """A note if the listed paths do not add up to the effects, exactly."""
    try:
        values = rational_values(reading)
        expected = program.run(values, Short().number)
        nodes = dict(values)
        rules = follow(reading, 0).final.expressions
        for i, equation in enumerate(reading.model.template.equations):
            rule = rules[i]
            if equation.initial:
                rule = reading.expression(equation.initial[0])
            plain = rule.xreplace(
                {symbol: sympy.Symbol(name) for (name, _), symbol in reading.references.items()}
            )
            nodes[sympy.Symbol(equation.name)] = evaluate_line(plain, nodes, Short().number)
        each = [(evaluate_line(p.contribution, nodes, Short().number), p) for p in paths]
    except NotRationalError:
        return []
    total = sum((value for value, _ in each), start=Short().number(expected[0] * 0))
    direct = sum((v for v, p in each if not p.through), start=Short().number(expected[0] * 0))
    return [] if (total, direct) == expected else ["the path sums differ from the effects"]
