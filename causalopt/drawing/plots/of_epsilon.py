"""Part 2's log-log figure: adjusted optimizing strength against the entropy started from."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from matplotlib.figure import Figure

from causalopt.entropy.epsilon import EpsilonPoint
from causalopt.errors import QuestionError


def plot_epsilon(points: Sequence[EpsilonPoint], *, limit: Fraction | None = None) -> Figure:
    """Return the family's adjusted strength against its starting entropy, both logarithmic.

    Args:
        points: The family, as `epsilon_family` returns it.
        limit: The exact ratio at eps -> 0, drawn as a line when given.

    Raises:
        QuestionError: No point has a positive adjusted strength, so that no logarithm exists.

    Example:
        >>> from causalopt import load
        >>> from causalopt.entropy.epsilon import epsilon_family, point_limit
        >>> from causalopt.entropy.declared import finite_model
        >>> smart = finite_model(load("thermostat_smart"))
        >>> family = epsilon_family(smart, ["low", "warm"], [0.1, 0.01])
        >>> plot_epsilon(family, limit=point_limit(smart, ["low", "warm"])).axes[0].get_xscale()
        'log'
    """
    S = np.array([point.S_before for point in points])
    adjusted = np.array([point.strength.adjusted for point in points])
    positive = adjusted > 0
    if not positive.any():
        raise QuestionError("no adjusted strength of the family is positive: nothing to draw")
    unit = points[0].strength.unit
    figure = Figure(figsize=(5.6, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.loglog(S[positive], adjusted[positive], "o", label="adjusted optimizing strength")
    if limit is not None and limit > 0:
        span = np.array([S[positive].min(), S[positive].max()])
        axes.loglog(span, float(limit) * span, "-", color="0.5", label=f"{limit} of the entropy")
    axes.set_xlabel(f"S[P at t - 1] [{unit}]")
    axes.set_ylabel(f"adjusted [{unit}]")
    axes.legend()
    return figure
