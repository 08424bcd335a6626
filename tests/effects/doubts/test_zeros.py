"""A zero along a path is called perfect only where it is exact: oracles are fractions by hand."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from causalopt import Model, load, op_from_all, op_to_all, run, sweep


def static(rules: dict[str, Any], hold: str = "a", target: str = "m") -> Model:
    variables = {
        name: {"rule": rule} if isinstance(rule, str) else {"initial": rule}
        for name, rule in rules.items()
    }
    return Model(
        name="m", variables=variables, question={"nudge": "n", "hold": hold, "target": target}
    )


@pytest.mark.parametrize("alpha", ["0.5", "0.75"])
def test_the_solver_is_never_called_perfect_where_its_total_is_a_power(alpha: str) -> None:
    found = run(load("solver"), steps=60, parameters={"alpha": alpha})
    assert "perfect" not in found.status
    assert "ok" in found.status
    assert np.isnan(found.op[found.total == 0]).all()


def test_a_sweep_gives_no_infinite_op_for_a_zero_that_rounding_left() -> None:
    found = sweep(load("solver"), {"alpha": [0.25, 0.5, 0.75]}, steps=60)
    assert "perfect" not in found.status
    assert np.isfinite(found.op[~np.isnan(found.op)]).all()


def test_the_thermostat_with_k_1_is_perfect_every_third_step() -> None:
    # R' = R - T, T' = R: by the characteristic roots exp(+-i pi/3) the total is 1, 1, 0, -1, -1, 0.
    found = run(load("thermostat"), steps=3000, parameters={"k": 1})
    assert (found.status[2::3] == "perfect").all()
    assert "perfect" not in found.status[0::3]
    every = op_to_all(load("thermostat").replace(parameters={"k": 1}), "R[0]", steps=20)
    assert every.status.sel(variable="R").values[2::3].tolist() == ["perfect"] * 7
    back = op_from_all(load("thermostat").replace(parameters={"k": 1}), "R[2]")
    assert back.status.sel(variable="R", t=0).item() == "perfect"
    swept = sweep(load("thermostat"), {"k": [0.5, 1.0]}, steps=2)
    assert swept.status.tolist() == ["ok", "perfect"]


@pytest.mark.parametrize(
    ("rules", "status"),
    [
        ({"n": 1, "a": "-0.1*n", "m": "0.1*n + a"}, "perfect"),  # 1/10 - 1/10
        ({"n": 1, "a": "-n", "m": "n + a"}, "perfect"),
        ({"n": 2, "a": "n", "m": "where(n > 1, 3, n) + 0*a"}, "no_influence"),
        ({"n": 2, "a": "n", "m": "where(n > 1, 3, n) + a"}, "only_path"),
        ({"n": 0, "a": "n", "m": "n**2 + 0*a"}, "no_influence"),
        *(
            ({"n": 0, "a": "n", "m": f"n*({zero}) + 0*a"}, "no_influence")
            for zero in ("log1p(n)", "expm1(n)", "erf(n)", "2*sigmoid(n) - 1", "2*ndtr(n) - 1")
        ),
        ({"n": 800, "a": "0*n", "m": "sigmoid(n) + a"}, "unresolved"),  # exp(-800) is no 0
        ({"n": 1, "a": "exp(n)", "m": "exp(n) - a"}, "unresolved"),  # e is no fraction
        ({"n": 800, "a": "0*n", "m": "tanh(n) + a"}, "unresolved"),  # 4 exp(-1600) is no 0
    ],
)
def test_a_zero_along_a_path_needs_proof(rules: dict[str, Any], status: str) -> None:
    found = run(static(rules))
    assert found.status[0] == status
    back = op_from_all(static(rules), "m")
    assert back.status.sel(variable="n").item() == status


def test_random_linear_models_are_perfect_only_where_fractions_are() -> None:
    rng = np.random.default_rng(5)
    perfect = 0
    for _ in range(200):
        slopes = [Fraction(int(k), 10) for k in rng.integers(-2, 3, 5)]
        b, c, d, e, f = slopes
        model = static(
            {
                "n": 1,
                "b": f"{float(b)!r}*n",
                "a": f"{float(c)!r}*n + {float(d)!r}*b",
                "m": f"{float(e)!r}*n + a + {float(f)!r}*b",
            }
        )
        direct = e + f * b
        total = direct + c + d * b
        found = run(model)
        status = str(found.status[0])
        if status in {"perfect", "only_path", "no_influence"}:
            assert (total == 0) == (status in {"perfect", "no_influence"})
            assert (direct == 0) == (status in {"only_path", "no_influence"})
        elif status == "ok":
            assert found.op[0] == pytest.approx(-math.log(abs(total / direct)), abs=1e-9)
        perfect += status == "perfect"
    assert perfect > 3


def test_a_decimal_of_17_digits_is_not_taken_for_its_nearest_float() -> None:
    # 0.3 - 0.30000000000000001 = -1e-17 is no perfect compression, though both are one float.
    model = static({"n": 1, "a": "-0.30000000000000001*n", "m": "0.3*n + a"})
    assert run(model).status[0] == "unresolved"
