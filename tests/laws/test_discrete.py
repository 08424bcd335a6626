from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from causalopt.errors import ModelError, UnknownNameError
from causalopt.laws.discrete import DiscreteModel, Mechanism, Parent
from causalopt.laws.law import law_of
from causalopt.laws.space import Space
from tests.entropy.strategies import noise, tabulate

BIT = (0, 1)
START = law_of(Space(("x",), (BIT,)), {(0,): 1})
KEEP = tabulate("x", BIT, {Parent("x"): BIT}, lambda x: x)


def test_noise_is_no_part_of_the_state() -> None:
    model = DiscreteModel("m", (KEEP, noise("w", {0: Fraction(1)})), START, ("x",))
    assert model.state.names == ("x",)
    assert model.B == ()


def _named(table: object, parents: tuple[Parent, ...] = (Parent("x"),)) -> Mechanism:
    return Mechanism("x", BIT, parents, np.array(table))


@pytest.mark.parametrize(
    ("mechanisms", "message"),
    [
        ((_named([[0.5, 0.4], [1.0, 0.0]]),), r"row \(0,\) of the table of 'x' sums to 0.9"),
        ((_named([[1.5, -0.5], [1.0, 0.0]]),), "at least 0"),
        ((_named([1.0, 0.0]),), r"needs shape \(2, 2\)"),
        ((_named(np.eye(2), (Parent("y"),)),), "reads 'y', which is not declared"),
        ((_named(np.eye(2), (Parent("x", 2),)),), "2 steps back"),
        ((_named(np.eye(2), (Parent("x", 0),)),), "within one step"),
        ((Mechanism("x", BIT, (Parent("x"),), np.eye(2), noise=True),), "has no parents"),
    ],
)
def test_tables_that_are_no_rules_are_refused(
    mechanisms: tuple[Mechanism, ...], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        DiscreteModel("m", mechanisms, START, ())


def test_unknown_parts_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="no state variable 'y'"):
        DiscreteModel("m", (KEEP,), START, ("y",))
    with pytest.raises(UnknownNameError, match="no variable 'y' in m"):
        DiscreteModel("m", (KEEP,), START, ())["y"]


@pytest.mark.parametrize("missing", [5e-4, -5e-4, 2e-9])
def test_rows_a_little_off_one_are_refused(missing: float) -> None:
    table = np.array([[0.5, 0.5], [0.25, 0.75 - missing]])
    with pytest.raises(ModelError, match=r"row \(1,\) of the table of 'x' sums to (0\.99|1\.00)"):
        DiscreteModel("m", (_named(table),), START, ())


def test_rows_of_fractions_sum_to_one_exactly() -> None:
    short = Fraction(3, 4) - Fraction(1, 10**30)
    table = [[Fraction(1), Fraction(0)], [Fraction(1, 4), short]]
    with pytest.raises(ModelError, match=r"row \(1,\) of the table of 'x' sums to 9{30}/10{30}"):
        DiscreteModel("m", (_named(table),), START, ())
