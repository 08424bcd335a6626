"""Maps in a subspace are those of whole steps, seen in its basis."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from causalopt import Model
from causalopt.effects.exponents.carried_maps import InnerMaps, WholeMaps, followed_maps, maps_along
from causalopt.effects.exponents.growth import growth
from causalopt.engine.jacobians import StepDerivative

# x and y turn into each other, z is aside: the plane of x and y is mapped into itself.
_PLANE = Model(
    name="plane",
    variables={
        "x": {"rule": "0.9*x[t-1] - 0.3*y[t-1]", "initial": 1},
        "y": {"rule": "0.4*x[t-1] + 0.8*y[t-1]", "initial": 1},
        "z": {"rule": "2*z[t-1] + x[t-1]", "initial": 1},
    },
)


def _step() -> StepDerivative:
    return StepDerivative(_PLANE.template.structure, np.zeros(3, dtype=bool))


def test_a_frame_in_a_subspace_goes_where_the_whole_one_goes() -> None:
    step, rng = _step(), np.random.default_rng(0)
    slopes = np.tile([0.9, -0.3, 0.4, 0.8, 2.0, 1.0], (12, 1))
    whole = WholeMaps(step, slopes)
    basis = np.eye(step.size)[:, [k for k, (i, _) in enumerate(step.slots) if i == 2]]
    inner = InnerMaps(step, slopes, basis)
    frame = rng.normal(size=(1, 2))
    for t in range(12):
        assert np.allclose(basis @ inner.carry(t, frame), whole.carry(t, basis @ frame))
        assert np.allclose(basis @ inner.noise(t, frame), whole.noise(t, basis @ np.abs(frame)))


def test_growth_in_machine_code_is_the_logarithm_of_eigenvalues_by_qr() -> None:
    """Of a constant map in a basis: moduli of eigenvalues, in falling order."""
    matrix = np.array([[1.5, 0.2, 0.1], [0.0, 0.7, 0.3], [0.0, 0.0, 0.2]])
    rules = {
        f"v{i}": {"rule": " + ".join(f"{row[j]}*v{j}[t-1]" for j in range(3)), "initial": 1}
        for i, row in enumerate(matrix)
    }
    step = StepDerivative(
        Model(name="m", variables=rules).template.structure, np.zeros(3, dtype=bool)
    )
    unit = step.matrices(np.ones((1, len(step.products.columns))))[0][0]
    slopes = np.array([matrix[i, j] for i in range(3) for j in range(3) if unit[i, j]])
    for count in (50, 5_000):  # numpy's QR, and machine code
        table = np.tile(slopes, (count, 1))
        frame = np.random.default_rng(1).normal(size=(3, 3))
        for basis in (None, np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]):
            logs, _ = growth(maps_along(step, table, basis), frame, 30)
            assert np.allclose(np.exp(logs.mean(axis=0)), [1.5, 0.7, 0.2], rtol=1e-6)


def test_what_is_followed_in_a_subspace_has_m_s_row_and_the_sizes_of_whole_steps() -> None:
    """In coordinates that turn x and y, where numbers of the maps are less than their products."""
    step, rng = _step(), np.random.default_rng(3)
    slopes = rng.normal(size=(7, 6))
    turned = np.linalg.qr(rng.normal(size=(2, 2)))[0]
    basis = np.zeros((step.size, 2))
    basis[[k for k, (i, _) in enumerate(step.slots) if i < 2]] = turned
    (maps,) = followed_maps(step, slopes, basis, 2)
    assert maps.target == 2
    vector, inner = rng.normal(size=2), np.abs(basis)
    p = maps.products
    for t, row in enumerate(slopes):
        for table, given, left, frame in (
            (maps.slopes, row, basis, basis @ vector),
            (maps.sizes, np.abs(row), inner, inner @ np.abs(vector)),
        ):
            state = np.concatenate([np.zeros(3), vector if left is basis else np.abs(vector)])
            made = table[t, p.columns] * state[p.sources]
            sums = [made[low:high].sum() for low, high in itertools.pairwise(p.offsets)]
            after, all_ = step.carry(given, frame[:, np.newaxis])
            assert np.allclose(sums, [*(left.T @ after[:, 0]), all_[2, 0]])


@pytest.mark.parametrize(("at", "second"), [(20, math.log(0.5)), (500, -math.inf)])
def test_a_direction_has_died_where_it_vanishes_after_the_transient(at: int, second: float) -> None:
    step = _diagonal()
    slopes = np.tile([0.9, 0.5], (2000, 1))
    slopes[at, 1] = 0.0
    logs, _ = growth(maps_along(step, slopes, None), np.eye(2), 100)
    assert logs == pytest.approx(np.tile([math.log(0.9), second], (1900, 1)), rel=1e-12)


def test_a_direction_that_vanishes_at_every_step_is_looked_into_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked, step = [], _diagonal()
    carry = WholeMaps.carry

    def noted(self: WholeMaps, t: int, frame: np.ndarray) -> np.ndarray:
        looked.append(t)
        return carry(self, t, frame)

    monkeypatch.setattr(WholeMaps, "carry", noted)
    slopes = np.tile([0.9, 0.0], (2000, 1))
    logs, frame = growth(maps_along(step, slopes, None), np.eye(2), 1000)
    assert looked == [1000, 1999]
    assert logs == pytest.approx(np.tile([math.log(0.9), -math.inf], (1000, 1)), rel=1e-12)
    assert np.abs(frame).tolist() == [[1.0, 0.0], [0.0, 0.0]]


def test_after_the_transient_directions_are_at_right_angles() -> None:
    """One vanishes at its last step: the growth of the next is that of what replaced it."""
    step = _diagonal()
    slopes = np.tile([0.9, 0.5], (2000, 1))
    slopes[99, 1] = 0.0
    turn = np.linalg.qr(np.array([[1.0, 2.0], [3.0, -1.0]]))[0]
    logs, _ = growth(maps_along(step, slopes, None), turn, 100)
    assert np.exp(logs[:5]).prod(axis=1) == pytest.approx([0.45] * 5, rel=1e-12)


def _diagonal() -> StepDerivative:
    rules = {f"x{i}": {"rule": f"0.5*x{i}[t-1]", "initial": 1} for i in range(2)}
    model = Model(name="m", variables=rules)
    return StepDerivative(model.template.structure, np.zeros(2, dtype=bool))
