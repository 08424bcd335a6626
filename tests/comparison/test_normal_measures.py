"""Normal information measures against closed forms of one loop, and against numpy by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import Model, load, world
from causalopt.comparison.disturbed_law import DisturbedLaw, disturbed_law
from causalopt.comparison.normal_measures import (
    Decision,
    decision,
    normal_causal_strength,
    normal_empowerment,
    normal_strength,
    normal_transfer,
    water_filled,
)
from causalopt.entropy.continuous import gaussian_strength
from causalopt.errors import QuestionError
from causalopt.laws.gaussian import GaussianLaw

MEASURES = (normal_strength, normal_transfer, normal_causal_strength, normal_empowerment)
coefficients = st.floats(-0.9, 0.9).filter(lambda x: abs(x) > 0.05)


def law_of(model: Model, at: int) -> DisturbedLaw:
    return disturbed_law(model, world(model, steps=at + 6), at=at)


def bits(ratio: float) -> float:
    return math.log2(ratio) / 2


class TestOneLoop:
    """theta' = theta - eta G + w, G = theta + v: all in closed form of V = Var theta."""

    @staticmethod
    def variance(eta: float, at: int) -> float:
        V = 1.0
        for _ in range(at):
            V = (1 - eta) ** 2 * V + eta**2 + 1
        return V

    @pytest.mark.parametrize("eta", [0.1, 0.7, -0.2])
    @pytest.mark.parametrize("at", [0, 3, 20])
    def test_information(self, eta: float, at: int) -> None:
        law = law_of(load("base_optimizer").replace(parameters={"eta": eta}), at)
        V = self.variance(eta, at)
        apart = V + eta**2 * (V + 1) + 1
        expected = (
            bits(apart / self.variance(eta, at + 1)),
            bits(1 + eta**2),
            bits(1 + eta**2 * (V + 1)),
            bits(1 + eta**2),
        )
        assert [f(law, ["G"]) for f in MEASURES] == pytest.approx(expected, abs=1e-9)
        nats = normal_transfer(law, ["G"], unit="nat")
        assert nats == pytest.approx(expected[1] * math.log(2))

    @pytest.mark.parametrize("eta", [0.1, 0.7])
    def test_the_decision(self, eta: float) -> None:
        """The gradient answers to theta, of which theta/eta would be the best answer."""
        found = decision(
            law_of(load("base_optimizer").replace(parameters={"eta": eta}), 5), ["G"], "theta"
        )
        V = self.variance(eta, 6)
        assert found is not None
        assert (found.own, found.best, found.both, found.after) == (
            pytest.approx(V + 1),
            pytest.approx(V / eta**2),
            pytest.approx(V / eta),
            1,
        )

    def test_the_wrong_sign_is_no_directedness(self) -> None:
        found = decision(law_of(load("amplifier"), 5), ["G"], "theta")
        assert found is not None
        assert found.both < 0
        assert found.directedness() == 0.0


