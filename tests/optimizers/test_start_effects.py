"""Effects from many starting points are those of a run from each, whole numbers too."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import Model, QuestionError, Set, load, run
from causalopt.effects.asked import ask
from causalopt.effects.measures import Part
from causalopt.optimizers.start_effects import StartEffects, norm
from causalopt.optimizers.starting_points import starting_points
from tests.strategies import templates

# Li et al. 2004: who activates and who inhibits whom; those that fade without input.
YEAST = {
    "Cln3": ((), ()),
    "MBF": (("Cln3",), ("Clb12",)),
    "SBF": (("Cln3",), ("Clb12",)),
    "Cln12": (("SBF",), ()),
    "Cdh1": (("Cdc20",), ("Cln12", "Clb56", "Clb12")),
    "Swi5": (("Mcm1", "Cdc20"), ("Clb12",)),
    "Cdc20": (("Clb12", "Mcm1"), ()),
    "Clb56": (("MBF",), ("Sic1", "Cdc20")),
    "Sic1": (("Cdc20", "Swi5"), ("Cln12", "Clb56", "Clb12")),
    "Clb12": (("Clb56", "Mcm1"), ("Sic1", "Cdh1", "Cdc20")),
    "Mcm1": (("Clb56", "Clb12"), ()),
}
FADES = {"Cln3", "Cln12", "Swi5", "Cdc20", "Mcm1"}


def yeast_courses(start: dict[str, int], steps: int, held=None) -> list[dict[str, int]]:
    """Return the states of the network, written again by hand; `held` is (names, course)."""
    course = [start]
    for t in range(1, steps + 1):
        now, before = {}, course[-1]
        for name, (on, off) in YEAST.items():
            h = sum(before[x] for x in on) - sum(before[x] for x in off)
            rest = 0 if name in FADES else before[name]
            now[name] = int(h > 0) if h or name in FADES else rest
            if held is not None and name in held[0]:
                now[name] = held[1][t][name]
        course.append(now)
    return course


class TestWholeNumbers:
    def test_the_yeast_network_by_hand(self) -> None:
        model, steps, window = load("yeast_cell_cycle"), 10, 6
        asked = ask(model, nudge="Clb12[0]", hold=[], target="Mcm1", steps=steps)
        points = starting_points(model, 60, seed=3)
        effects = StartEffects(asked, points, window=window, delta=1)
        for hold in [("Cdc20",), ("Cdh1", "Sic1"), ("MBF",), ()]:
            found = effects.measures(hold)
            for k in range(60):
                start = {name: int(points.values[name][0, k]) for name in YEAST}
                nudged = start | {"Clb12": 1 - start["Clb12"]}
                w = yeast_courses(start, steps)
                x = yeast_courses(nudged, steps)
                y = yeast_courses(nudged, steps, (hold, w))
                total, direct = (
                    sum(w[t]["Mcm1"] != o[t]["Mcm1"] for t in range(steps + 1 - window, steps + 1))
                    for o in (x, y)
                )
                status = str(found.status[0, k])
                if total and direct:
                    assert status == "ok"
                    assert found.op[0, k] == pytest.approx(
                        0.5 * math.log(direct / total), abs=1e-12
                    )
                else:
                    names = {(0, 0): "no_influence", (0, 1): "perfect", (1, 0): "only_path"}
                    assert status == names[bool(total), bool(direct)]

    def test_a_value_at_the_end_of_its_domain_is_nudged_the_other_way(self) -> None:
        counter = Model(
            name="m",
            variables={
                "n": {"domain": "0..2", "rule": "n[t-1]", "initial": {0: "1/2", 2: "1/2"}},
                "m": {"rule": "3*n[t]", "kind": "integer"},
            },
        )
        asked = ask(counter, nudge="n[0]", hold=[], target="m", steps=2)
        effect = StartEffects(asked, starting_points(counter, 20, seed=1), delta=1).effect(())
        assert (effect.total.value == 3.0).all()

    def test_a_derivative_of_whole_numbers_is_refused(self) -> None:
        model = load("yeast_cell_cycle")
        asked = ask(model, nudge="Clb12[0]", hold=[], target="Mcm1", steps=9)
        with pytest.raises(QuestionError, match="delta=1"):
            StartEffects(asked, starting_points(model, 4))


class TestTangents:
    @settings(max_examples=30)
    @given(templates(), st.integers(0, 99))
    def test_are_those_of_a_run_from_each_start(self, model: Model, seed: int) -> None:
        asked = ask(model, hold=[])
        points = starting_points(model, 5, seed=seed)
        window = 2 if asked.steps > asked.nudge.t else 1
        effects = StartEffects(asked, points, window=window)
        free = [v for v in model.variables if v not in (asked.nudge.variable, asked.target)]
        for hold in [free, free[:1]]:
            if not hold:
                continue
            found = effects.measures(hold)
            for k in range(5):
                initial = {name: rows[:, k].tolist() for name, rows in points.values.items()}
                own = run(model, hold=",".join(hold), initial=initial)
                total, direct = (
                    float(np.linalg.norm(part[-window:])) for part in (own.total, own.direct)
                )
                if set(own.status[-window:]) == {"ok"} and found.status[0, k] == "ok":
                    assert found.op[0, k] == pytest.approx(
                        math.log(direct / total), rel=1e-7, abs=1e-9
                    )

    def test_blocks_are_stretches_of_the_window(self) -> None:
        asked = ask(load("lorenz"), nudge="b[0]", hold=[], target="b", steps=100)
        effects = StartEffects(asked, starting_points(load("lorenz")), window=40, blocks=2)
        assert effects.blocks == [(61, 80), (81, 100)]
        own = run(load("lorenz"), nudge="b[0]", hold="c", target="b", steps=100)
        found = effects.measures(["c"])
        for k, (low, high) in enumerate(effects.blocks):
            sizes = [np.linalg.norm(p[low : high + 1]) for p in (own.direct, own.total)]
            assert found.op[k, 0] == pytest.approx(math.log(sizes[0] / sizes[1]), rel=1e-9)

    def test_noise_is_each_start_s_own(self) -> None:
        model = Model(
            name="m",
            variables={"e": {"noise": "normal(0, 1)"}, "x": {"rule": "x[t-1]*e[t]", "initial": 1}},
        )
        asked = ask(model, nudge="x[0]", hold=[], target="x", steps=3)
        effect = StartEffects(asked, starting_points(model, 4, seed=7)).effect(())
        own = [
            run(model, nudge="x[0]", hold=[], target="x", steps=3, seed=7 + k).total[-1]
            for k in range(4)
        ]
        np.testing.assert_allclose(effect.total.value[0], np.abs(own), rtol=1e-12)

    def test_what_is_set_stays_set(self) -> None:
        model = load("lorenz")
        asked = ask(model, nudge="b[0]", hold=[], target="b", steps=20, given=[Set("a[0]", 2.0)])
        points = starting_points(model, 3, within={"a": (5, 6)})
        total = StartEffects(asked, points).effect(()).total.value
        assert np.ptp(total) == 0.0

    def test_a_model_without_time(self) -> None:
        model = Model(
            name="m", variables={"n": {"rule": "1"}, "a": {"rule": "3*n"}, "m": {"rule": "n - a/4"}}
        )
        asked = ask(model, nudge="n", hold=[], target="m")
        found = StartEffects(asked, starting_points(model)).measures(["a"])
        assert found.op[0, 0] == pytest.approx(math.log(4))

    @pytest.mark.parametrize(("window", "blocks"), [(0, 1), (12, 1), (3, 4)])
    def test_a_window_lies_in_the_run(self, window: int, blocks: int) -> None:
        asked = ask(load("thermostat"), hold=[], steps=10)
        with pytest.raises(QuestionError, match="1 to 11 of the steps from R\\[0\\]"):
            StartEffects(asked, starting_points(load("thermostat")), window=window, blocks=blocks)


def test_a_norm_keeps_sizes_that_floats_cannot_hold() -> None:
    mantissa, exponent = np.array([[3.0], [-4.0]]), np.array([[5000], [5000]])
    no = np.zeros((2, 1), dtype=bool)
    found = norm(Part(mantissa, exponent, np.abs(mantissa), ~no, no), np.arange(2))
    assert found.log[0] == pytest.approx(math.log(5) + 5000 * math.log(2))
    assert found.error[0] == pytest.approx(5.0)
    mixed = dataclasses.replace(found, mantissa=mantissa, exponent=np.array([[0], [-3000]]))
    mixed = dataclasses.replace(mixed, error=np.zeros((2, 1)), has_path=~no, doubts_zero=no)
    assert norm(mixed, np.arange(2)).value[0] == 3.0


def test_statuses_are_not_hidden_by_a_window() -> None:
    model = Model(
        name="m",
        variables={
            "n": {"rule": "n[t-1]", "initial": 1},
            "a": {"rule": "abs(n[t-1] - 1)", "initial": 0},
            "m": {"rule": "n[t-1] + a[t-1]", "initial": 0},
        },
    )
    asked = ask(model, nudge="n[0]", hold=[], target="m", steps=6)
    found = StartEffects(asked, starting_points(model), window=3).measures(["a"])
    assert found.status.tolist() == [["kink"]]


@pytest.mark.parametrize(
    ("within", "message"),
    [
        ({"T": (1.0, 1.0)}, r"low < high"),
        ({"T": (0.0, math.inf)}, "both finite"),
        ({"Q": (0.0, 1.0)}, "unknown variable 'Q'"),
    ],
)
def test_boxes_that_are_none(within: dict, message: str) -> None:
    with pytest.raises((QuestionError, LookupError, ValueError), match=message):
        starting_points(load("thermostat"), 4, within=within)


class TestStartingPoints:
    def test_one_is_the_model_s_own(self) -> None:
        points = starting_points(load("thermostat"))
        assert {k: v.tolist() for k, v in points.values.items()} == {"T": [[10.0]], "R": [[35.0]]}

    def test_one_is_drawn_where_a_box_is_given(self) -> None:
        points = starting_points(load("thermostat"), within={"R": (20, 30)})
        assert 20 <= points.values["R"][0, 0] <= 30
        assert points.law == "R in [20, 30]"

    def test_many_fill_the_box(self) -> None:
        points = starting_points(load("thermostat"), 4000, within={"R": (20, 30)}, seed=1)
        drawn = points.values["R"][0]
        assert 20 <= drawn.min() < 20.05
        assert 29.95 < drawn.max() <= 30
        assert abs(drawn.mean() - 25) < 4 * 10 / math.sqrt(12 * 4000)
        assert set(points.values["T"][0]) == {10.0}

    def test_a_joint_law_is_drawn_row_by_row(self) -> None:
        points = starting_points(load("hamming_code"), 300, seed=2)
        words = {tuple(w) for w in np.array([points.values[f"x{i}"][0] for i in range(1, 8)]).T}
        assert len(words) == 16
        for word in words:  # every one a codeword: the three parity checks hold
            bits = [int(b) for b in word]
            checks = ((1, 3, 5, 7), (2, 3, 6, 7), (4, 5, 6, 7))
            assert all(sum(bits[i - 1] for i in check) % 2 == 0 for check in checks)
        distances = [sum(a != b for a, b in zip(u, v, strict=True)) for u, v in
                     itertools.combinations(words, 2)]  # fmt: skip
        assert min(distances) == 3

    def test_words_are_refused(self) -> None:
        with pytest.raises(QuestionError, match="is a word"):
            starting_points(load("thermostat_smart"), 4)

    def test_the_same_seed_draws_the_same(self) -> None:
        one, other, third = (starting_points(load("lorenz"), 5, seed=s) for s in (1, 1, 2))
        assert (one.values["a"] == other.values["a"]).all()
        assert (one.values["a"] != third.values["a"]).all()
