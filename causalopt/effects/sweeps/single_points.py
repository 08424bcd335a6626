"""A point that has no others beside it: asked as `run` asks it, at its last step."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.asked import Asked
from causalopt.effects.limit import check_integers, tangent_effect
from causalopt.effects.measures import ratios, status_codes


def measured_alone(asked: Asked, delta: float | None) -> dict[str, NDArray[Any]]:
    """Return what is found at one point, name -> shape [1], as lanes have it.

    Args:
        asked: The question.
        delta: The nudge's size; None for the limit.
    """
    if delta is None:
        run, answer = tangent_effect(asked)
        table = run.values
    else:
        from causalopt.effects.finite import finite_effect

        worlds, answer = finite_effect(asked, delta)
        table = worlds[0].table
    check_integers(asked.model, table)
    effect = answer()
    codes = status_codes(effect)
    comp, op = ratios(effect, codes)
    found: dict[str, NDArray[Any]] = {
        "values": table[:, asked.model.template.index[asked.target]],
        "total": effect.total.value,
        "direct": effect.direct.value,
        "comp": comp,
        "op": op,
        "codes": codes,
    }
    return {name: np.broadcast_to(whole, effect.held.shape)[-1:] for name, whole in found.items()}
