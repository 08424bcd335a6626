"""The resolvent: the response to a nudge as one ratio of polynomials in z.

With u(t) the derivative of all variables at t by the nudged node, U(z) = sum over t >= b of
u(t) z^-(t - b). Where every rule is in force and the held set no longer changes,
u(t) = M_0 u(t) + ... + M_L u(t-L), so that P(z) U(z) = E(z) with P(z) = z^L (1 - M(z)) and E a
polynomial in 1/z: the nudge itself, and whatever the last L steps before that did that the later
rule would not. The base b is the step of the nudge, or L steps before the rules settle if that is
later. Then by Cramer's rule

    U_m(z) = N(z) / D(z),   D = det P,   N = e_m^T adj(P) E,

both by the division-free characteristic polynomial on a DomainMatrix over QQ[z, parameters]. The
total effect takes P from M, the direct effect from M with the rows of A struck out: Comp(z) is the
ratio of the two.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import sympy
from sympy import QQ
from sympy.polys.matrices import DomainMatrix

from causalopt.symbolic.linear_template import Edge, LinearQuestion, LinearTemplate, between

# A dummy, so that a parameter may be called z.
Z = sympy.Dummy("z")


@dataclasses.dataclass(frozen=True)
class Response:
    """U(z) = numerator / denominator, the z-transform of an effect counted from a base step.

    Args:
        numerator: A polynomial in z over the parameters' field.
        denominator: Likewise; 1 when the effect is identically 0.
        parameters: The symbols of the coefficients.
        base: The step at which z^0 stands.
    """

    numerator: sympy.Poly
    denominator: sympy.Poly
    parameters: tuple[sympy.Symbol, ...]
    base: int = 0

    @property
    def is_zero(self) -> bool:
        """Whether no path, or only paths that cancel for every parameter, carry the effect."""
        return bool(self.numerator.is_zero)

    def expr(self, z: sympy.Expr = Z) -> sympy.Expr:
        """Return the ratio as a sympy expression in z."""
        return self.numerator.as_expr().subs(Z, z) / self.denominator.as_expr().subs(Z, z)

    def subs(self, values: dict[sympy.Symbol, sympy.Expr]) -> Response:
        """Return the response at particular parameters, not reduced."""
        rest = tuple(p for p in self.parameters if p not in values)
        field = coefficient_field(rest)
        pair = [
            sympy.Poly(sympy.together(p.as_expr().subs(values)), Z, domain=field)
            for p in (self.numerator, self.denominator)
        ]
        return Response(pair[0], pair[1], rest, self.base)


def coefficient_field(parameters: tuple[sympy.Symbol, ...]) -> Any:
    """Return the field of rational functions in the parameters over the rationals."""
    return QQ.frac_field(*parameters) if parameters else QQ


def influence(
    template: LinearTemplate, question: LinearQuestion, *, hold: bool, last: int
) -> list[dict[int, Any]]:
    """Return the derivatives of all variables by the nudged node, step by step.

    This is the recurrence itself, in the exact field of the coefficients: the definition against
    which every closed form is checked.

    Args:
        template: The model's edges.
        question: Nudged node, target and held set.
        hold: Whether A keeps its baseline values (the direct effect).
        last: The last step.

    Returns:
        For each step start..last the non-zero derivatives, variable -> field element.
    """
    field = coefficient_field(template.parameters)
    rows: dict[int, list[list[tuple[int, int, Any]]]] = {}
    history: list[dict[int, Any]] = []
    for step in range(question.start, last + 1):
        now_in_force = template.edges_at(step)
        if id(now_in_force) not in rows:
            rows[id(now_in_force)] = _by_target(template, now_in_force, field)
        edges = rows[id(now_in_force)]
        held = question.holding.at(step) if hold else frozenset()
        now: dict[int, Any] = {}
        history.append(now)
        for i in range(len(template.names)):
            if i == question.nudged and step == question.start:
                now[i] = field.one
            elif i not in held and step >= template.starts[i]:
                value = _row(edges[i], history, field)
                if value:
                    now[i] = value
    return history


def resolve(template: LinearTemplate, question: LinearQuestion, *, hold: bool) -> Response:
    """Return the z-transform of the target's response, over all paths or avoiding A.

    Args:
        template: The model's edges.
        question: Nudged node, target and held set.
        hold: Whether A keeps its baseline values (the direct effect).

    Returns:
        The ratio, with common factors of z and of the polynomials left in.

    Example:
        >>> from causalopt.symbolic.linear_template import Holding
        >>> k = sympy.Symbol("k")
        >>> edges = {(1, 0, 1): sympy.S(1), (0, 1, 1): -k, (0, 0, 1): sympy.S(1)}
        >>> room = LinearTemplate(("R", "T"), edges, (k,))
        >>> resolve(room, LinearQuestion(0, 0, Holding()), hold=False).expr(sympy.Symbol("z"))
        z**2/(k + z**2 - z)
    """
    base, sources = _sources(template, question, hold=hold)
    held = question.holding.final if hold else frozenset()
    kept = _relevant(template, set(sources), question.target, held)
    field = coefficient_field(template.parameters)
    if question.target not in kept:
        zero = sympy.Poly(0, Z, domain=field)
        return Response(zero, sympy.Poly(1, Z, domain=field), template.parameters, base)
    order = sorted(kept)
    ring = QQ[(Z, *template.parameters)]
    matrix, vector = _system(template, order, sources, held, ring)
    numerator, denominator = _cramer(matrix, vector, order.index(question.target), ring)
    window = max((age for ages in sources.values() for age in ages), default=0)
    shift = _depth(template, kept, held) - window
    return dataclasses.replace(
        _response(numerator, denominator, shift, template.parameters), base=base
    )


def z_matrix(template: LinearTemplate, held: frozenset[int]) -> sympy.Matrix:
    """Return M(z) = sum over lags of M_l z^-l with the rows of the held variables struck out."""
    size = len(template.names)
    matrix = sympy.zeros(size, size)
    for (i, j, lag), coefficient in template.edges.items():
        if i not in held:
            matrix[i, j] += coefficient * Z**-lag
    return matrix


def _by_target(
    template: LinearTemplate, edges: Mapping[Edge, sympy.Expr], field: Any
) -> list[list[tuple[int, int, Any]]]:
    rows: list[list[tuple[int, int, Any]]] = [[] for _ in template.names]
    for (i, j, lag), coefficient in edges.items():
        rows[i].append((j, lag, field.from_sympy(sympy.sympify(coefficient, strict=True))))
    return rows


def _row(edges: list[tuple[int, int, Any]], history: list[dict[int, Any]], field: Any) -> Any:
    total = field.zero
    for j, lag, coefficient in edges:
        if lag < len(history) and j in history[-1 - lag]:
            total = total + coefficient * history[-1 - lag][j]
    return total


def _sources(
    template: LinearTemplate, question: LinearQuestion, *, hold: bool
) -> tuple[int, dict[int, dict[int, Any]]]:
    """The base, and what the settled rule leaves unexplained: variable -> {age: amount}."""
    field = coefficient_field(template.parameters)
    settled = max(template.settles, question.holding.settles if hold else 0)
    base = max(question.start, settled - template.depth)
    history = influence(template, question, hold=hold, last=max(base, settled - 1))
    window = history[base - question.start :]
    held = question.holding.final if hold else frozenset()
    edges = _by_target(template, template.edges, field)
    found: dict[int, dict[int, Any]] = {}
    for age, now in enumerate(window):
        for i in range(len(template.names)):
            ruled = field.zero if i in held else _row(edges[i], window[: age + 1], field)
            defect = now.get(i, field.zero) - ruled
            if defect:
                found.setdefault(i, {})[age] = defect
    return base, found


def _relevant(
    template: LinearTemplate, sources: set[int], target: int, held: frozenset[int]
) -> set[int]:
    """Variables on some path from a source to the target, under the final held set."""
    alive = {(i, j) for (i, j, _), c in template.edges.items() if i not in held and c != 0}
    return between(sources, alive, target)


def _depth(template: LinearTemplate, kept: set[int], held: frozenset[int]) -> int:
    lags = [lag for i, j, lag in template.edges if i in kept and j in kept and i not in held]
    return max(lags, default=0)


def _system(
    template: LinearTemplate,
    order: list[int],
    sources: dict[int, dict[int, Any]],
    held: frozenset[int],
    ring: Any,
) -> tuple[list[list[Any]], list[Any]]:
    """P(z) and E(z) z^window, each row multiplied by its coefficients' common denominator."""
    field = coefficient_field(template.parameters)
    depth = _depth(template, set(order), held)
    window = max((age for ages in sources.values() for age in ages), default=0)
    place = {i: row for row, i in enumerate(order)}
    rows: list[list[Any]] = []
    for i in order:
        cells: list[dict[int, Any]] = [{} for _ in range(len(order) + 1)]
        cells[place[i]][depth] = field.one
        for (target, j, lag), coefficient in template.edges.items():
            if target == i and j in place and i not in held:
                cell = cells[place[j]]
                value = field.from_sympy(sympy.sympify(coefficient, strict=True))
                cell[depth - lag] = cell.get(depth - lag, field.zero) - value
        for age, amount in sources.get(i, {}).items():
            cells[-1][window - age] = amount
        rows.append(_cleared(cells, ring, field))
    return [row[:-1] for row in rows], [row[-1] for row in rows]


