"""The effect for delta -> 0, by tangents carried along the baseline."""

from __future__ import annotations

import numpy as np

from causalopt.effects.asked import Asked
from causalopt.effects.effect import Effect, Part, first_nonfinite
from causalopt.effects.integers import refuse_between
from causalopt.effects.reach import reachable
from causalopt.engine.contract import Tangents
from causalopt.engine.executions import run_tangents
from causalopt.engine.python import Progress

UNIT_ROUNDOFF = 2.0**-53


def tangent_effect(asked: Asked, *, progress: Progress | None = None) -> tuple[Effect, Tangents]:
    """Return the total and direct derivative of m by n, and the tangents along W.

    Raises:
        QuestionError: An integer variable stands between them: it has no derivative.
    """
    refuse_between(asked.model, asked.nudge.variable, asked.target)
    plan, template = asked.plan(), asked.model.template
    run = run_tangents(template.structure, plan, progress=progress)
    i = template.index[asked.target]
    parts = []
    for world, (mantissa, error) in enumerate(
        ((run.total, run.total_error), (run.direct, run.direct_error))
    ):
        has_path = reachable(template, plan, avoid_held=world == 1)[:, i]
        parts.append(
            Part(
                mantissa[:, i],
                run.exponents[:, world],
                error[:, i] * UNIT_ROUNDOFF,
                has_path,
                has_path & run.underflow,
            )
        )
    names = tuple(equation.owner for equation in template.equations)
    bad = first_nonfinite(names, run.values)
    rows = np.minimum(np.arange(plan.steps + 1), len(plan.held) - 1)
    effect = Effect(
        total=parts[0],
        direct=parts[1],
        held=plan.held[rows, i],
        finite=np.isfinite(run.values[:, i]),
        kink=run.kink,
        nonfinite=bad[:2] if bad else None,
        overflowed=bool(bad and bad[2]),
        execution=run.execution,
    )
    return effect, run
