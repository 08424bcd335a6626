"""Each relative against its analytic cases."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt.entropy.information import mutual_information
from causalopt.entropy.relatives.causal_strength import causal_strength
from causalopt.entropy.relatives.compression import attractors, basin_fraction, image_sizes
from causalopt.entropy.relatives.empowerment import capacity, channel, empowerment
from causalopt.entropy.relatives.goal_directedness import goal_directedness
from causalopt.entropy.relatives.optimization_power import expected_power, optimization_power
from causalopt.entropy.relatives.requisite_variety import requisite_variety
from causalopt.entropy.relatives.touchette_lloyd import entropy_reduction, largest_reduction
from causalopt.entropy.relatives.transfer_entropy import transfer_entropy
from causalopt.errors import QuestionError
from causalopt.laws import sparse
from causalopt.laws.discrete import DiscreteModel, Mechanism, Parent
from causalopt.laws.law import law_of, uniform
from causalopt.laws.space import Space
from tests.entropy.strategies import bijections, discrete_models, noise, tabulate, thermostat

BIT = (0, 1)
PAIR = Space(("x", "y"), (BIT, BIT))
HALF = Fraction(1, 2)


def binary(p: float) -> float:
    return -p * math.log2(p) - (1 - p) * math.log2(1 - p)


class TestOptimizationPower:
    def test_hitting_one_of_many_is_the_log_of_how_many(self) -> None:
        chance = uniform(Space(("x",), (tuple(range(64)),)))
        power = optimization_power(chance, lambda s: -float(s[0]), achieved=0.0)
        assert power == 6.0
        assert optimization_power(chance, lambda s: -float(s[0]), achieved=-63.0) == 0.0

    def test_a_target_never_met_by_chance_is_infinite(self) -> None:
        chance = law_of(PAIR, {(0, 0): 1})
        assert optimization_power(chance, lambda s: float(s[0]), achieved=1.0) == math.inf

    def test_the_power_of_chance_itself_is_that_of_uniform_ranks(self) -> None:
        """Over n equal outcomes the mean of log2(n / rank) is log2(n) - log2(n!) / n."""
        n = 16
        chance = uniform(Space(("x",), (tuple(range(n)),)))
        expected = math.log2(n) - math.log2(math.factorial(n)) / n
        assert expected_power(chance, chance, lambda s: float(s[0])) == pytest.approx(expected)


class TestEmpowerment:
    @pytest.mark.parametrize("p", [0.01, 0.1, 0.3])
    def test_binary_symmetric_channel(self, p: float) -> None:
        found = capacity(np.array([[1 - p, p], [p, 1 - p]]))
        assert found.value == pytest.approx(1 - binary(p), abs=1e-9)
        assert found.status == "ok"

    @pytest.mark.parametrize("e", [0.1, 0.5])
    def test_erasure_channel(self, e: float) -> None:
        found = capacity(np.array([[1 - e, e, 0.0], [0.0, e, 1 - e]]))
        assert found.value == pytest.approx(1 - e, abs=1e-9)

    @pytest.mark.parametrize("p", [0.1, 0.5])
    def test_z_channel(self, p: float) -> None:
        """C = log2(1 + (1 - p) p^(p / (1 - p)))."""
        found = capacity(np.array([[1.0, 0.0], [p, 1 - p]]))
        expected = math.log2(1 + (1 - p) * p ** (p / (1 - p)))
        assert found.value == pytest.approx(expected, abs=1e-9)
        assert found.upper >= found.value

    def test_a_useless_channel_has_none(self) -> None:
        assert capacity(np.full((3, 2), 0.5)).value == pytest.approx(0.0, abs=1e-12)

    def test_too_few_iterations_are_reported(self) -> None:
        found = capacity(np.array([[1.0, 0.0], [0.5, 0.5]]), iterations=2)
        assert found.status == "unresolved"
        assert found.value < found.upper

    def test_the_thermostats_choice_reaches_the_rooms_it_can(self) -> None:
        """From warm the three settings lead to three rooms, from hot to two."""
        smart = thermostat("smart")
        assert channel(smart, ("low", "warm")).shape == (3, 3)
        warm = empowerment(smart, ("low", "warm")).value
        hot = empowerment(smart, ("low", "hot")).value
        assert (warm, hot) == (pytest.approx(math.log2(3)), pytest.approx(1.0))

    def test_a_matrix_that_is_no_channel_is_refused(self) -> None:
        with pytest.raises(QuestionError, match="rows are laws"):
            capacity(np.array([[0.5, 0.4]]))


class TestTouchetteLloyd:
    FLIP = np.array([np.eye(2), np.eye(2)[::-1]])

    @pytest.mark.parametrize("error", [0.05, 0.25, 0.5])
    def test_a_noisy_reading_buys_what_it_knows(self, error: float) -> None:
        """A fair bit, read with an error and flipped to zero: the bound is met with equality."""
        policy = np.array([[1 - error, error], [error, 1 - error]])
        found = entropy_reduction(np.array([0.5, 0.5]), self.FLIP, policy)
        assert found.information == pytest.approx(1 - binary(error), abs=1e-12)
        assert found.closed == pytest.approx(1 - binary(error), abs=1e-12)
        assert found.open_max == pytest.approx(0.0, abs=1e-9)
        assert found.bound == pytest.approx(found.closed, abs=1e-9)

    def test_the_largest_reduction_of_a_map_is_its_widest_fibre(self) -> None:
        merge = np.eye(5)[[0, 0, 0, 3, 3]]
        value, gap = largest_reduction(merge)
        assert (value, gap) == (pytest.approx(math.log2(3), abs=1e-9), 0.0)

    @given(st.integers(0, 2**32 - 1))
    @settings(max_examples=40, deadline=None)
    def test_feedback_never_passes_the_bound(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        states, controls = rng.integers(2, 5, size=2)
        rows = rng.dirichlet(np.full(states, 0.5), size=(controls, states))
        policy = rng.dirichlet(np.full(controls, 0.3), size=states)
        found = entropy_reduction(rng.dirichlet(np.ones(states)), rows, policy)
        assert found.closed <= found.bound + 1e-9
        assert found.open_here <= found.open_max + found.gap + 1e-9

    def test_shapes_that_do_not_fit_are_refused(self) -> None:
        with pytest.raises(QuestionError, match="policy of shape"):
            entropy_reduction(np.array([0.5, 0.5]), self.FLIP, np.eye(3))
        with pytest.raises(QuestionError, match="hold laws"):
            entropy_reduction(np.array([0.5, 0.6]), self.FLIP, np.eye(2))


class TestCausalStrength:
    def test_xor_is_invisible_to_information_and_not_to_surgery(self) -> None:
        """y = x1 xor x2 of fair bits: I(x1; y) = 0, yet each arrow is worth one bit."""
        coin = {0: HALF, 1: HALF}
        reads = {Parent("x1"): BIT, Parent("x2"): BIT}
        rules = (
            tabulate("x1", BIT, {}, lambda: coin),
            tabulate("x2", BIT, {}, lambda: coin),
            tabulate("y", BIT, reads, lambda a, b: a ^ b),
        )
        space = Space(("x1", "x2", "y"), (BIT, BIT, BIT))
        model = DiscreteModel("xor", rules, uniform(space), ("x1",))
        assert causal_strength(model, [("x1", "y")]) == pytest.approx(1.0)
        assert causal_strength(model, [("x1", "y"), ("x2", "y")]) == pytest.approx(1.0)

    @pytest.mark.parametrize("p", [0.1, 0.4])
    def test_a_single_arrow_is_worth_its_information(self, p: float) -> None:
        coin = Mechanism("x", BIT, (), np.array([0.7, 0.3]))
        noisy = Mechanism("y", BIT, (Parent("x"),), np.array([[1 - p, p], [p, 1 - p]]))
        start = law_of(PAIR, {(0, 0): 0.7, (1, 0): 0.3})
        model = DiscreteModel("noisy", (coin, noisy), start, ("x",))
        q = 0.7 * (1 - p) + 0.3 * p
        expected = binary(q) - binary(p)
        assert causal_strength(model, [("x", "y")]) == pytest.approx(expected, abs=1e-12)

    @given(discrete_models(noise=False))
    @settings(max_examples=25, deadline=None)
    def test_strength_is_at_least_what_the_arrow_tells_beyond_other_parents(
        self, model: DiscreteModel
    ) -> None:
        """Janzing et al., postulate P3: C(x -> y) >= I(x; y | other parents of y)."""
        from causalopt.laws.propagation import before, transition

        both = transition(model, model.initial)
        for rule in model.mechanisms:
            tails = [p.name for p in rule.parents if p.lag]
            others = [p.name for p in rule.parents if not p.lag]
            for tail in tails:
                known = [before(n) for n in tails if n != tail] + others
                told = mutual_information(both, [before(tail)], [rule.name], given=known)
                strength = causal_strength(model, [(tail, rule.name)])
                assert strength >= told - 1e-10

    @given(discrete_models(noise=False))
    @settings(max_examples=25, deadline=None)
    def test_all_arrows_of_a_step_by_the_definition(self, model: DiscreteModel) -> None:
        """D(P || P_cut) summed over states, each cut arrow fed from its tail's marginal.

        Arrows within the step are cut with those from the step before.
        """
        arrows = [(p.name, m.name) for m in model.mechanisms for p in m.parents if p.lag]
        if not arrows:
            return
        law, space = model.initial, model.state
        laws = {1: law, 0: sparse.step(model, law)}
        mass = {
            (name, lag): laws[lag].marginal([name]).dense().p
            for name in space.names
            for lag in laws
        }

        def chances(m: Mechanism, at: dict[tuple[str, int], int]) -> tuple[float, float]:
            own = at[m.name, 0]
            cut = [(p.name, m.name) in arrows for p in m.parents]
            labels = [space.domain(p.name) for p in m.parents]
            fed = [
                range(len(n)) if c else [at[p]]
                for p, n, c in zip(m.parents, labels, cut, strict=True)
            ]
            without = 0.0
            for copy in itertools.product(*fed):
                weights = [mass[p][i] for p, i, c in zip(m.parents, copy, cut, strict=True) if c]
                without += float(m.table[(*copy, own)]) * math.prod(map(float, weights))
            return float(m.table[(*(at[p] for p in m.parents), own)]), without

        expected = 0.0
        for now in itertools.product(*map(range, space.shape)):
            for then in itertools.product(*map(range, space.shape)):
                at = {(n, 1): i for n, i in zip(space.names, now, strict=True)}
                at |= {(n, 0): i for n, i in zip(space.names, then, strict=True)}
                pairs = [chances(m, at) for m in model.mechanisms]
                weight = float(law.dense().p[now]) * math.prod(p for p, _ in pairs)
                if weight > 0:
                    expected += weight * sum(math.log2(p / q) for p, q in pairs)
        assert causal_strength(model, arrows) == pytest.approx(expected, abs=1e-9)

    def test_an_arrow_within_the_step(self) -> None:
        """y[t] = x[t], x a coin with p = 0.3: cut, y is as likely x or not: H(x) bits."""
        coin = tabulate("x", BIT, {}, lambda: {0: Fraction(3, 10), 1: Fraction(7, 10)})
        copy = tabulate("y", BIT, {Parent("x", 0): BIT}, lambda x: x)
        model = DiscreteModel("copy", (coin, copy), uniform(PAIR), ("x",))
        assert causal_strength(model, [("x", "y")]) == pytest.approx(binary(0.3), abs=1e-12)

    def test_many_arrows_of_a_wide_network_cost_no_copies(self) -> None:
        """Twelve bits that read one: each cut costs H(x) = 1 bit. Copies would be 2^24 states."""
        rules = [tabulate("x", BIT, {}, lambda: {0: HALF, 1: HALF})]
        rules += [tabulate(f"y{i}", BIT, {Parent("x"): BIT}, lambda x: x) for i in range(12)]
        names = tuple(rule.name for rule in rules)
        start = {(bit, *[0] * 12): HALF for bit in BIT}
        model = DiscreteModel("fan", tuple(rules), law_of(Space(names, (BIT,) * 13), start), ("x",))
        arrows = [("x", name) for name in names[1:]]
        assert causal_strength(model, arrows) == pytest.approx(12.0)

    def test_an_arrow_that_is_not_there_is_refused(self) -> None:
        with pytest.raises(QuestionError, match="no arrow from 'thermostat'"):
            causal_strength(_dumb(), [("thermostat", "thermostat")])


def _dumb() -> DiscreteModel:
    """The dumb thermostat with the one arrow that its rule really has."""
    dumb = thermostat("dumb")
    rule = {"hot": "off", "warm": "low", "cold": "high"}
    acts = tabulate(
        "thermostat", ("high", "low", "off"), {Parent("room"): tuple(rule)}, lambda r: rule[r]
    )
    return DiscreteModel("dumb", (acts, dumb["room"]), dumb.initial, dumb.A)


class TestTransferEntropy:
    @pytest.mark.parametrize("p", [Fraction(0), Fraction(1, 10)])
    def test_a_noisy_copy_of_a_fresh_coin_transfers_its_capacity(self, p: Fraction) -> None:
        coin = tabulate("x", BIT, {}, lambda: {0: HALF, 1: HALF})
        copy = tabulate("y", BIT, {Parent("x"): BIT}, lambda x: {x: 1 - p, 1 - x: p})
        model = DiscreteModel("copy", (coin, copy), uniform(PAIR), ("x",))
        expected = 1.0 if p == 0 else 1 - binary(float(p))
        assert transfer_entropy(model) == pytest.approx(expected, abs=1e-12)
        back = transfer_entropy(model, sources=["y"], targets=["x"])
        assert back == pytest.approx(0.0, abs=1e-12)

    def test_a_target_that_follows_itself_hears_nothing(self) -> None:
        keep = tabulate("y", BIT, {Parent("y"): BIT}, lambda y: 1 - y)
        coin = tabulate("x", BIT, {Parent("x"): BIT}, lambda x: x)
        model = DiscreteModel("deaf", (coin, keep), uniform(PAIR), ("x",))
        assert transfer_entropy(model) == 0.0


class TestRequisiteVariety:
    @pytest.mark.parametrize("n", [2, 3, 5])
    @pytest.mark.parametrize("answers", [1, 2])
    def test_latin_squares_meet_the_bound(self, n: int, answers: int) -> None:
        table = [[(d - r) % n for r in range(answers)] for d in range(n)]
        found = requisite_variety(table)
        assert found.repeats == 1
        assert found.bound == math.ceil(n / answers)
        assert len(found.outcomes) == found.bound

    @given(st.integers(0, 2**32 - 1))
    @settings(max_examples=60, deadline=None)
    def test_no_table_beats_the_law(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        rows, columns = rng.integers(1, 6, size=2)
        table = rng.integers(0, 5, size=(rows, columns)).tolist()
        found = requisite_variety(table)
        least = min(
            len({table[d][r] for d, r in enumerate(choice)})
            for choice in itertools.product(range(columns), repeat=rows)
        )
        assert len(found.outcomes) == least >= found.bound
        assert {table[d][r] for d, r in enumerate(found.strategy)} <= set(found.outcomes)

    def test_tables_without_form_are_refused(self) -> None:
        with pytest.raises(QuestionError, match="rows of equal length"):
            requisite_variety([["a"], ["a", "b"]])
        with pytest.raises(QuestionError, match="too many to search"):
            requisite_variety([[i] for i in range(30)])


class TestCompression:
    def test_part_2_smart_thermostat_goes_from_nine_to_one(self) -> None:
        assert image_sizes(thermostat("smart")) == (9, 5, 3, 1)

    def test_part_2_dumb_thermostat_keeps_its_cycle_of_six(self) -> None:
        found = attractors(thermostat("dumb"))
        assert [len(a.states) for a in found] == [6, 1]
        assert sum(a.basin for a in found) == 9

    @given(bijections())
    @settings(max_examples=25, deadline=None)
    def test_bijections_compress_nothing(self, model: DiscreteModel) -> None:
        assert image_sizes(model) == (model.state.size,)
        assert all(a.basin == len(a.states) for a in attractors(model))

    @given(discrete_models(deterministic=True))
    @settings(max_examples=25, deadline=None)
    def test_basins_part_the_space(self, model: DiscreteModel) -> None:
        assert sum(a.basin for a in attractors(model)) == model.state.size

    def test_the_target_set_fills_as_steps_go_by(self) -> None:
        smart = thermostat("smart")
        fractions = [
            basin_fraction(smart, lambda s: s == ("low", "warm"), steps=n) for n in range(4)
        ]
        assert fractions == [1 / 9, 3 / 9, 7 / 9, 1.0]

    def test_stochastic_rules_have_no_successor(self) -> None:
        smart = thermostat("smart")
        coin = noise("w", {0: HALF, 1: HALF})
        noisy = DiscreteModel("noisy", (*smart.mechanisms, coin), smart.initial, smart.A)
        with pytest.raises(QuestionError, match="no one successor"):
            image_sizes(noisy)


class TestGoalDirectedness:
    @pytest.mark.parametrize("p", [0.6, 0.9])
    def test_two_choices_are_predicted_to_their_entropy(self, p: float) -> None:
        """b can match any odds of two choices: MEG = 1 - h(p)."""
        found = goal_directedness(np.ones(1), np.array([[p, 1 - p]]), np.array([[1.0, 0.0]]))
        assert found.value == pytest.approx(1 - binary(p), abs=1e-12)
        assert found.rationality == pytest.approx(math.log(p / (1 - p)), rel=1e-9)

    def test_a_sure_best_choice_is_wholly_directed(self) -> None:
        utility = np.array([[3.0, 1.0, 0.0, 2.0], [0.0, 1.0, 2.0, 5.0]])
        policy = np.eye(4)[[0, 3]]
        found = goal_directedness(np.array([0.5, 0.5]), policy, utility)
        assert found.value == pytest.approx(2.0)
        assert found.rationality == math.inf

    @pytest.mark.parametrize("policy", [[0.25] * 4, [0.1, 0.2, 0.3, 0.4]])
    def test_indifference_and_its_opposite_are_not_directed(self, policy: list[float]) -> None:
        utility = np.array([[4.0, 3.0, 2.0, 1.0]])
        assert goal_directedness(np.ones(1), np.array([policy]), utility).value == 0.0

    def test_scaling_a_utility_changes_nothing(self) -> None:
        policy, utility = np.array([[0.7, 0.2, 0.1]]), np.array([[1.0, 0.5, 0.0]])
        one = goal_directedness(np.ones(1), policy, utility).value
        many = goal_directedness(np.ones(1), policy, 1000.0 * utility + 5.0).value
        assert many == pytest.approx(one, abs=1e-12)

    def test_shapes_that_do_not_fit_are_refused(self) -> None:
        with pytest.raises(QuestionError, match="one weight a context"):
            goal_directedness(np.ones(2) / 2, np.ones((1, 1)), np.ones((1, 1)))
        with pytest.raises(QuestionError, match="hold laws"):
            goal_directedness(np.ones(1), np.array([[0.5, 0.4]]), np.ones((1, 2)))


LAW, SHORT = np.array([0.25, 0.75]), np.array([0.25, 0.749993])


@pytest.mark.parametrize(
    "ask",
    [
        lambda: capacity(np.array([SHORT, LAW])),
        lambda: entropy_reduction(SHORT, np.array([[LAW, LAW]]), np.ones((2, 1))),
        lambda: entropy_reduction(LAW, np.array([[LAW, SHORT]]), np.ones((2, 1))),
        lambda: entropy_reduction(LAW, np.array([np.eye(2), np.eye(2)]), np.array([SHORT, LAW])),
        lambda: goal_directedness(SHORT, np.array([LAW, LAW]), np.ones((2, 2))),
        lambda: goal_directedness(LAW, np.array([LAW, SHORT]), np.ones((2, 2))),
    ],
)
def test_a_law_of_0_999993_in_sum_is_refused_wherever_it_stands(ask: Callable[[], object]) -> None:
    with pytest.raises(QuestionError, match=r"rows are laws|hold laws"):
        ask()
