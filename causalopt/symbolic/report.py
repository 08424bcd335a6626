"""The derivation as a Markdown report: the graph, both matrices, the steps, the checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import sympy

from causalopt.results import report
from causalopt.symbolic.asymptotics import Asymptotics
from causalopt.symbolic.deadline import Deadline, OvertimeError
from causalopt.symbolic.derivation import Derivation
from causalopt.symbolic.frequency import Sensitivity
from causalopt.symbolic.linear import LinearSolution
from causalopt.symbolic.notation import to_latex
from causalopt.symbolic.reading import Reading
from causalopt.symbolic.resolvent import z_matrix

_MOST_LINES = 60
_LARGEST_MATRIX = 8


@report.register
def report_of(derivation: Derivation) -> str:
    """Return the derivation, step by step, in Markdown.

    Args:
        derivation: Any derivation.

    Returns:
        Markdown with LaTeX between dollar signs.
    """
    parts = [*_question(derivation.reading), *_graph(derivation.reading)]
    if derivation.solution is not None:
        parts += _resolvent(derivation)
        parts += _result(derivation)
        parts += _frequency(derivation)
        parts += _long_run(derivation)
    else:
        parts += _paths(derivation) if derivation.paths else []
        parts += _program(derivation) if derivation.program is not None else []
        parts += _result(derivation)
    parts += _checks(derivation)
    return "\n\n".join(parts) + "\n"


def _question(reading: Reading) -> Iterator[str]:
    model, asked = reading.model, reading.asked
    question = f"Op({{{asked.hold_name}}}; {asked.node_name}, {asked.target})"
    yield f"# {question} in {model.title or model.name}"
    if model.source:
        yield f"Source of the model: {model.source}."
    yield (
        "The nudged node is shifted by $\\delta$; $\\mathrm{total}$ is the derivative of the "
        "target when everything downstream follows, $\\mathrm{direct}$ the same with the held set "
        "kept at its baseline. $\\mathrm{Comp} = \\mathrm{total}/\\mathrm{direct}$ and "
        "$\\mathrm{Op} = -\\ln|\\mathrm{Comp}|$, in nats."
    )


def _graph(reading: Reading) -> Iterator[str]:
    yield "## The graph"
    lines = []
    for equation, rule in zip(reading.model.template.equations, reading.rules, strict=True):
        if rule is not None:
            lines.append(f"- ${_node(reading, equation.name)} = {_steps(rule)}$")
    yield "\n".join(lines)
    yield "Edges on the paths from the nudged node to the target, with their derivatives:"
    rows = ["| from | to | steps | derivative |", "|---|---|---|---|"]
    for (i, j, lag), slope in sorted(reading.edges.items(), key=lambda item: item[0]):
        rows.append(f"| {reading.names[j]} | {reading.names[i]} | {lag} | ${_steps(slope)}$ |")
    yield "\n".join(rows)


def _node(reading: Reading, name: str) -> str:
    return to_latex(sympy.Symbol(name if reading.model.is_static else f"{name}_{{t}}"))


def _steps(expr: sympy.Expr) -> str:
    """An expression in LaTeX with references as x_{t-1}."""
    names = {}
    for symbol in expr.free_symbols:
        name, bracket, rest = symbol.name.partition("[")
        if bracket:
            names[symbol] = sympy.Symbol(f"{name}_{{{rest[:-1]}}}")
    return to_latex(expr.xreplace(names))


def _written(derivation: Derivation, expr: sympy.Basic) -> str:
    """LaTeX with what the stand-in symbols stand for."""
    return to_latex(expr.xreplace(dict(derivation.stand_ins)))


def _resolvent(derivation: Derivation) -> Iterator[str]:
    solution = derivation.solution
    assert solution is not None
    template, question = solution.template, solution.question
    yield "## The resolvent"
    order = ", ".join(template.names)
    if len(template.names) <= _LARGEST_MATRIX:
        yield f"In the order ({order}), with $z^{{-1}}$ the delay by one step,"
        full, masked = (
            _written(derivation, z_matrix(template, held))
            for held in (frozenset[int](), question.holding.final)
        )
        yield f"$$M(z) = {full}, \\qquad M_A(z) = {masked}.$$"
    yield (
        "The held set strikes out its rows. The effects' transforms are the entries "
        "$[(1-M)^{-1}]_{mn}$ and $[(1-M_A)^{-1}]_{mn}$, by adjugate and determinant"
        + (
            f" (counted from $t = {solution.total.response.base}$ and "
            f"$t = {solution.direct.response.base}$, when the rules and the held set have settled):"
            if solution.direct.response.base != question.start
            else ":"
        )
    )
    total, direct = (
        _written(derivation, sympy.factor(e.response.expr()))
        for e in (solution.total, solution.direct)
    )
    yield f"$$U_\\mathrm{{total}}(z) = {total}, \\qquad U_\\mathrm{{direct}}(z) = {direct}.$$"
    yield (
        "The effect at a step is the sum of the residues of $U(z)\\,z^{s-1}$ over the roots of its "
        "denominator, $s$ the steps since then."
    )


def _result(derivation: Derivation) -> Iterator[str]:
    yield "## The result"
    if derivation.needs_program:
        yield "In the names of the program above,"
    yield f"$$\n{derivation.latex}\n$$"
    if derivation.conditions:
        yield "Conditions:"
        yield "\n".join(f"- {condition}" for condition in derivation.conditions)


def _frequency(derivation: Derivation) -> Iterator[str]:
    solution = derivation.solution
    assert solution is not None
    try:
        loop = solution.loop(Deadline.after(5.0))
        op = Deadline.after(5.0).run(lambda: loop.op if loop is not None else sympy.S.Zero)
        own = solution.sensitivity(Deadline.after(5.0)) if _is_whole(solution) else None
    except OvertimeError:
        return
    if loop is None:
        return
    yield "## Frequency response"
    yield f"$$\\mathrm{{Comp}}(z) = {_written(derivation, loop.comp)}$$"
    yield (
        "is the sensitivity function of control theory; for a sinusoidal disturbance of $\\omega$ "
        "radians per step"
    )
    yield f"$$\\mathrm{{Op}}(\\omega) = {_written(derivation, op)}.$$"
    values = derivation.rational_values
    if values is not None and not loop.numerator.is_zero:
        yield from _on_the_circle(loop, values)
    if own is not None and sympy.cancel(own.comp - loop.comp) != 0:
        yield (
            f"This is the loop's own. The nudge at $t = {solution.question.start}$ goes past the "
            "initial values, which do not see it, and its effects have the ratio "
            f"$$\\mathrm{{Comp}}_0(z) = {_written(derivation, own.comp)},$$ whose values on the "
            "unit circle are others."
        )


def _is_whole(solution: LinearSolution) -> bool:
    """Whether both transforms count from the nudge itself."""
    bases = {effect.response.base for effect in (solution.total, solution.direct)}
    return bases == {solution.question.start}


def _on_the_circle(
    loop: Sensitivity, values: Mapping[sympy.Symbol, sympy.Rational]
) -> Iterator[str]:
    unstable = loop.unstable(values)
    if unstable:
        roots = ", ".join(f"{root:.6g}" if root.imag else f"{root.real:.6g}" for root in unstable)
        yield (
            f"At the model's own parameters the loop is unstable, with roots at $z = {roots}$ "
            "outside the unit circle: a sinusoid's effect grows without bound, and there is no "
            "response to it of which a largest value or a mean could be stated."
        )
        return
    peak, mean = loop.peak(values), loop.waterbed(values)
    yield (
        f"At the model's own parameters the largest $|\\mathrm{{Comp}}|$ is {peak.comp:.6g}, "
        f"at $\\omega = {peak.omega:.6g}$ (Op = {peak.op:.6g} nats). The mean of Op over all "
        f"frequencies is {mean:.6g} nats: it is fixed by the roots outside the unit circle and the "
        "leading coefficient of $\\mathrm{Comp}(z)$ (the waterbed law)."
    )


def _long_run(derivation: Derivation) -> Iterator[str]:
    solution = derivation.solution
    assert solution is not None
    try:
        total, direct = solution.asymptotics(Deadline.after(10.0))
    except OvertimeError:
        return
    yield "## In the long run"
    yield _limit("total", total, derivation)
    yield _limit("direct", direct, derivation)
    if total.limit.is_finite and direct.limit.is_finite and direct.limit != 0:
        comp = sympy.factor(total.limit / direct.limit)
        yield f"Steady state: $\\mathrm{{Comp}}_\\infty = {_written(derivation, comp)}$."
    values = derivation.rational_values
    if values is not None:
        yield (
            "Op grows by $\\ln(\\rho_\\mathrm{direct}/\\rho_\\mathrm{total})$ = "
            f"{solution.rate(values):.10g} nats per step at the model's own parameters."
        )


def _limit(name: str, found: Asymptotics, derivation: Derivation) -> str:
    if any(condition == sympy.false for condition in found.stable):
        radius = "" if found.radius is None else f" ${_written(derivation, found.radius)}$"
        return (
            f"$\\mathrm{{{name}}}$ has no limit: its largest root{radius} is not inside the unit "
            "circle."
        )
    asked = [condition for condition in found.stable if condition != sympy.true]
    conditions = ", ".join(f"${_written(derivation, c)}$" for c in asked)
    under = f" when {conditions}" if conditions else ""
    text = f"$\\mathrm{{{name}}} \\to {_written(derivation, found.limit)}${under}"
    if found.radius is not None:
        text += f"; $\\rho_\\mathrm{{{name}}} = {_written(derivation, found.radius)}$"
    return text + "."


def _paths(derivation: Derivation) -> Iterator[str]:
    yield "## Paths"
    rows = ["| path | contribution | through A |", "|---|---|---|"]
    for path in derivation.paths:
        mark = "yes" if path.through else ""
        rows.append(f"| {' -> '.join(path.nodes)} | ${to_latex(path.contribution)}$ | {mark} |")
    yield "\n".join(rows)
    yield "The total effect is the sum of all rows, the direct effect that of the unmarked ones."


def _program(derivation: Derivation) -> Iterator[str]:
    assert derivation.program is not None
    lines = str(derivation.program).splitlines()
    yield "## The program"
    yield "By the chain rule per edge, once over all paths and once over those that avoid A:"
    shown = lines if len(lines) <= _MOST_LINES else [*lines[: _MOST_LINES - 3], "...", *lines[-2:]]
    yield "```\n" + "\n".join(shown) + "\n```"
    if len(shown) < len(lines):
        yield f"({len(lines)} lines in all; `python()` gives them as source.)"


def _checks(derivation: Derivation) -> Iterator[str]:
    yield "## Checks"
    solution = derivation.solution
    if derivation.verified and solution is not None:
        count = solution.total.verification.comparisons + solution.direct.verification.comparisons
        yield (
            f"Compared with the exact rational recurrence at {count} pairs of rational parameters "
            "and steps, the degenerate parameters among them: equal at each."
        )
    elif derivation.verified:
        yield (
            "Compared with the exact recurrence of the model: in rationals at the first steps, and "
            "at the step itself modulo $2^{61} - 1$ at random parameters where it has no branches, "
            "in rationals where it has: equal at each."
        )
    elif derivation.digits:
        yield (
            "Compared with the recurrence of the model, both in floats of more digits than are "
            f"lost: equal in {derivation.digits} digits, at the model's own parameters and, where "
            "it has no branches, beside them."
        )
    else:
        yield "**Not verified.**"
    if derivation.notes:
        yield "\n".join(f"- {note}" for note in derivation.notes)
