"""Landscapes beside finite differences of plain maps, variational equations and closed forms."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from causalopt import SizeError
from causalopt.studies.landscape_maps import LandscapeMaps, landscape_maps
from causalopt.studies.study_files import load_study
from tests.studies.study_texts import PLANE, study

SIGMA, BETA, DT = 10.0, 8 / 3, 0.01


def slope(v: np.ndarray, rho: float) -> np.ndarray:
    a, b, c = v
    return np.array([SIGMA * (b - a), a * (rho - c) - b, a * b - BETA * c])


def runge_kutta(v: np.ndarray, rho: float, held: dict[int, list[float]] | None) -> np.ndarray:
    """One step of RK4; `held`: variable -> its values at the four stages."""

    def fixed(x: np.ndarray, stage: int) -> np.ndarray:
        x = x.copy()
        for k, values in (held or {}).items():
            x[k] = values[stage]
        return x

    k1 = slope(fixed(v, 0), rho)
    k2 = slope(fixed(v + DT / 2 * k1, 1), rho)
    k3 = slope(fixed(v + DT / 2 * k2, 2), rho)
    k4 = slope(fixed(v + DT * k3, 3), rho)
    return v + DT / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def stages(v: np.ndarray, rho: float) -> list[np.ndarray]:
    k1 = slope(v, rho)
    k2 = slope(v + DT / 2 * k1, rho)
    k3 = slope(v + DT / 2 * k2, rho)
    return [v, v + DT / 2 * k1, v + DT / 2 * k2, v + DT * k3]


def comp_by_hand(start: list[float], rho: float, A: str, n: str, m: str, steps: int) -> float:
    """Comp by central differences of RK4 in plain numpy, A's stages held at W's."""
    n_, m_, held = "abc".index(n), "abc".index(m), ["abc".index(x) for x in A]
    delta, ends = 1e-5, {}
    for sign in (1, -1):
        w, x = np.array(start), np.array(start)
        x[n_] += sign * delta
        y = x.copy()
        for _ in range(steps):
            seen = stages(w, rho)
            values = {k: [float(s[k]) for s in seen] for k in held}
            w, x, y = (
                runge_kutta(w, rho, None),
                runge_kutta(x, rho, None),
                runge_kutta(y, rho, values),
            )
            y[held] = w[held]
        ends[sign] = (x[m_], y[m_])
    return (ends[1][0] - ends[-1][0]) / (ends[1][1] - ends[-1][1])


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> LandscapeMaps:
    return landscape_maps(study(tmp_path_factory.mktemp("s"), PLANE), size=6, workers=1)


@pytest.mark.parametrize("figure", [0, 1])
@pytest.mark.parametrize(("question", "A", "n", "m"), [(0, "a", "b", "b"), (1, "c", "a", "b")])
@pytest.mark.parametrize("k", [0, 1])
def test_comp_is_that_of_a_plain_map(
    small: LandscapeMaps, figure: int, question: int, A: str, n: str, m: str, k: int
) -> None:
    rho, (s, c) = (10, 28)[figure], small.axes.values()
    for i, j in ((0, 0), (2, 4), (5, 1)):  # up, right
        expected = comp_by_hand([s[j], s[j], c[i]], rho, A, n, m, small.study.at[k])
        assert small.comp[figure, question, k, i, j] == pytest.approx(expected, rel=2e-5)
    op, comp = small.op[figure, question, k], small.comp[figure, question, k]
    np.testing.assert_allclose(op, -np.log(np.abs(comp)), rtol=1e-12, atol=1e-12)
    assert set(small.status.ravel().tolist()) == {"ok"}


def test_comp_is_that_of_the_exact_flow(small: LandscapeMaps) -> None:
    """Variational equations of X and Y along W, by adaptive integration."""
    integrate = pytest.importorskip("scipy.integrate")
    (s, c), (i, j) = small.axes.values(), (3, 5)
    start, rho, t = [s[j], s[j], c[i]], 28, small.study.at[1] * DT

    def both(_: float, z: np.ndarray) -> np.ndarray:
        a, b, c = z[:3]
        jacobian = np.array([[-SIGMA, SIGMA, 0], [rho - c, -1, -a], [b, a, -BETA]])
        free = jacobian.copy()
        free[0] = 0  # A = {a}: its row is struck out
        return np.concatenate([slope(z[:3], rho), jacobian @ z[3:6], free @ z[6:]])

    begin = [*start, 0, 1, 0, 0, 1, 0]
    end = integrate.solve_ivp(both, (0, t), begin, method="DOP853", rtol=1e-12, atol=1e-12).y[:, -1]
    assert small.comp[1, 0, 1, i, j] == pytest.approx(end[4] / end[7], rel=5e-4)
    assert small.w[1, 0, 1, i, j] == pytest.approx(end[1], rel=1e-3)


def test_a_landscape_of_euler_is_that_of_the_plain_map(tmp_path: Path) -> None:
    found = landscape_maps(
        study(tmp_path, PLANE.replace("rk4", "euler").replace("[20, 50]", "[30]")),
        size=4,
        workers=1,
    )
    (s, c), (i, j), rho = found.axes.values(), (1, 3), 28
    w = np.array([s[j], s[j], c[i]])
    x, y = (np.array([0.0, 1.0, 0.0]) for _ in range(2))  # tangents
    for _ in range(30):
        a, b, c_ = w
        step = np.eye(3) + DT * np.array([[-SIGMA, SIGMA, 0], [rho - c_, -1, -a], [b, a, -BETA]])
        x, y, w = step @ x, step @ y, w + DT * slope(w, rho)
        y[0] = 0
    assert found.comp[1, 0, 0, i, j] == pytest.approx(x[1] / y[1], rel=1e-11)


def test_at_the_origin_op_is_that_of_the_linear_system(tmp_path: Path) -> None:
    """Near the origin the landscape is the matrix exponential's, for rho below and above 1."""
    linalg = pytest.importorskip("scipy.linalg")
    text = PLANE.replace("[10, 28]", "[0.8, 5]").replace("[20, 50]", "[100]")
    text = text.replace("[-20, 20]", "[-1e-6, 1e-6]").replace("[0, 40]", "[-1e-6, 1e-6]")
    found = landscape_maps(study(tmp_path, text), size=4, workers=1)
    for figure, rho in enumerate((0.8, 5)):
        whole = np.array([[-SIGMA, SIGMA, 0], [rho, -1, 0], [0, 0, -BETA]])
        total = linalg.expm(whole)[1, 1]
        np.testing.assert_allclose(found.op[figure, 0], -math.log(total) - 1, atol=2e-6)


