"""Impulse responses of fitted vector autoregressions, by statsmodels.

Two to four series are drawn and a VAR of one to three lags is fitted to them. Its moving-average
coefficients are the total effects of a nudge; those of the same process with A's equations struck
out, the direct effects. Its orthogonalised responses are the total effects in the structural form
that a Cholesky factor of the residuals' covariance gives, with same-step edges, of a nudge by one
standard deviation.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from statsmodels.tsa.api import VAR
from statsmodels.tsa.vector_ar.var_model import ma_rep

from causalopt import Model, op_to_all
from tests.truth.linear_series import linear_model, series, stable_coefficients
from tests.truth.record import Comparison, Record

COUNT, SHORT = 60, 4
HORIZON = 20
TOLERANCE = 1e-11


def records(short: bool) -> Iterator[Record]:
    """Yield the records of plain, held and orthogonalised responses."""
    plain = Comparison("statsmodels", "total effects, impulse responses", TOLERANCE, "absolute")
    held = Comparison("statsmodels", "direct effects, A struck out", TOLERANCE, "absolute")
    orthogonal = Comparison("statsmodels", "orthogonalised responses", TOLERANCE, "absolute")
    for seed in range(SHORT if short else COUNT):
        rng = np.random.default_rng(seed)
        size, lags = int(rng.integers(2, 5)), int(rng.integers(1, 4))
        data = series(rng, stable_coefficients(rng, size, lags), 300)
        fitted = VAR(data).fit(lags, trend="c")
        responses = fitted.irf(HORIZON)
        shocked, kept = (int(k) for k in rng.choice(size, 2, replace=False))
        struck = fitted.coefs.copy()
        struck[:, kept, :] = 0
        model = linear_model(fitted.coefs, [kept])
        total, direct = effects(model, shocked, lags - 1)
        plain.add(f"seed {seed}", total, responses.irfs[:, :, shocked])
        held.add(f"seed {seed}", direct, ma_rep(struck, HORIZON)[:, :, shocked])
        factor = np.linalg.cholesky(fitted.sigma_u)
        deviations = np.diag(factor)
        # y = F e with F = L D: L^-1 y is what the shocks of deviation D reach at once.
        mixing = np.linalg.inv(factor / deviations)
        structural = linear_model(
            np.array([mixing @ c for c in fitted.coefs]), [kept], np.eye(size) - mixing
        )
        nudged, _ = effects(structural, shocked, lags)
        orthogonal.add(
            f"seed {seed}", deviations[shocked] * nudged, responses.orth_irfs[:, :, shocked]
        )
    yield plain.record()
    yield held.record()
    yield orthogonal.record()


def effects(model: Model, shocked: int, at: int) -> tuple[np.ndarray, np.ndarray]:
    """Return total and direct effects of y[at] on all, from then on; held ones have direct 0."""
    found = op_to_all(model, f"y{shocked}[{at}]", steps=at + HORIZON)
    wrong = ~np.isin(found.status, ["ok", "no_influence", "held", "only_path"])
    assert not wrong[at:].any(), np.unique(found.status)
    return found.total.values[at:], found.direct.values[at:]
