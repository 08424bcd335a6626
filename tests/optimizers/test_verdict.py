"""The test for an optimizer: its bound on chance, its levels, and the theorems behind it."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import Model, QuestionError, detect_optimizer, divide, division_stability, load, run
from causalopt.optimizers.known_systems import leaking_decay, linear_network, spring
from causalopt.optimizers.verdict import chance_of, level_of, set_weight

LEVELS = (0.0, 0.3, math.log(2), 2.0, 5.0)


class TestChance:
    @pytest.mark.parametrize("op", LEVELS)
    def test_no_uniform_law_passes_a_level_more_often(self, op: float) -> None:
        """P(|1 + r| <= e^-L) of r uniform on [-c, c], over a grid of c."""
        small = math.exp(-op)
        c = np.linspace(0.01, 40, 400_000)
        reach = np.clip(np.minimum(c, 1 + small) - np.maximum(-c, 1 - small), 0, None) / (2 * c)
        assert reach.max() <= chance_of(op) + 1e-12
        assert reach.max() == pytest.approx(chance_of(op), abs=1e-4)

    @pytest.mark.parametrize("law", ["standard_normal", "standard_cauchy", "laplace", "logistic"])
    @pytest.mark.parametrize("op", LEVELS)
    def test_nor_does_another_symmetric_law_of_one_mode(self, law: str, op: float) -> None:
        draws = getattr(np.random.default_rng(1), law)(size=200_000)
        for scale in (0.2, 1.0, 3.0):
            share = np.mean(np.abs(1 + scale * draws) <= math.exp(-op))
            assert share <= chance_of(op) + 4 * math.sqrt(0.25 / 200_000)

    def test_a_law_of_two_modes_may_reach_a_half(self) -> None:
        r = np.random.default_rng(2).choice([-1.0, 1.0], 10_000)
        assert np.mean(np.abs(1 + r) == 0) == pytest.approx(chance_of(9.0, is_whole=True), abs=0.02)

    def test_what_is_missed_by_the_page_s_numbers(self) -> None:
        assert chance_of(math.log(5)) == pytest.approx(1 / 6)
        assert 1 / chance_of(2.314) == pytest.approx(11, abs=0.2)
        for count, times in ((1, 21), (5, 214)):
            level = level_of(0.05 * 0.9 * set_weight(1, count))
            assert math.exp(level) == pytest.approx(times, abs=0.6)

    def test_a_level_has_its_probability(self) -> None:
        for p in (0.4, 0.05, 1e-9):
            assert chance_of(level_of(p)) == pytest.approx(p)
        assert level_of(0.7) == 0.0

    @pytest.mark.parametrize("count", [1, 2, 7, 20])
    def test_the_parts_of_all_sets_sum_to_one(self, count: int) -> None:
        parts = [math.comb(count, s) * set_weight(s, count) for s in range(1, count + 1)]
        assert sum(parts) == pytest.approx(1.0)
        assert all(a == pytest.approx(2 * b) for a, b in itertools.pairwise(parts))


def network(weights: np.ndarray) -> Model:
    """Return x_t = W x_(t-1)."""
    size = len(weights)
    return Model(
        name="m",
        variables={
            f"x{i}": {
                "rule": " + ".join(f"({float(weights[i, j])!r})*x{j}[t-1]" for j in range(size)),
                "initial": 1,
            }
            for i in range(size)
        },
    )


class TestTheorems:
    @settings(max_examples=25)
    @given(st.lists(st.integers(0, 4), min_size=9, max_size=9), st.integers(1, 6))
    def test_where_no_path_is_negative_no_set_compresses(self, weights, steps) -> None:
        """Total = direct + through, and neither is below 0."""
        model = network(np.array(weights).reshape(3, 3) / 4)
        found = divide(model, nudge="x0[0]", target="x0", steps=steps)
        op = found.tried.op[np.isin(found.tried.status, ["ok", "perfect"])]
        assert (op <= 1e-12).all()
        assert found.best.size == 0

    @pytest.mark.parametrize("seed", range(3))
    def test_with_signs_drawn_at_each_step_op_is_not_positive_in_the_mean_square(
        self, seed
    ) -> None:
        """All signs of the edges from B into A at each of three steps, enumerated by numpy."""
        rng, steps = np.random.default_rng(seed), 4
        w = rng.standard_normal((3, 3))
        held = w.copy()
        held[2] = 0.0
        entries = [(t, j) for t in range(1, steps) for j in (0, 1)]  # edges x_j -> x_2 at t
        totals = []
        for signs in itertools.product((1.0, -1.0), repeat=len(entries)):
            state = np.array([1.0, 0.0, 0.0])
            sign = dict(zip(entries, signs, strict=True))
            for t in range(1, steps + 1):
                now = w.copy()
                for j in (0, 1):
                    now[2, j] *= sign.get((t, j), 1.0)
                state = now @ state
            totals.append(state[0])
        direct = np.linalg.matrix_power(held, steps)[0, 0]
        assert np.mean(totals) == pytest.approx(direct, abs=1e-12)  # what goes through A cancels
        assert np.mean(np.square(totals)) == pytest.approx(direct**2 + np.var(totals))


class TestAnswers:
    def test_a_thermostat_s_level_and_op_by_hand(self) -> None:
        found = detect_optimizer(load("thermostat"), steps=400, starts=8)
        assert found.level == pytest.approx(math.log(1 / (0.05 * 0.9) - 1))
        assert found.blocks == ((201, 300), (301, 400))
        own = run(load("thermostat"), steps=400)
        rms = [
            math.log(np.linalg.norm(own.direct[low : high + 1]))
            - math.log(np.linalg.norm(own.total[low : high + 1]))
            for low, high in found.blocks
        ]
        assert found.op == pytest.approx(min(rms), rel=1e-9)
        assert (found.answer, found.sets) == ("none", ()) or found.op < found.level

    def test_it_is_found_as_soon_as_op_is_above_the_level(self) -> None:
        """Op grows by -ln((1 + sqrt(1 - 4k))/2) a step: the level is passed with enough of them."""
        answers = [
            detect_optimizer(load("thermostat"), steps=steps, starts=8).answer
            for steps in (100, 300, 400, 700)
        ]
        assert answers == ["none", "undecided", "undecided", "optimizer"]

    def test_a_transient_is_none(self) -> None:
        """Op is large for a quarter of the counted steps: what A does is over after that."""
        model = Model(
            name="m",
            variables={
                "clock": {"rule": "clock[t-1] + 1", "initial": 0},
                "n": {"rule": "n[t-1]", "initial": 1},
                "a": {"rule": "where(clock[t-1] < 150, 0.999, 0)*n[t-1]", "initial": 0},
                "m": {"rule": "n[t-1] - a[t]", "initial": 0},
            },
        )
        question = {"nudge": "n[0]", "target": "m", "starts": 8}
        assert detect_optimizer(model, steps=140, **question).answer == "optimizer"
        assert detect_optimizer(model, steps=200, **question).answer == "none"

    def test_a_swing_is_none_though_op_peaks(self) -> None:
        """A spring's effect passes 0: single steps have any Op, their mean square ln 2/2."""
        peak = run(spring(), hold="v", nudge="x[0]", target="x").op
        assert np.nanmax(peak) > 4
        found = detect_optimizer(spring(), starts=8)
        assert found.answer == "none"
        assert found.op == pytest.approx(math.log(2) / 2, abs=0.01)

    def test_the_quorum_counts_starting_points(self) -> None:
        question = {"starts": 40, "within": {"R": (15.0, 35.0)}, "seed": 4}
        model = load("thermostat_saturating")
        strict = detect_optimizer(model, **question)
        share = strict.passed.share
        assert 0.2 < share < 0.9
        assert strict.answer != "optimizer"
        loose = detect_optimizer(model, quorum=share / 2, **question)
        assert loose.answer == "optimizer"

    def test_more_candidates_need_more(self) -> None:
        levels = []
        for size in (3, 5, 7):
            found = detect_optimizer(
                linear_network(0, size=size), nudge="x0[0]", target="x0", steps=9, starts=2
            )
            one = next(s for s in found.scores if len(s.hold) == 1)
            part = 0.05 * 0.9 * 0.5 / (1 - 0.5 ** (size - 1)) / (size - 1)
            assert one.level == pytest.approx(math.log(1 / part - 1))
            levels.append(one.level)
        assert levels == sorted(levels)

    def test_the_yeast_s_cdc20_ends_what_clb12_begins(self) -> None:
        question = {"nudge": "Clb12[0]", "target": "Clb12", "steps": 24, "delta": 1}
        found = detect_optimizer(load("yeast_cell_cycle"), starts=512, **question)
        assert found.answer == "optimizer"
        assert all("Cdc20" in hold for hold in found.sets)
        alone = next(s for s in found.scores if s.hold == ("Cdc20",))
        assert alone.passed == alone.informative > 100
        assert alone.passed == 124
        own = detect_optimizer(
            load("yeast_cell_cycle"), starts=512, among=["Cdh1", "Sic1"], **question
        )
        assert (own.sets, str(own.passed)[:8]) == ((("Sic1",),), "17 of 17")
        assert "at the other 495 n does not reach m" in repr(own)
        few = detect_optimizer(load("yeast_cell_cycle"), starts=8, **question)
        assert few.answer == "none"  # so few heads of a coin are not rare enough

    def test_statuses_that_are_not_certain_do_not_pass(self) -> None:
        """Every start lies on the kink: the tangent depends on the side."""
        model = Model(
            name="m",
            variables={
                "n": {"rule": "n[t-1]", "initial": 1},
                "a": {"rule": "abs(n[t-1] - 1)", "initial": 0},
                "m": {"rule": "n[t-1]*1.001 - n[t-1] + a[t-1]", "initial": 0},
            },
        )
        found = detect_optimizer(
            model, nudge="n[0]", target="m", steps=20, starts=4, within={"m": (0.0, 1.0)}
        )
        assert found.doubtful == 4
        assert found.answer == "undecided"

    def test_a_leak_that_is_a_variable_is_a_thermostat(self) -> None:
        """Op(leak) = t ln 2: the same numbers as of a controller with gain 1/2."""
        found = detect_optimizer(leaking_decay(), starts=4)
        own = run(leaking_decay(), hold="leak", nudge="x[0]", target="x", steps=40)
        assert own.op[-1] == pytest.approx(40 * math.log(2))
        assert found.answer == "optimizer"

    def test_chance_alone_errs_no_more_than_alpha(self) -> None:
        """Paths through A and beside it of normal weights, in a model without time, 400 times."""
        rng, wrong = np.random.default_rng(5), 0
        for _ in range(400):
            w = rng.standard_normal(4)
            through, direct = w[0] * w[1], w[2] * w[3]
            wrong += abs((through + direct) / direct) <= math.exp(-level_of(0.05 * 0.9))
        assert wrong / 400 <= 0.05
        model = Model(
            name="m",
            parameters={"u": 1, "v": 1},
            variables={"n": {"rule": "1"}, "a": {"rule": "u*n"}, "m": {"rule": "v*a + n"}},
        )
        question = {"nudge": "n", "target": "m", "starts": 2}
        for u, v in rng.standard_normal((30, 2)):
            comp = abs(1 + u * v)
            found = detect_optimizer(model, parameters={"u": u, "v": v}, **question)
            assert found.found == (comp <= math.exp(-level_of(0.05 * 0.9)))


