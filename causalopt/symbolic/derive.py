"""derive: the answer to a question in the strongest exact form that can be had in time."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import sympy

from causalopt.errors import QuestionError
from causalopt.model.asked_words import Nudged
from causalopt.model.model import Model
from causalopt.model.selectors import Node
from causalopt.model.template import refuse_between
from causalopt.symbolic.conditions import describe
from causalopt.symbolic.deadline import Deadline, OvertimeError
from causalopt.symbolic.derivation import Derivation
from causalopt.symbolic.digits import DIGITS
from causalopt.symbolic.fixed_points import starts_at_rest
from causalopt.symbolic.flow_effects import FlowEffects, flow_effects
from causalopt.symbolic.linear import T, solve_linear
from causalopt.symbolic.linear_template import Edge
from causalopt.symbolic.paths import Path, follow, one_sided
from causalopt.symbolic.program_checks import check_program, check_template, undefined, unverified
from causalopt.symbolic.quiet_draws import without_draws
from causalopt.symbolic.ratio import whole_powers
from causalopt.symbolic.reading import Reading, linear_template, read_question
from causalopt.symbolic.static_paths import derive_static
from causalopt.symbolic.straight_line import StraightLine, write_program
from causalopt.symbolic.verification import TOO_LATE, Verification
from causalopt.work.progress import Progress, long_work

_COMPARED_STEPS = 12
_CLOSED_FORM_SHARE = 0.7


@long_work("deriving", direct=True)
def derive(
    model: Model,
    *,
    nudge: Nudged | None = None,
    hold: str | Sequence[str | Node] | None = None,
    target: str | None = None,
    steps: int | None = None,
    at: int | None = None,
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    expand: bool = False,
    time_limit: float = 20.0,
) -> Derivation:
    """Derive Comp(A; n, m) and Op as formulas, with their conditions, and verify them.

    A linear model (also one that is linear along its path, or around the fixed point it starts at)
    gets a closed form in the step t; a nonlinear one a straight-line program for one step; a model
    without time the sums over its paths. Parameters stay symbols unless they are set here.

    Args:
        model: The model; its question gives what is not given here.
        nudge: The node n, such as `R[0]`.
        hold: The set A, such as `a` or `a[t<=10]`.
        target: The variable m.
        steps: The step for which a program is written when `at` is not given, and how far a path is
            followed through the branches of piecewise rules; the question's steps when not given,
            20 when the question has none.
        at: The step at which numbers are wanted, and for which a program is written.
        parameters: Values that replace parameters in the model and in the formulas.
        initial: Initial values that replace the model's.
        progress: Called with (done, total, what), in seconds of the time limit.
        expand: Write a program's effects out as expressions even if they are long.
        time_limit: Seconds; when they run out the next simpler exact form is taken, and said so.

    Returns:
        The derivation.

    Raises:
        QuestionError: The question cannot be asked of this model.
        UnknownNameError: It names something that the model does not declare.

    Example:
        >>> from causalopt import load
        >>> derive(load("thermostat"), parameters={"k": "1/4"}).comp
        (t + 1)/2**t
    """
    del progress  # long_work tells it
    model = without_draws(model)
    reading = read_question(
        model,
        nudge=nudge,
        hold=hold,
        target=target,
        steps=steps,
        at=at,
        parameters=parameters,
        initial=initial,
    )
    _refuse_laws(reading)
    refuse_between(reading.model.template, reading.asked.nudge.variable, reading.asked.target)
    return choose_form(reading, at=at, expand=expand, time_limit=time_limit)


def _refuse_laws(reading: Reading) -> None:
    """Refuse variables without single values, but for noise that is only read."""
    asked = {reading.asked.nudge.variable, reading.asked.target}
    for equation in reading.model.template.equations:
        is_noise = equation.law is not None and not equation.initial and not equation.reads
        if equation.law is not None and (not is_noise or equation.name in asked):
            raise QuestionError(
                f"'{equation.name}' {equation.law}, and a formula follows single values: ask "
                "`causalopt entropy` for the law"
            )


def choose_form(reading: Reading, *, at: int | None, expand: bool, time_limit: float) -> Derivation:
    """Return the derivation in the strongest exact form that can be had in time.

    In this order: path sums for a model without time; the closed form of a linear model; that of
    the linearisation, for a model that starts at a fixed point; that of the last branch, for a
    piecewise linear model whose path settles; a straight-line program.

    Args:
        reading: The model and the question.
        at: The step asked for.
        expand: Whether a program is written out whatever its size.
        time_limit: Seconds for everything.
    """
    deadline = Deadline.after(time_limit)
    for_closed_form = Deadline.after(time_limit, share=_CLOSED_FORM_SHARE)
    if reading.model.is_static:
        return _static(reading, at, deadline)
    notes: list[str] = []
    try:
        found = _closed_form(reading, at, for_closed_form)
        if found is not None and (found.verified or found.digits):
            return found
        if found is not None:
            notes.append(f"no closed form was verified ({found.notes[0]}): a straight-line program")
    except OvertimeError as error:
        notes.append(f"no closed form within {time_limit:g} s ({error}): a straight-line program")
    except ArithmeticError as error:  # the program says where, or does without that number
        notes.append(f"no closed form was compared ({error}): a straight-line program")
    return _program(reading, at, expand, deadline, notes)


def _static(reading: Reading, at: int | None, deadline: Deadline) -> Derivation:
    try:
        return deadline.run(derive_static, reading, at)
    except OvertimeError as error:
        raise QuestionError(
            f"no sums over paths within the time limit ({error}): give a longer --time-limit "
            "(time_limit=), or ask `causalopt run` for the numbers"
        ) from None


def _closed_form(reading: Reading, at: int | None, deadline: Deadline) -> Derivation | None:
    path = None if reading.drawn else deadline.run(_followed, reading)
    met = [] if path is None else one_sided(path)
    if reading.is_linear:
        flow = None if met else _flowing(reading, deadline)
        if flow is not None:
            return _by_flow(reading, flow, at, deadline)
        return _solved(reading, reading.edges, (), at, deadline, met)
    if reading.drawn:
        name, law = reading.drawn[0]
        raise QuestionError(
            f"'{name}' {law}, and the effects depend on its value: a formula follows single values "
            "where the model is not linear; ask `causalopt entropy` for the law"
        )
    rest = deadline.run(starts_at_rest, reading, at_most=deadline.remaining() / 3)
    if rest is not None and not met:
        where = "the model starts at a fixed point and stays there: " + ", ".join(
            f"{name} = {value}" for name, value in rest.values
        )
        return _solved(reading, rest.edges, (), at, deadline, [where])
    if path is None or not all(mode.is_linear for _, mode in path.spans):
        return None
    early = tuple(mode.edges for mode in path.by_step(path.settles - 1)) if path.settles else ()
    spans = describe_path(path, reading.asked.steps)
    return _solved(reading, path.final.edges, early, at, deadline, spans)


def _flowing(reading: Reading, deadline: Deadline) -> FlowEffects | None:
    try:
        return deadline.run(flow_effects, reading, at_most=deadline.remaining() / 2)
    except OvertimeError:
        return None


def _by_flow(reading: Reading, flow: FlowEffects, at: int | None, deadline: Deadline) -> Derivation:
    """Return the formulas that the differential equation gives, with the z-domain if in time."""
    try:
        stepwise = _solved(reading, reading.edges, (), at, deadline, [])
        solution, stand_ins = stepwise.solution, stepwise.stand_ins
    except OvertimeError:
        solution, stand_ins = None, {}
    return Derivation(
        reading,
        "closed form",
        flow.total,
        flow.direct,
        (f"t >= {reading.question.start}", *flow.conditions),
        flow.is_exact,
        solution=solution,
        at=at,
        stand_ins=stand_ins,
        digits=0 if flow.is_exact else DIGITS,
    )


def _followed(reading: Reading) -> Path | None:
    try:
        return follow(reading, reading.asked.steps)
    except ArithmeticError:
        return None


def describe_path(path: Path, last: int) -> list[str]:
    """Return the branches a path takes, span by span, and where it meets one exactly."""
    ends = [first - 1 for first, _ in path.spans[1:]] + [None]
    found = []
    for (first, mode), end in zip(path.spans, ends, strict=True):
        relations = " and ".join(str(relation) for relation in mode.conditions)
        if relations:
            until = f"{first}..{end}" if end is not None else f"{first}.. (seen to {last})"
            found.append(f"at t = {until}: {relations}")
    return found + one_sided(path)


def _solved(
    reading: Reading,
    edges: Mapping[Edge, sympy.Expr],
    early: tuple[Mapping[Edge, sympy.Expr], ...],
    at: int | None,
    deadline: Deadline,
    conditions: list[str],
) -> Derivation:
    linear = linear_template(reading.names, edges, reading.starts, early)
    solution = solve_linear(linear.template, reading.question, time_limit=deadline.remaining())
    checks = [solution.total.verification, solution.direct.verification]
    if not reading.drawn:
        checks.append(check_template(reading, solution, _span(reading, early), linear.irrational))
        if reading.is_linear and checks[-1].digits:
            # The template of a linear model is the model's own for any value of its symbols.
            checks.pop()
    notes = [check.note for check in checks if check.note]
    notes += [*solution.total.form.notes, *solution.direct.form.notes]
    verified = all(check.passed for check in checks)
    digits = DIGITS if not verified and all(c.passed or c.digits for c in checks) else 0
    written = dict(linear.irrational)
    named = [
        (name, expr.xreplace(written))
        for effect in (solution.total, solution.direct)
        for name, expr in effect.form.definitions
    ]
    return Derivation(
        reading,
        "closed form",
        whole_powers(solution.total.form.expr.xreplace(written), T),
        whole_powers(solution.direct.form.expr.xreplace(written), T),
        (*describe(solution, linear), *conditions),
        verified,
        tuple(dict.fromkeys(notes)),
        solution=solution,
        at=at,
        definitions=tuple(dict.fromkeys(named)),
        stand_ins=linear.irrational,
        digits=digits,
    )


def _span(reading: Reading, early: tuple[Mapping[Edge, sympy.Expr], ...]) -> int:
    settled = max(reading.question.start, len(early), reading.question.holding.settles)
    return int(min(settled + _COMPARED_STEPS, reading.lasts))


def _program(
    reading: Reading, at: int | None, expand: bool, deadline: Deadline, notes: list[str]
) -> Derivation:
    step = at if at is not None else reading.asked.steps
    shorter = Reading(
        reading.model, dataclasses.replace(reading.asked, steps=step), reading.numbers
    )
    try:
        path, program = deadline.run(_written, shorter, step, at_most=deadline.remaining() * 0.7)
    except OvertimeError:
        late = f"the program for t = {step} was not written within the time limit"
        return _recurrence(shorter, at, [*notes, late])
    except ZeroDivisionError:
        raise QuestionError(undefined(step)) from None
    except ArithmeticError as error:
        raise QuestionError(unverified(str(error))) from None
    conditions = [f"t = {step}", *describe_path(path, step)]
    if at is None:
        notes.append(
            f"the model is nonlinear along this path: the formulas are for t = {step} "
            "alone; ask for another step with --at (at=)"
        )
    branches = bool(path.ties) or len(path.spans) > 1 or bool(path.final.comparisons)
    try:
        checked = deadline.run(lambda: check_program(shorter, program, branches=branches))
    except OvertimeError:
        checked = Verification(False, 0, TOO_LATE)
    notes += [checked.note] if checked.note else []
    if not checked.passed and not checked.digits:
        return _recurrence(shorter, at, notes)
    try:
        total, direct = deadline.run(_written_out, program, expand)
    except OvertimeError:
        total, direct = program.total, program.direct
    return Derivation(
        shorter,
        "straight-line program",
        total,
        direct,
        tuple(conditions),
        checked.passed,
        tuple(notes),
        program=program,
        at=at,
        digits=checked.digits,
    )


def _written(reading: Reading, step: int) -> tuple[Path, StraightLine]:
    path = follow(reading, step)
    return path, write_program(reading, path, step)


def _recurrence(reading: Reading, at: int | None, notes: list[str]) -> Derivation:
    """The last resort: one step of the recurrence, whose values are exact all the same."""
    step = reading.asked.steps
    names = reading.names
    lines = []
    for i, child in enumerate(names):
        terms = [
            f"({slope})*total_{names[j]}[{f't-{lag}' if lag else 't'}]"
            for (k, j, lag), slope in sorted(reading.edges.items())
            if k == i
        ]
        if terms:
            lines.append(f"total_{child}[t] = " + " + ".join(terms))
    lines.append("direct_v[t] follows from the same lines, with 0 where v is held")
    notes.append(
        "the recurrence is given, and values come from it; ask for an earlier step or a longer "
        "--time-limit"
    )
    total, direct = (
        sympy.Symbol(f"{kind}_{reading.asked.target}_{step}") for kind in ("total", "direct")
    )
    return Derivation(
        reading, "recurrence", total, direct, (f"t = {step}", *lines), False, tuple(notes), at=at
    )


def _written_out(program: StraightLine, expand: bool) -> tuple[sympy.Expr, sympy.Expr]:
    expanded = program.expand(200_000 if expand else 400)
    return (program.total, program.direct) if expanded is None else expanded