class TestLinearSteps:
    @given(st.lists(coefficients, min_size=9, max_size=9), st.integers(1, 4))
    @settings(max_examples=25, deadline=None)
    def test_against_conditional_covariances_by_hand(self, rows: list[float], at: int) -> None:
        """Three numbers, A the first: regressions by numpy, strength by its own file."""
        M = np.array(rows).reshape(3, 3)
        names = ("a", "b", "c")
        rules = {
            name: {
                "rule": " + ".join(f"({c!r})*{n}[t-1]" for c, n in zip(row, names, strict=True)),
                "initial": 1,
            }
            for name, row in zip(names, M.tolist(), strict=True)
        }
        law = law_of(Model(name="m", variables=rules), at)
        S = np.eye(3)
        for _ in range(at):
            S = M @ S @ M.T + np.eye(3)
        assert law.covariance == pytest.approx(S)
        expected = gaussian_strength(
            GaussianLaw(names, np.zeros(3), S), M, A=["a"], noise=np.eye(3)
        )
        assert normal_strength(law, ["a"]) == pytest.approx(expected.optimizing_strength, abs=1e-9)
        later, B = [1, 2], [1, 2]
        known = M[later] @ S[:, B] @ np.linalg.inv(S[np.ix_(B, B)])
        spread = (M @ S @ M.T)[np.ix_(later, later)] + np.eye(2)
        given_b = spread - known @ (S[B] @ M.T)[:, later]
        assert normal_transfer(law, ["a"]) == pytest.approx(bits(np.linalg.det(given_b)), abs=1e-9)
        column = M[later, 0]
        assert normal_empowerment(law, ["a"]) == pytest.approx(bits(1 + column @ column))

    @given(st.lists(coefficients, min_size=9, max_size=9))
    @settings(max_examples=25, deadline=None)
    def test_causal_strength_is_transfer_and_a_divergence(self, rows: list[float]) -> None:
        """Proposition 5, the divergence by hand: D(P(b'|b) || P_cut(b'|b)), b'|b normal."""
        M = np.array(rows).reshape(3, 3)
        S = M @ M.T + np.eye(3)
        slopes = np.zeros((6, 2, 3, 3))
        slopes[:, 1] = M
        law = DisturbedLaw(("a", "b", "c"), ("a", "b", "c"), 1, slopes, S)
        later = B = [1, 2]
        inverse = np.linalg.inv(S[np.ix_(B, B)])
        known = M[later] @ S[:, B] @ inverse
        P = (M @ S @ M.T)[np.ix_(later, later)] + np.eye(2) - known @ (S[B] @ M.T)[:, later]
        Q = np.eye(2) + np.diag(M[later, 0] ** 2 * S[0, 0])
        shift = known - M[np.ix_(later, B)]
        moved = P + shift @ S[np.ix_(B, B)] @ shift.T
        inner = (
            np.trace(np.linalg.solve(Q, moved)) - 2 + np.log(np.linalg.det(Q) / np.linalg.det(P))
        )
        expected = normal_transfer(law, ["a"]) + inner / 2 / math.log(2)
        found = normal_causal_strength(law, ["a"])
        assert found == pytest.approx(expected, abs=1e-9)
        assert found >= normal_transfer(law, ["a"]) - 1e-12

    @given(st.lists(coefficients, min_size=4, max_size=4), coefficients)
    @settings(max_examples=25, deadline=None)
    def test_the_rule_of_a_is_not_seen(self, rows: list[float], other: float) -> None:
        """Proposition 4: only the law at t and B's rule count."""
        slopes = np.zeros((6, 2, 2, 2))
        slopes[:, 1] = np.array(rows).reshape(2, 2)
        changed = slopes.copy()
        changed[:, 1, 0] = [other, -2 * other]
        S = np.array([[2.0, 0.3], [0.3, 1.0]])
        laws = [DisturbedLaw(("a", "b"), ("a", "b"), 1, some, S) for some in (slopes, changed)]
        for measure in MEASURES[1:]:
            assert measure(laws[0], ["a"]) == pytest.approx(measure(laws[1], ["a"]), abs=1e-12)


class TestUnits:
    @pytest.mark.parametrize("scale", [0.1, 30.0])
    def test_one_factor_for_all_variables_changes_nothing(self, scale: float) -> None:
        """The same thermostat in other degrees: d, R and T all times one factor."""
        model = load("thermostat")
        other = model.replace(
            parameters={"d": 25 * scale}, initial={"T": 10 * scale, "R": 35 * scale}
        )
        for measure in MEASURES:
            one, two = (measure(law_of(some, 9), ["T"]) for some in (model, other))
            assert one == pytest.approx(two, abs=1e-12)

    def test_the_unit_of_one_variable_does(self) -> None:
        """T in half its unit: k is twice as large, and so is what a disturbance of T does."""
        finer = Model(
            name="m",
            variables={
                "T": {"rule": "(R[t-1] - 25)/2", "initial": 5},
                "R": {"rule": "R[t-1] - 0.02*T[t-1]", "initial": 35},
            },
        )
        one, two = (normal_empowerment(law_of(m, 9), ["T"]) for m in (load("thermostat"), finer))
        assert (one, two) == (pytest.approx(bits(1 + 0.01**2)), pytest.approx(bits(1 + 0.02**2)))


