"""The effect of a nudge of finite size, by running W, X and Y and taking differences."""

from __future__ import annotations

import dataclasses

import numpy as np

from causalopt.effects.measures import Effect, Part, first_nonfinite
from causalopt.effects.reach import reachable
from causalopt.engine.contract import Bools, Floats, Plan, Progress
from causalopt.engine.executions import run_values
from causalopt.engine.linearization import linearize
from causalopt.language.term import Term
from causalopt.model.model import Model

EPSILON = 2.0**-52


def finite_effect(
    model: Model, plan: Plan, target: str, delta: float, *, progress: Progress | None = None
) -> tuple[Effect, tuple[Floats, Floats, Floats]]:
    """Return the difference quotients of a variable, and the values of W, X and Y.

    Args:
        model: The model.
        plan: The baseline's plan, with its seed the nudged node and its held set A.
        target: The measured variable m.
        delta: The nudge's size.
        progress: Called with the number of steps done.

    Returns:
        The effect, and three tables of shape [t, equation].
    """
    structure = model.template.structure
    children, signs = _branches(model)
    assert plan.seed is not None
    w = run_values(structure, plan, signs, progress)
    nudged = _nudged(plan, delta)
    x = run_values(structure, nudged, signs, progress)
    surgery = _held(nudged, w.values)
    y = run_values(structure, surgery, signs, progress)
    differs = _parted(w.extras, x.extras, nudged, children)
    differs |= _parted(w.extras, y.extras, surgery, children)
    steps = np.flatnonzero(differs)
    names = tuple(equation.owner for equation in model.template.equations)
    bad = min(
        (b for b in (first_nonfinite(names, run.values) for run in (w, x, y)) if b),
        key=lambda b: b[1],
        default=None,
    )
    i = model.template.index[target]
    effect = Effect(
        total=_part(w.values[:, i], x.values[:, i], delta, model, plan, i, avoid=False),
        direct=_part(w.values[:, i], y.values[:, i], delta, model, plan, i, avoid=True),
        held=plan.held_table[:, i],
        finite=np.all(np.isfinite([run.values[:, i] for run in (w, x, y)]), axis=0),
        kink=int(steps[0]) if len(steps) else None,
        nonfinite=bad[:2] if bad else None,
        overflowed=bool(bad and bad[2]),
        execution=w.execution,
    )
    return effect, (w.values, x.values, y.values)


def _branches(model: Model) -> tuple[list[int], tuple[Term, ...]]:
    """Return terms that change exactly where a run takes another branch, and their equations."""
    gaps = [gap for gap in linearize(model.template.structure).gaps if gap.slopes]
    signs = tuple(
        gap.kink.right
        if gap.kink.right.op in {"floor", "ceil"}
        else Term.of("sign", Term.of("sub", gap.kink.left, gap.kink.right))
        for gap in gaps
    )
    return [gap.child for gap in gaps], signs


def _parted(w: Floats, other: Floats, plan: Plan, children: list[int]) -> Bools:
    """Return at which steps two worlds took different branches, at nodes that follow their rule."""
    differs = w != other
    differs &= ~(np.isnan(w) & np.isnan(other))
    differs[: len(plan.forced)] &= ~plan.forced[:, children]
    parted: Bools = differs.any(axis=1)
    return parted


def _nudged(plan: Plan, delta: float) -> Plan:
    assert plan.seed is not None
    t, i = plan.seed
    missing = ((0, max(0, t + 1 - len(plan.forced))), (0, 0))
    shifts = np.pad(plan.shifts, missing)
    shifts[t, i] += delta
    return dataclasses.replace(
        plan,
        forced=np.pad(plan.forced, missing),
        values=np.pad(plan.values, missing),
        shifts=shifts,
        seed=None,
    )


def _held(plan: Plan, baseline: Floats) -> Plan:
    """Return the plan in which A takes its values from W: the surgery itself."""
    held = plan.held_table
    last = np.flatnonzero(held.any(axis=1))
    if not len(last):
        return plan
    length = max(len(plan.forced), int(last[-1]) + 1)
    pad = ((0, length - len(plan.forced)), (0, 0))
    held = held[:length]
    return dataclasses.replace(
        plan,
        forced=np.pad(plan.forced, pad) | held,
        values=np.where(held, baseline[:length], np.pad(plan.values, pad)),
        shifts=np.where(held, 0.0, np.pad(plan.shifts, pad)),
    )


def _part(
    w: Floats, other: Floats, delta: float, model: Model, plan: Plan, i: int, *, avoid: bool
) -> Part:
    has_path = reachable(model.template, plan, avoid_held=avoid)[:, i]
    with np.errstate(invalid="ignore", over="ignore"):
        difference = other - w
        error = np.where(has_path, EPSILON * np.maximum(np.abs(w), np.abs(other)), 0.0)
        mantissa = difference / delta
    # A difference of exactly 0 along a path may be a small one that rounding took.
    exponent = np.zeros(len(w), dtype=np.int64)
    return Part(mantissa, exponent, error / abs(delta), has_path, has_path)