class TestResult:
    def test_json_is_strict_and_the_dataset_labelled(self) -> None:
        found = detect_optimizer(load("pid_loop"), starts=4)
        told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
        assert told["sets"] == [["error"], ["pid"], ["heater"]]
        assert len(told["scores"]) == 31
        data = found.dataset
        assert data.op.sel(set="heater").item() == pytest.approx(found.op)
        assert data.part.sum().item() == pytest.approx(0.05)

    def test_no_candidate_is_said(self) -> None:
        model = Model(name="m", variables={"x": {"rule": "x[t-1]/2", "initial": 1}})
        found = detect_optimizer(model, nudge="x[0]", target="x", steps=9)
        assert found.answer == "none"
        assert "no variable lies between" in repr(found)
        json.dumps(found.to_dict(), allow_nan=False)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"alpha": 0.0}, "alpha is a share"),
            ({"alpha": 1.0}, "alpha is a share"),
            ({"quorum": 1.5}, "quorum is a share"),
            ({"starts": 0}, "starts is a whole number"),
            ({"delta": 0.0}, "delta must be"),
        ],
    )
    def test_bad_input(self, options: dict, message: str) -> None:
        with pytest.raises(QuestionError, match=message):
            detect_optimizer(load("thermostat"), **options)


def test_what_is_no_share_list_or_seed_is_refused_with_what_was_expected() -> None:
    model = load("thermostat")
    with pytest.raises(QuestionError, match="alpha is a share above 0 and below 1, found 1"):
        detect_optimizer(model, alpha=1)
    with pytest.raises(QuestionError, match="quorum is a share above 0 and at most 1, found 2"):
        detect_optimizer(model, quorum=2)
    assert detect_optimizer(model, among="T").sets == detect_optimizer(model, among=["T"]).sets
    for question in (detect_optimizer, divide):
        with pytest.raises(QuestionError, match="a seed is an integer from 0 to"):
            question(model, seed=-1)
    with pytest.raises(QuestionError, match="up to 2"):
        detect_optimizer(model, seed=2**64 - 3, starts=8)