def test_first_steps_round_the_loops_have_their_leading_terms(tmp_path: Path) -> None:
    """What the words of lorenz_horizons say: sigma (rho - c) t^2/2 by a, -sigma a b t^3/6 by c."""
    text = PLANE.replace("rk4", "rk4\ndt: 1e-5").replace("[20, 50]", "[10]")
    found = landscape_maps(study(tmp_path, text.replace("[-20, 20]", "[2, 18]")), size=6, workers=1)
    (s, c), t = found.axes.values(), 1e-4
    for figure, rho in enumerate((10, 28)):
        by_a = SIGMA * (rho - c[:, None]) * t**2 / 2
        np.testing.assert_allclose(found.comp[figure, 0, 0] - 1, by_a + 0 * s, rtol=0, atol=1e-8)
    text = text.replace('nudge: "a[0]", target: b', 'nudge: "a[0]", target: a')
    found = landscape_maps(study(tmp_path, text.replace("[-20, 20]", "[8, 18]")), size=6, workers=1)
    by_c = np.broadcast_to(SIGMA * s_squared(found) * t**3 / 6, found.op[0, 1, 0].shape)
    np.testing.assert_allclose(found.op[0, 1, 0], by_c, rtol=0.02)


def s_squared(found: LandscapeMaps) -> np.ndarray:
    return found.axes["s"][None, :] ** 2


def test_axes_pictures_and_names_say_what_was_asked(small: LandscapeMaps) -> None:
    assert list(small.axes) == ["s", "c[0]"]
    assert small.op.shape == (2, 2, 2, 6, 6)
    assert small.figure_name(1) == "rho = 28"
    table = small.dataset
    assert table.op.dims == ("rho", "question", "at", "c_0", "s")
    chosen = table.sel(rho=28, at=50).isel(question=1)
    np.testing.assert_array_equal(chosen.op, small.op[1, 1, 1])
    assert (str(chosen.hold.values), str(chosen.nudge.values)) == ("c", "a[0]")
    assert table.attrs["study_hash"] == small.study.fingerprint
    assert small.to_dict()["statuses"] == {"ok": small.op.size}
    assert "8" not in repr(small).split()[0]


def test_too_many_points_are_refused_with_a_size_that_fits() -> None:
    with pytest.raises(SizeError, match="take 730 or fewer"):
        landscape_maps(load_study("lorenz_equilibria"), size=800, workers=1)
    assert 75 * 730**2 <= 40_000_000 < 75 * 731**2