def _cleared(cells: list[dict[int, Any]], ring: Any, field: Any) -> list[Any]:
    scale = sympy.S.One
    exact = [{p: field.to_sympy(c) for p, c in cell.items()} for cell in cells]
    for cell in exact:
        for c in cell.values():
            scale = sympy.lcm(scale, sympy.fraction(sympy.together(c))[1])
    return [
        ring.from_sympy(
            sympy.Add(*(sympy.cancel(c * scale) * Z**power for power, c in cell.items()))
        )
        for cell in exact
    ]


def _cramer(matrix: list[list[Any]], vector: list[Any], target: int, ring: Any) -> tuple[Any, Any]:
    """(e_m^T adj(P) E, det P) by two division-free determinants, the first of P bordered by E."""
    last = [ring.zero] * (len(matrix) + 1)
    last[target] = -ring.one
    bordered = [[*row, value] for row, value in zip(matrix, vector, strict=True)] + [last]
    return _determinant(bordered, ring), _determinant(matrix, ring)


def _determinant(rows: list[list[Any]], domain: Any) -> Any:
    size = len(rows)
    constant = DomainMatrix(rows, (size, size), domain).charpoly()[-1]
    return constant if size % 2 == 0 else -constant


def _response(
    numerator: Any, denominator: Any, shift: int, parameters: tuple[sympy.Symbol, ...]
) -> Response:
    field = coefficient_field(parameters)
    pair = [sympy.Poly(p.as_expr(), Z, domain=field) for p in (numerator, denominator)]
    power = sympy.Poly(Z ** abs(shift), Z, domain=field)
    pair[0 if shift >= 0 else 1] *= power
    return Response(pair[0], pair[1], parameters)