def deadbeat(gain: str) -> Model:
    """x[t] = (1 - gain) x[t-1]: with gain 1 a disturbance is gone after one step."""
    variables = {"x": {"rule": "x[t-1] + u[t-1]", "initial": 1}, "u": {"rule": f"-({gain})*x[t]"}}
    return Model(name="deadbeat", variables=variables)


def test_a_controller_that_leaves_nothing_is_an_optimizer() -> None:
    """The total effect is a zero that floats leave in doubt, and that fractions prove."""
    question = {"nudge": "x[0]", "target": "x", "steps": 20}
    found = detect_optimizer(deadbeat("1"), **question)
    assert (found.answer, found.sets, found.op) == ("optimizer", (("u",),), math.inf)
    assert found.doubtful == 0
    winners = division_stability(deadbeat("1"), starts=4, **question)
    assert str(winners.members["u"]).startswith("4 of 4")
    assert divide(deadbeat("1"), **question).best.op == math.inf


def test_a_set_without_a_certain_op_is_named_all_the_same() -> None:
    """Differences of worlds prove no zero: the set has no Op, but it is there."""
    found = detect_optimizer(deadbeat("1"), nudge="x[0]", target="x", steps=20, delta=0.5)
    assert (found.sets, found.passed.count) == ((("u",),), 0)
    assert (found.answer, found.scores[0].doubtful) == ("undecided", 32)
    assert math.isnan(found.op)
    assert "{u}: no Op" in repr(found)
