"""A nudge in the middle of a run: what moves has no tangent before it."""

from __future__ import annotations

import numpy as np
import pytest

from causalopt import Model, run
from causalopt.effects.arrays.array_run import ArrayRun

MAP = np.array([[0.9, 0.2, 0], [-0.1, 0.8, 0.3], [0, 0.1, 1.1]])


def remembering() -> Model:
    """Return x <- M x + pull, with pull = -x/2 held."""
    rows = "stack({}, dim)".format(
        ", ".join("+".join(f"{MAP[i, j]}*x[t-1][{j}]" for j in range(3)) for i in range(3))
    )
    return Model(
        name="remembering",
        sizes={"dim": 3},
        variables={
            "x": {"shape": ["dim"], "rule": f"{rows} + pull[t-1]", "initial": "index(dim)"},
            "pull": {"shape": ["dim"], "rule": "-x[t]/2"},
        },
        partition={"A": ["pull"]},
        question={"target": "x", "steps": 12},
    )


@pytest.mark.parametrize("when", [0, 1, 5, 11, 12])
def test_the_effect_of_a_late_nudge_is_the_power_of_the_map_since_then(when: int) -> None:
    found = run(remembering(), nudge=f"x[{when}]")
    assert isinstance(found, ArrayRun)
    jacobian = found.jacobian(12)
    closed = np.linalg.matrix_power(MAP - np.eye(3) / 2, 12 - when)
    np.testing.assert_allclose(jacobian.total, closed, atol=1e-13)
    np.testing.assert_allclose(jacobian.direct, np.linalg.matrix_power(MAP, 12 - when), atol=1e-13)
    assert not found.total[:when].any()
