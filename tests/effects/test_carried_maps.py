"""Maps in a subspace are those of whole steps, seen in its basis."""

from __future__ import annotations

import numpy as np

from causalopt import Model
from causalopt.effects.carried_maps import InnerMaps, WholeMaps, maps_along
from causalopt.effects.growth import growth
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
