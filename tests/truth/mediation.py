"""Mediation in time series, by tigramite.

Linear: a graph with lags and same-step links is fitted to a series; the causal effects of
`LinearMediation` are total effects, and what is left of one without the part through a mediator,
the direct effect with that variable as A (Wright's path products). Nonlinear:
`NaturalEffects_StandardMediationSetup` estimates natural direct and indirect effects of a change of
x by nested regressions; the data are a full design of polynomial mechanisms, which polynomial
regression finds exactly, and the effects those of a nudge of that size, averaged over the
mediator's noise.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator

import numpy as np

from causalopt import Model, op_to_all, run
from tests.truth.linear_series import linear_model, series, stable_coefficients
from tests.truth.record import Comparison, Record

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of packages that tigramite would use for pictures
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import Pipeline, make_pipeline
    from sklearn.preprocessing import PolynomialFeatures
    from tigramite import data_processing
    from tigramite.causal_mediation import (
        FitProvider_Continuous_Default,
        FitSetup,
        NaturalEffects_StandardMediationSetup,
    )
    from tigramite.models import LinearMediation
    from tigramite.toymodels.non_additive import ContinuousVariable

COUNT, SHORT = 40, 3
LAGS = 8


def records(short: bool) -> Iterator[Record]:
    """Yield the records of linear and of nonlinear mediation."""
    count = SHORT if short else COUNT
    total = Comparison("tigramite", "causal effects, linear", 1e-11, "absolute")
    direct = Comparison("tigramite", "effects past a mediator, linear", 1e-11, "absolute")
    for seed in range(count):
        _linear(seed, total, direct)
    yield total.record()
    yield direct.record()
    natural = Comparison("tigramite", "natural direct and indirect effects", 1e-11, "absolute")
    for seed in range(count):
        _nonlinear(seed, natural)
    yield natural.record()


def _linear(seed: int, total: Comparison, direct: Comparison) -> None:
    rng = np.random.default_rng(seed)
    size, lags = int(rng.integers(3, 6)), int(rng.integers(1, 4))
    coefficients = stable_coefficients(rng, size, lags)
    data = series(rng, coefficients, 400)
    parents = {
        i: [(j, -k - 1) for k in range(lags) for j in range(size) if coefficients[k, i, j] != 0]
        + [(j, 0) for j in range(i) if rng.random() < 0.4]
        for i in range(size)
    }
    fitted = LinearMediation(dataframe=data_processing.DataFrame(data), data_transform=None)
    fitted.fit_model(all_parents=parents, tau_max=LAGS)
    cause, mediator = (int(k) for k in rng.choice(size, 2, replace=False))
    model = linear_model(fitted.phi[1 : lags + 1], [mediator], fitted.phi[0])
    found = op_to_all(model, f"y{cause}[{lags}]", steps=lags + LAGS)
    for effect in range(size):
        for tau in range(LAGS + 1):
            one = found.isel(t=lags + tau, variable=effect)
            case = f"seed {seed}: {cause} to {effect} after {tau}, past {mediator}"
            expected = fitted.get_ce(cause, -tau, effect)
            past = expected - fitted.get_mce(cause, -tau, effect, mediator)
            if str(one.status.item()) in {"ok", "no_influence", "only_path"} or effect == mediator:
                total.add(case, float(one.total), expected)
                direct.add(case, float(one.direct), past)
            else:
                total.doubtful()
                direct.doubtful()


def _nonlinear(seed: int, natural: Comparison) -> None:
    rng = np.random.default_rng(seed)
    a, b, c, d, e, f = (round(float(v), 2) for v in rng.uniform(-1, 1, 6))
    b = b or 0.5  # without a bend the data lie on two lines, and no fitted polynomial is unique
    size = round(float(rng.uniform(0.2, 0.8)), 2)
    x, noise = (part.ravel() for part in np.meshgrid(np.linspace(-1, 1, 41), [-size, size]))
    m = a * x + b * x**2 + noise
    y = c * x + d * m + e * x * m + f * m**2
    # On two curves of m a polynomial of degree 4 in both would not be unique.
    fit = FitSetup(FitProvider_Continuous_Default(_polynomial(2), _polynomial(4)))
    cause, effect, mediator = (ContinuousVariable() for _ in range(3))
    data = {cause: x, effect: y, mediator: m}
    effects = NaturalEffects_StandardMediationSetup(fit, cause, effect, mediator, data)
    start, change = (round(float(v), 2) for v in rng.uniform(-0.4, 0.4, 2))
    model = Model(
        name="mediation",
        variables={
            "u": size,
            "x": start,
            "m": f"({a})*x + ({b})*x**2 + u",
            "y": f"({c})*x + ({d})*m + ({e})*x*m + ({f})*m**2",
        },
        question={"nudge": "x", "hold": "m", "target": "y"},
    )
    worlds = [run(model, delta=change, initial={"u": u}) for u in (-size, size)]
    direct, total = (
        np.mean([getattr(world, name)[0] * change for world in worlds])
        for name in ("direct", "total")
    )
    end = start + change
    direct_there = float(np.squeeze(effects.NDE(start, end)))
    # The total effect is the direct one less the indirect one on the way back (Pearl 2001).
    natural.add(
        f"seed {seed}",
        [float(direct), float(total)],
        [direct_there, direct_there - float(np.squeeze(effects.NIE(end, start)))],
    )


def _polynomial(degree: int) -> Callable[[np.ndarray, np.ndarray], Pipeline]:
    return make_pipeline(PolynomialFeatures(degree), LinearRegression()).fit
