"""The errors of slopes, carried along W to first order: what they make of tangents.

A slope's error times its parent's tangent is added to its child and goes on by the same derivatives
as the tangents. There are a few draws: one in which each slope errs alike at every step, as where a
rule rounds alike, and others whose sizes and signs are those of a fixed counter stream, as signs
alone cancel where two errors are of one size. A sum of sizes, as in a model without time, grows
without end in a contracting loop.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from causalopt.engine.adjoint import cut_at
from causalopt.engine.carrier import Carrier
from causalopt.engine.contract import Floats, Plan, Tangents
from causalopt.engine.executions import carrier_for
from causalopt.engine.jacobians import StepDerivative
from causalopt.engine.linearization import linearize
from causalopt.engine.signs import counter_uniforms
from causalopt.model.template import Structure

_DRAWS = 6
_SPREAD = 3**0.5  # uniform numbers between -1 and 1 have this share of a sign's deviation
_STRETCH = 2048  # steps that are carried at once
_LARGEST = 2.0**900  # of an error: so that 0 times it is 0


def signed_errors(
    structure: Structure,
    plan: Plan,
    run: Tangents,
    slopes: Floats,
    found: dict[int, tuple[Any, Any]],
) -> tuple[Floats, Floats]:
    """Return what the errors of slopes make of total and direct tangents, [t, equation] each.

    Args:
        structure: The template's rules.
        plan: The run; its seed is the nudged node.
        run: Its tangents; the errors are in units of their mantissas.
        slopes: The local derivatives, shape [t, partial].
        found: Place of a local derivative -> its value and error, shape [t] each or one number.
    """
    children = sorted({linearize(structure).partials[k].child for k in found})
    draws = _DRAWS if plan.steps else 1
    step = StepDerivative(
        structure,
        np.zeros(len(structure.names), dtype=bool),
        sources=children,
        directions=2 * draws,
    )
    state = np.zeros((step.size, 2 * draws))
    state[step.size - 2 * draws :] = np.eye(2 * draws)
    carrier = carrier_for(step, state, plan.steps + 1)
    errors = np.zeros((2, *run.values.shape))
    for low, high in _stretches(plan, run):
        added = _sources(structure, run, found, children, draws, slice(low, high))
        rows = np.concatenate([slopes[low:high], added.reshape(high - low, -1)], axis=1)
        rows = np.abs(rows) if not plan.steps else rows
        _begin(carrier, plan, run, low, draws)
        record = np.empty((high - low, step.width, 2 * draws))
        _carried(carrier, rows, record)
        sizes = np.abs(record).reshape(high - low, step.width, 2, draws).max(axis=3)
        errors[:, low:high] = np.where(np.isnan(sizes), np.inf, sizes).transpose(2, 0, 1)
    return errors[0], errors[1]


def _stretches(plan: Plan, run: Tangents) -> Iterator[tuple[int, int]]:
    """Yield ranges of steps in which nothing but the slopes changes."""
    count = plan.steps + 1
    edges = {0, count, *range(0, count, _STRETCH)}
    edges |= set((np.flatnonzero(np.diff(run.exponents, axis=0).any(axis=1)) + 1).tolist())
    edges |= set(range(min(len(plan.forced), count) + 1)) | {
        t for t in range(1, len(plan.held)) if t < count
    }
    return itertools.pairwise(sorted(edges))


def _begin(carrier: Carrier, plan: Plan, run: Tangents, t: int, draws: int) -> None:
    """Bring what is carried into a step's units, and say what lets nothing through there."""
    if t:
        powers = np.clip(run.exponents[t - 1] - run.exponents[t], -4000, 4000).astype(np.int32)
        own = carrier.state[: len(carrier.state) - 2 * draws]
        own[:] = np.ldexp(own, np.repeat(powers, draws))
    carrier.block(np.repeat(cut_at(plan, t).T, draws, axis=1))


def _carried(carrier: Carrier, rows: Floats, record: Floats) -> None:
    done = 0
    while done < len(rows):
        done = carrier.over(rows, done, len(rows), record=record[done:], since=done)


def _sources(
    structure: Structure,
    run: Tangents,
    found: dict[int, tuple[Any, Any]],
    children: list[int],
    draws: int,
    steps: slice,
) -> Floats:
    """Return what slopes' errors add to equations, shape [t, child, direction]."""
    count = steps.stop - steps.start
    added = np.zeros((count, len(children), 2, draws))
    width = (draws - 1) * len(found)
    random = _SPREAD * counter_uniforms(steps.start * width, (count, width))
    random = random.reshape(count, len(found), -1)
    for number, (k, (value, error)) in enumerate(found.items()):
        partial = linearize(structure).partials[k]
        size, slope = (
            np.broadcast_to(x, len(run.values))[steps].astype(float) for x in (error, value)
        )
        alike = np.where(slope < 0, -1.0, 1.0)[:, np.newaxis]
        signs = np.concatenate([alike, random[:, number]], axis=1)
        first = max(partial.lag, steps.start)
        before = slice(first - partial.lag, steps.stop - partial.lag)
        for world, tangents in enumerate((run.total, run.direct)):
            if first >= steps.stop:
                continue
            powers = run.exponents[before, world] - run.exponents[first : steps.stop, world]
            x = np.zeros(count)
            x[first - steps.start :] = np.ldexp(
                tangents[before, partial.parent], np.clip(powers, -4000, 4000).astype(np.int32)
            )
            moved = np.where(x != 0, np.minimum(size, _LARGEST) * x, 0.0)
            added[:, children.index(partial.child), world] += signs * moved[:, np.newaxis]
    return np.clip(added, -_LARGEST, _LARGEST).reshape(count, len(children), 2 * draws)
