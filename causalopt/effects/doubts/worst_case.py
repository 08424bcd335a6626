"""Small effects that paths all but cancel in: computed again as fractions, where floats may fail.

The executions' estimate has signs, so that a short sum may cancel in it as well. Where an effect is
far smaller than the tangents it was made of, every rounding is added up here with its size: where
that is less than an eighth of the effect nothing is lost. The rest is asked of rationals.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from causalopt.effects.doubts.error_bounds import UNIT
from causalopt.effects.doubts.exact_slopes import ExactSlopes
from causalopt.effects.doubts.zeros import exact_tangents
from causalopt.effects.measures import Part, scaled
from causalopt.engine.adjoint import whole_baseline
from causalopt.engine.contract import Floats, Plan, Tangents
from causalopt.engine.executions import execution
from causalopt.engine.linearization import linearize
from causalopt.model.template import Structure, Template

_SAME = 2.0**-26  # relative: floats have it right


def with_exact(
    template: Template, plan: Plan, run: Tangents, places: list[int], parts: tuple[Part, Part]
) -> tuple[Part, Part]:
    """Return the effects with those that rationals know where floats may have lost them.

    What rationals do not know gets the sum of all roundings for its error, in a model without time;
    over many steps that sum says nothing.

    Args:
        template: The model's template.
        plan: The run; its seed is the nudged node.
        run: Its tangents.
        places: The measured equations.
        parts: Their total and direct effects, shape [t, column].
    """
    bounds = [
        worst_errors(template.structure, plan, run, world)[:, places] * UNIT for world in (0, 1)
    ]
    doubtful = [
        (8 * bound >= np.abs(part.mantissa)) & np.isfinite(part.mantissa)
        for part, bound in zip(parts, bounds, strict=True)
    ]
    doubtful = [where & (part.mantissa != 0) for where, part in zip(doubtful, parts, strict=True)]
    rows = np.flatnonzero((doubtful[0] | doubtful[1]).any(axis=1))
    if not len(rows):
        return parts
    slopes = ExactSlopes(template, plan, run.values)
    known: tuple[dict[tuple[int, int], Fraction], ...] = ({}, {})
    unknown = [where & template.is_static for where in doubtful]
    found = exact_tangents(slopes, plan, run.values.shape[1], int(rows[-1]))
    for t, row in enumerate(found):
        for k, place in enumerate(places):
            for world in (0, 1):
                value = row[place][world]
                if doubtful[world][t, k] and value is not None:
                    unknown[world][t, k] = False
                    mine = parts[world].mantissa[t, k]
                    power = int(np.broadcast_to(parts[world].exponent, doubtful[0].shape)[t, k])
                    if abs(mine - scaled(value, -power)) > _SAME * abs(mine):
                        known[world][t, k] = value
    total, direct = (
        part.widened(np.where(lost, bound, 0.0)).settled(exact)
        for part, lost, bound, exact in zip(parts, unknown, bounds, known, strict=True)
    )
    return total, direct


def worst_errors(structure: Structure, plan: Plan, run: Tangents, world: int) -> Floats:
    """Return the sum of all roundings' sizes in tangents, in units of 2**-53, [t, equation].

    Args:
        structure: The template's rules.
        plan: The run; its seed is the nudged node.
        run: Its tangents, whose exponents are all the same.
        world: 0 for total, 1 for direct.
    """
    linear = linearize(structure)
    slopes = np.abs(whole_baseline(execution(run.execution), structure, plan).slopes)
    sizes = np.abs((run.total, run.direct)[world])
    errors = np.zeros(sizes.shape)
    counts = [len(linear.of(i)) for i in range(sizes.shape[1])]
    with np.errstate(invalid="ignore", over="ignore"):
        for t in range(plan.steps + 1):
            closed = plan.held_at(t) & bool(world)
            closed = closed | plan.forced[t] if t < len(plan.forced) else closed
            for k, partial in enumerate(linear.partials):
                i, before = partial.child, t - partial.lag
                if before >= 0 and not closed[i] and sizes[before, partial.parent]:
                    # A constant, a product and a sum of so many terms are each rounded.
                    own = (counts[i] + 1) * sizes[before, partial.parent]
                    errors[t, i] += slopes[t, k] * (errors[before, partial.parent] + own)
    return errors
