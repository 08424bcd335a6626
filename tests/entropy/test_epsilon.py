from __future__ import annotations

import itertools
import math
from fractions import Fraction

import pytest
from hypothesis import given, settings

from causalopt.entropy.epsilon import around, epsilon_family, point_limit
from causalopt.errors import QuestionError
from causalopt.laws.discrete import DiscreteModel
from tests.entropy.strategies import ROOM, THERMOSTAT, bijections, noise, thermostat

WARM = ("low", "warm")


def test_part_2_ratios_come_out() -> None:
    family = epsilon_family(
        thermostat("smart"), WARM, [Fraction(1, 10), Fraction(1, 10**4), Fraction(1, 10**10)]
    )
    assert [point.ratio for point in family] == pytest.approx(
        [0.3569932, 0.4998305, 0.5000000], abs=5e-8
    )


def test_part_2_law_round_the_state_is_the_table_printed() -> None:
    eps = Fraction(1, 7)
    law = around(thermostat("smart").state, WARM, eps).dense()
    assert law.probability(("high", "hot")) == eps**2 / 4
    assert law.probability(("low", "hot")) == eps * (1 - eps) / 2
    assert law.probability(WARM) == (1 - eps) ** 2


def test_part_2_limit_is_exactly_one_half() -> None:
    assert point_limit(thermostat("smart"), WARM) == Fraction(1, 2)


@pytest.mark.parametrize("kind", ["dumb", "smart"])
@pytest.mark.parametrize("state", list(itertools.product(THERMOSTAT, ROOM)))
def test_ratios_approach_the_limit_round_every_state(kind: str, state: tuple[str, str]) -> None:
    """The approach is as slow as 1 / log(1/eps): at eps = 1e-200 within 1 / 664 bits."""
    model = thermostat(kind)
    (point,) = epsilon_family(model, state, [Fraction(1, 10**200)])
    limit = float(point_limit(model, state))
    assert point.ratio == pytest.approx(limit, abs=2.0 / math.log2(10**200))


@given(bijections())
@settings(max_examples=25, deadline=None)
def test_limit_is_zero_for_every_bijection(model: DiscreteModel) -> None:
    assert point_limit(model, [0, 0]) == 0


def test_neighbours_alone_may_share_epsilon() -> None:
    law = around(thermostat("smart").state, ("high", "hot"), Fraction(1, 5), spread="neighbours")
    assert law.marginal(["room"]).dense().p.tolist() == [Fraction(4, 5), Fraction(1, 5), 0]
    assert point_limit(thermostat("smart"), WARM, spread="neighbours") == Fraction(1, 2)


def test_epsilon_is_a_probability() -> None:
    with pytest.raises(QuestionError, match="between 0 and 1"):
        around(thermostat("smart").state, WARM, 1.5)


def test_stochastic_rules_have_no_point_limit() -> None:
    smart = thermostat("smart")
    coin = noise("w", {0: Fraction(1, 2), 1: Fraction(1, 2)})
    noisy = DiscreteModel("noisy", (*smart.mechanisms, coin), smart.initial, smart.A)
    with pytest.raises(QuestionError, match="stochastic rules"):
        point_limit(noisy, WARM)
