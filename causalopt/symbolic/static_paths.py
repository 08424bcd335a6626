"""Models without time: Comp as a ratio of sums over paths.

Wright's rule: the total effect is the sum over all directed paths n -> m of the product of the
edges' derivatives; the direct effect is the same sum over the paths that avoid A. In the words of
mediation analysis, every path through A is an indirect effect.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

import sympy

from causalopt.errors import QuestionError
from causalopt.symbolic.derivation import Derivation
from causalopt.symbolic.path_effect import PathEffect
from causalopt.symbolic.paths import Mode, follow, one_sided
from causalopt.symbolic.program_checks import check_program, undefined, unverified
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
    try:
        path = follow(reading, 0)
    except ZeroDivisionError:
        raise QuestionError(undefined(0)) from None
    except ArithmeticError as error:
        raise QuestionError(unverified(str(error))) from None
    program = write_program(reading, path, 0)
    checked = check_program(reading, program, branches=bool(path.final.comparisons))
    if not checked.passed and not checked.digits:
        raise QuestionError(unverified(checked.note))
    expanded = program.expand(_MOST_OPERATIONS)
    total, direct = (program.total, program.direct) if expanded is None else expanded
    paths, notes = _listed(reading, path.final)
    return Derivation(
        reading,
        "path sums",
        total,
        direct,
        (*(str(_plain(reading, c)) for c in path.final.conditions), *one_sided(path)),
        checked.passed,
        tuple([checked.note] * bool(checked.note) + notes),
        program=program,
        paths=paths,
        at=at,
        digits=checked.digits,
    )


def _listed(reading: Reading, mode: Mode) -> tuple[tuple[PathEffect, ...], list[str]]:
    """The single paths, where they can be listed, and why not."""
    if mode.is_parted:
        return (), ["no list of paths: the two effects take different sides of a branch"]
    edges = {(i, j): _plain(reading, c) for (i, j, _), c in mode.edges.items()}
    count = count_paths(edges, reading.question.nudged, reading.question.target)
    if count > _MOST_PATHS:
        return (), [f"{count} paths: their sums are given, not their list"]
    paths = tuple(_paths(reading, edges))
    sums = check_program(reading, _sums(reading, mode, paths), branches=bool(mode.comparisons))
    if not sums.passed and not sums.digits:
        return (), [f"no list of paths, whose sums were not verified: {sums.note}"]
    if not all(is_writable(path.contribution) for path in paths):
        return (), [f"{count} paths, whose products have too many digits to be listed"]
    return paths, []


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


def _sums(reading: Reading, mode: Mode, paths: tuple[PathEffect, ...]) -> StraightLine:
    """The sums over the listed paths as a program, its lines the nodes themselves."""
    lines = [
        (sympy.Symbol(name), _plain(reading, _rule(reading, mode, i)))
        for i, name in enumerate(reading.names)
        if i in reading.needed
    ]
    total = sympy.Add(*(path.contribution for path in paths))
    direct = sympy.Add(*(path.contribution for path in paths if not path.through))
    return StraightLine(tuple(lines), total, direct, 0)


def _rule(reading: Reading, mode: Mode, i: int) -> sympy.Expr:
    initial = reading.model.template.equations[i].initial
    return reading.expression(initial[0]) if initial else mode.expressions[i]


def _plain(reading: Reading, expr: sympy.Expr) -> sympy.Expr:
    return sympy.sympify(expr, strict=True).xreplace(reading.nodes)
