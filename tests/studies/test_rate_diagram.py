"""Rates along a parameter beside eigenvalues of the equilibria, and maxima of known courses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from causalopt.studies.rate_diagram import last_maxima, rate_diagram
from tests.studies.study_texts import CURVE, study

SIGMA, BETA = 10.0, 8 / 3


def exponents(rho: float, held: str) -> float:
    """The largest real part at C+ with the rows and columns of A struck out."""
    a = np.sqrt(BETA * (rho - 1))
    jacobian = np.array([[-SIGMA, SIGMA, 0], [1, -1, -a], [a, a, -BETA]])
    kept = [k for k, name in enumerate("abc") if name not in held]
    return float(np.linalg.eigvals(jacobian[np.ix_(kept, kept)]).real.max())


def test_rates_at_stable_equilibria_are_differences_of_eigenvalues(tmp_path: Path) -> None:
    found = rate_diagram(study(tmp_path, CURVE), size=4)
    np.testing.assert_allclose(found.values, [3, 6, 9, 12])
    for k, rho in enumerate(found.values):
        whole = exponents(rho, "")
        assert found.lyapunov[0, k] == pytest.approx(whole, abs=2e-3)
        for question, held in enumerate("ca"):
            part = exponents(rho, held)
            assert found.conditional[0, question, k] == pytest.approx(part, abs=2e-3)
            assert found.op[0, question, k] == pytest.approx(part - whole, abs=5e-3)
        assert found.maxima[0, k, 0] == pytest.approx(rho - 1, abs=1e-4)
    assert np.abs(found.excess).max() < 5e-3
    assert set(found.status.ravel().tolist()) == {"ok"}
    table = found.dataset
    assert table.op.dims == ("branch", "question", "rho")
    np.testing.assert_array_equal(table.lyapunov.sel(branch="near"), found.lyapunov[0])


def test_maxima_lie_between_steps_and_stand_in_their_order() -> None:
    time = np.arange(0, 40, 0.13)
    course = np.sin(time) * np.exp(0.05 * time)
    found = last_maxima(course, 3)
    # d/dt = 0 where tan t = -20: t = pi - atan 20 + 2 pi k
    tops = np.pi - np.arctan(20) + 2 * np.pi * np.arange(4, 7)
    np.testing.assert_allclose(found, np.sin(tops) * np.exp(0.05 * tops), rtol=1e-4)


def test_a_course_without_maxima_has_its_last_value() -> None:
    found = last_maxima(np.linspace(0, 1, 9), 3)
    np.testing.assert_array_equal(found, [1, np.nan, np.nan])
    np.testing.assert_array_equal(last_maxima(np.ones(5), 2), [1, np.nan])
