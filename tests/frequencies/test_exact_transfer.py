"""Orders and values at z = 1 and -1 beside sympy's limits; determinants beside sympy's."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest
import sympy

from causalopt import Model
from causalopt.frequencies.exact_transfer import ExactTransfer, determinant, exact_limit
from causalopt.frequencies.linear_step import linear_step
from causalopt.frequencies.transfer_system import TransferSystem

W = sympy.Symbol("w")


def transfers(
    model: Model, nudge: str, hold: str, target: str
) -> tuple[ExactTransfer, ExactTransfer]:
    step = linear_step(model, nudge, model.selection(hold), target)
    x, y = (ExactTransfer(TransferSystem(step, avoid=avoid)) for avoid in (False, True))
    return x, y


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("seed", range(4))
def test_a_determinant_of_taylor_polynomials_is_sympy_s(size: int, seed: int) -> None:
    rng = random.Random(seed)
    entries = [
        [
            tuple(Fraction(rng.randint(-3, 3), rng.randint(1, 3)) for _ in range(3))
            for _ in range(size)
        ]
        for _ in range(size)
    ]
    whole = sympy.Matrix(
        size, size, lambda i, j: sum(sympy.Rational(v) * W**k for k, v in enumerate(entries[i][j]))
    )
    expected = sympy.Poly(whole.det(), W)
    sparse = [{j: v for j, v in enumerate(row) if any(v)} for row in entries]
    found = determinant(sparse, 3)
    assert [sympy.Rational(v) for v in found] == [expected.coeff_monomial(W**k) for k in range(3)]


def integrators(count: int) -> Model:
    """A disturbance through a chain of integrators into a leaky x, controlled by an integral."""
    chain = {"d0": {"rule": "d0[t-1]", "initial": 0}}
    for k in range(1, count):
        chain[f"d{k}"] = {"rule": f"d{k}[t-1] + d{k - 1}[t-1]", "initial": 0}
    return Model(
        name="chain",
        variables={
            **chain,
            "x": {"rule": f"0.5*x[t-1] + d{count - 1}[t-1] + u[t-1]", "initial": 0},
            "s": {"rule": "s[t-1] + x[t-1]", "initial": 0},
            "u": {"rule": "-0.1*s[t]"},
        },
    )


@pytest.mark.parametrize("count", [1, 2, 3])
def test_orders_are_those_of_sympy_s_series(count: int) -> None:
    """G_y = w^(count + 1)... / ((1 - w)^count (1 - w/2)), and one order less closed."""
    total, direct = transfers(integrators(count), "d0", "u", "x")
    y = W**count / (1 - W) ** count / (1 - W / 2)
    s = (1 - W) * (1 - W / 2) / ((1 - W) * (1 - W / 2) + W**2 / 10)
    for found, g in ((total, y * s), (direct, y)):
        order = found.order(1)
        assert order is not None
        leading = sympy.limit(g / (W - 1) ** order[0], W, 1)
        assert leading not in (0, sympy.oo, -sympy.oo, sympy.zoo)
        assert sympy.Rational(order[1]) == leading
        at_end = found.order(-1)
        assert at_end is not None
        assert at_end[0] == 0
        assert sympy.Rational(at_end[1]) == g.subs(W, -1)
    limit = exact_limit(total, direct, 1)
    assert limit is not None
    assert (limit.total, limit.direct) == (1 - count, -count)
    assert limit.comp == 0


def test_a_pole_of_x_alone_makes_comp_infinite() -> None:
    model = Model(
        name="loop", variables={"x": {"rule": "0.5*x[t-1] + u[t-1]", "initial": 0}, "u": "0.5*x[t]"}
    )
    limit = exact_limit(*transfers(model, "x", "u", "x"), 1)
    assert limit is not None
    assert (limit.total, limit.direct, limit.comp) == (-1, 0, None)


def test_a_zero_at_all_frequencies_is_told_from_one_that_is_nearly_so() -> None:
    def model(weight: str) -> Model:
        return Model(
            name="forward",
            parameters={"a": weight},
            variables={
                "d": {"rule": "d[t-1]/3", "initial": 0},
                "u": {"rule": "a*d[t-900]", "initial": [0] * 900},
                "x": {"rule": "d[t-901]/7 - u[t-1]", "initial": [0] * 901},
            },
        )

    assert transfers(model("1/7"), "d", "u", "x")[0].is_zero
    assert not transfers(model("1/7 + 1/10**30"), "d", "u", "x")[0].is_zero
    assert not transfers(model("1/7"), "d", "u", "x")[1].is_zero


def test_what_would_take_too_long_is_not_claimed() -> None:
    names = [f"x{k}" for k in range(40)]
    rules = {
        name: {"rule": " + ".join(f"{other}[t-1]/41" for other in names), "initial": 0}
        for name in names
    }
    total, direct = transfers(Model(name="wide", variables=rules), "x0", "x1", "x39")
    assert total.order(1) is None
    assert exact_limit(total, direct, 1) is None