class TestDirectedness:
    @given(st.floats(0.1, 5), st.floats(0.1, 5), st.floats(-0.99, 0.99))
    @settings(max_examples=60, deadline=None)
    def test_the_root_is_the_maximum(self, own: float, best: float, correlation: float) -> None:
        """Over a fine grid of b, E log p_b/p_0 with p_b's mean and variance written out."""
        found = Decision(own**2, best**2, correlation * own * best, 1)
        b = np.concatenate([[0.0], np.geomspace(1e-6, 1e6, 4001)])
        variance = 1 / (1 / found.own + 2 * b)
        weight = 2 * b * variance  # p_b's mean is weight * y
        miss = found.own - 2 * weight * found.both + weight**2 * found.best
        gain = 0.5 * np.log(found.own / variance) - miss / (2 * variance) + 0.5
        assert found.directedness(unit="nat") == pytest.approx(gain.max(), abs=1e-5)
        assert found.directedness(unit="nat") >= gain.max() - 1e-12

    def test_the_best_decision_is_infinitely_directed(self) -> None:
        assert Decision(2.0, 2.0, 2.0, 1).directedness() == math.inf

    def test_a_that_never_reaches_m_has_no_decision(self) -> None:
        assert decision(law_of(load("free_decay"), 3), ["y"], "x") is None

    def test_two_variables_or_m_itself_are_refused(self) -> None:
        law = law_of(load("lorenz"), 3)
        with pytest.raises(QuestionError, match="A is 2 variables"):
            decision(law, ["a", "b"], "c")
        with pytest.raises(QuestionError, match="m is in A"):
            decision(law, ["a"], "a")

    def test_within_the_step_and_from_what_is_read_alone(self) -> None:
        """The solver's answer acts on e at once; of d it has read the value a step ago."""
        found = decision(law_of(load("solver"), 5), ["a"], "e")
        assert found is not None
        # d[t-1] has been disturbed at 0..5, so its variance is 6; the best answer is -d[t-1].
        assert (found.best, found.after) == (pytest.approx(6.0), 0)


class TestWaterFilling:
    def test_parallel_channels_by_hand(self) -> None:
        """Noises 1 and 2 under power 3: the level is 3, the powers 2 and 1."""
        expected = 0.5 * math.log(3) + 0.5 * math.log(1.5)
        assert water_filled(np.array([1.0, 0.5]), power=3.0) == pytest.approx(expected)

    def test_a_weak_channel_is_left_dry(self) -> None:
        """Noises 1 and 10 under power 1: the level is 2, and all goes to the first."""
        assert water_filled(np.array([1.0, 0.1]), power=1.0) == pytest.approx(0.5 * math.log(2))

    def test_nothing_reached_is_nothing(self) -> None:
        assert water_filled(np.array([0.0, 0.0]), power=1.0) == 0.0

    @given(st.lists(st.floats(0.01, 10), min_size=1, max_size=5), st.floats(0.1, 5))
    @settings(max_examples=40, deadline=None)
    def test_no_other_way_to_share_the_power_does_better(
        self, ratios: list[float], power: float
    ) -> None:
        rng = np.random.default_rng(0)
        shares = rng.dirichlet(np.ones(len(ratios)), size=500) * power
        others = 0.5 * np.log1p(shares * np.array(ratios)).sum(axis=1)
        assert water_filled(np.array(ratios), power=power) >= others.max() - 1e-12


def test_an_arrow_within_the_step_is_cut_too() -> None:
    """m[t] = a[t] + w, a = v alone: P(m|a) and P_cut(m) = N(0, 2): strength (1/2) log2 2 + 0."""
    model = Model(name="m", variables={"a": {"rule": "0*a[t-1]", "initial": 0}, "m": "a[t]"})
    law = law_of(model, 3)
    assert normal_causal_strength(law, ["a"]) == pytest.approx(bits(2.0))
    assert normal_transfer(law, ["a"]) == 0.0


def test_an_arrow_over_two_steps_is_cut_too() -> None:
    """b[t] = r a[t-2] + w, a = v alone: (1/2) log2 (1 + r^2), though a[t-1] tells nothing."""
    model = Model(
        name="m",
        variables={
            "a": {"rule": "0*a[t-1]", "initial": 0},
            "b": {"rule": "3*a[t-2]", "initial": [0, 0]},
        },
    )
    law = law_of(model, 4)
    assert normal_causal_strength(law, ["a"]) == pytest.approx(bits(1 + 3**2))
    assert normal_transfer(law, ["a"]) == 0.0


def test_a_copy_has_the_variance_of_when_it_is_read() -> None:
    """m[t] = a[t] + w, Var a 1 and then 1.25: (1/2) log2 2.25 within the step, 2 over one."""
    for read, variance in (("a[t]", 1.25), ("a[t-1]", 1.0)):
        model = Model(
            name="m",
            variables={
                "a": {"rule": "0.5*a[t-1]", "initial": 0},
                "m": {"rule": read, "initial": 0},
            },
        )
        found = normal_causal_strength(law_of(model, 0), ["a"])
        assert found == pytest.approx(bits(1 + variance))
