"""Divisions against brute force by runs: the winner at every price, minimal sets, cuts, bounds."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from causalopt import Model, QuestionError, divide, load, run
from causalopt.optimizers.cut_sizes import CutSizes
from causalopt.optimizers.known_systems import linear_network, planted_network, two_thermostats
from causalopt.optimizers.minimal_sets import minimal_sets
from causalopt.optimizers.regularised_path import PathPoint, regularised_path
from tests.strategies import templates

COSTS = (0.0, 0.1, 0.5, math.log(2), 2.0, 10.0)


def by_runs(model: Model, **question) -> dict[tuple[str, ...], float]:
    """Return every set of free variables with its Op by a run of its own, where that is certain."""
    asked = run(model, hold=[], **question)
    names = [v for v in model.variables if v not in (asked.nudge.variable, asked.target)]
    found = {(): 0.0}
    for size in range(1, len(names) + 1):
        for hold in itertools.combinations(names, size):
            own = run(model, hold=",".join(hold), **question)
            if own.status[-1] in ("ok", "perfect"):
                found[hold] = float(own.op[-1])
    return found


def cut(model: Model, hold: tuple[str, ...]) -> int:
    """Count the edges over a boundary, from the equations themselves."""
    return sum(
        (parent in hold) != (equation.name in hold)
        for equation in model.template.equations
        for parent, _ in equation.parents
        if parent != equation.name
    )


class TestAgainstBruteForce:
    @settings(max_examples=40)
    @given(templates(), st.sampled_from(["node", "edge"]))
    def test_the_winner_at_every_price(self, model: Model, price: str) -> None:
        known = by_runs(model)
        found = divide(model, price=price)
        for cost in COSTS:
            worth = {
                hold: op - cost * (len(hold) if price == "node" else cut(model, hold))
                for hold, op in known.items()
            }
            best = max(worth.values())
            point = found.path.at(cost)
            assert point.op - cost * point.size == pytest.approx(best, rel=1e-7, abs=1e-7)
            for split in point.splits:
                assert known[split.hold] == pytest.approx(point.op, rel=1e-7, abs=1e-7)

    @settings(max_examples=40)
    @given(templates(), st.sampled_from([0.3, 0.9, 1.0]))
    def test_the_minimal_sets(self, model: Model, share: float) -> None:
        known = {hold: op for hold, op in by_runs(model).items() if hold}
        found = divide(model).minimal_sets(share)
        best = max(known.values(), default=-math.inf)
        if not best > 1e-9:
            assert sum(map(len, (sets for _, sets in found.groups))) == 0 or best > 0
            return
        core = divide(model).listed.core
        reach = [set(h) for h, op in known.items() if op >= share * best * (1 - 1e-9)]
        minimal = [s for s in reach if not any(other < s for other in reach)]
        assert {frozenset(h) for _, sets in found.groups for h in sets} == set(
            map(frozenset, minimal)
        )
        assert all(s <= set(core) for s in minimal)

    def test_two_thermostats_at_three_prices(self) -> None:
        model = two_thermostats()
        known, found = by_runs(model), divide(model)
        one, both = known[("T1",)], known["T1", "T2"]
        assert found.path.breakpoints == pytest.approx((one, both - one))
        winners = [found.path.at(c).splits for c in (one + 1, (both - one) + 1, 0.1)]
        assert [[s.hold for s in splits] for splits in winners] == [[], [("T1",)], [("T1", "T2")]]

    def test_the_parts_of_a_pid_loop_are_one_conduit(self) -> None:
        found = divide(load("pid_loop"))
        assert [s.hold for s in found.best.splits] == [("error",), ("pid",), ("heater",)]
        own = {name: run(load("pid_loop"), hold=name).op[-1] for name in found.listed.core}
        assert found.best.op == pytest.approx(max(own.values()), rel=1e-6)
        assert own["derivative"] < 1 < 15 < own["integral"] < own["heater"] - 2

    def test_a_price_on_edges_draws_the_controller_s_boundary(self) -> None:
        found = divide(load("pid_loop"), price="edge")
        assert found.best.size == 2
        sets = [set(split.hold) for split in found.best.splits]
        assert {"error", "integral", "derivative", "pid", "heater"} in sets
        assert {"heater"} in sets

    @settings(max_examples=25, deadline=None)
    @given(st.integers(0, 10**6), st.integers(5, 40))
    def test_a_planted_controller_s_op_by_matrix_powers(self, seed: int, steps: int) -> None:
        """State (d, sum, x0..x3), u written into it; with u held the plant is on its own."""
        model = planted_network(seed)
        w = np.array([[model.parameters[f"w{i}_{j}"] for j in range(4)] for i in range(4)])
        kp, ki = model.parameters["kp"], model.parameters["ki"]
        beside = np.zeros((6, 6))
        beside[0, 0] = beside[1, 1] = beside[1, 2] = beside[2, 0] = 1.0
        beside[2:, 2:] = w
        whole = beside.copy()
        whole[2, 1] -= ki
        whole[2, 2] -= kp
        total, direct = (np.linalg.matrix_power(a, steps)[2, 0] for a in (whole, beside))
        found = divide(model, nudge="d[0]", target="x0", steps=steps)
        place = found.tried.sets.index(("u",))
        if found.tried.status[place] != "ok" or abs(total) < 1e-12:
            return
        op = math.log(abs(direct / total))
        assert found.tried.op[place] == pytest.approx(op, rel=1e-6, abs=1e-7)
        assert found.best.op - found.cost * found.best.size >= op - found.cost - 1e-9

    @pytest.mark.parametrize("seed", range(4))
    def test_idle_variables_stand_where_fewest_edges_are_cut(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        names, edges = ["n", "a", "b", "m", "i", "j", "k"], []
        for _ in range(14):
            p, c = rng.choice(len(names), 2, replace=False)
            edges.append((names[p], names[c]))
        rules = {c: " + ".join([f"{p}[t-1]" for p, d in edges if d == c] or ["0"]) for c in names}
        model = Model(
            name="m", variables={c: {"rule": rule, "initial": 1} for c, rule in rules.items()}
        )
        sizes = CutSizes(model, "edge", ["i", "j", "k"])
        for hold in [("a",), ("b",), ("a", "b")]:
            (wide,), (count,) = sizes.of([hold])
            every = [
                cut(model, (*hold, *more)) for r in range(4)
                for more in itertools.combinations(["i", "j", "k"], r)
            ]  # fmt: skip
            assert count == min(every) == cut(model, wide)
            assert set(hold) <= set(wide) <= {*hold, "i", "j", "k"}


class TestLaws:
    @settings(max_examples=30)
    @given(templates(), st.randoms(use_true_random=False))
    def test_names_and_their_order_do_not_matter(self, model: Model, random) -> None:
        names = list(model.variables)
        new = [f"z{i}" for i in range(len(names))]
        random.shuffle(new)
        to = dict(zip(names, new, strict=True))

        def renamed(text: str) -> str:
            for name in names:
                text = text.replace(f"{name}[", f"{to[name].upper()}[")
            return text

        data = {
            to[name].upper(): {"rule": renamed(v.rule), "initial": list(v.initial)}
            for name, v in model.variables.items()
        }
        data = dict(sorted(data.items()))
        question = model.question
        other = Model(name="other", variables=data)
        found = divide(model)
        moved = divide(
            other,
            nudge=renamed(question.nudge),
            target=to[question.target].upper(),
            steps=question.steps,
        )
        assert [p.size for p in found.path.points] == [p.size for p in moved.path.points]
        for one, two in zip(found.path.points, moved.path.points, strict=True):
            assert one.op == pytest.approx(two.op, rel=1e-7, abs=1e-9)
            sets = {frozenset(to[v].upper() for v in s.hold) for s in one.splits}
            assert sets == {frozenset(s.hold) for s in two.splits}

    @settings(max_examples=30)
    @given(templates())
    def test_the_best_of_larger_sets_is_no_worse_and_corners_rise(self, model: Model) -> None:
        path = divide(model).path
        corners = path.corners
        assert corners[0].size == 0
        assert all(a.op < b.op and a.size < b.size for a, b in itertools.pairwise(corners))
        prices = path.breakpoints
        assert list(prices) == sorted(prices, reverse=True)
        best = [max(p.op for p in path.points if p.size <= size) for size in range(5)]
        assert best == sorted(best)
        assert path.at(0.0).op == max(p.op for p in path.points)

    @settings(max_examples=150)
    @given(st.lists(st.integers(-9, 9), min_size=1, max_size=9))
    @example([2, -9, -9, 5])
    def test_the_hull_wins_at_every_price(self, ops: list[int]) -> None:
        points = {k: PathPoint(k, float(op), ()) for k, op in enumerate([0, *ops])}
        path = regularised_path(points)
        for price in np.arange(81) / 8:
            point = path.at(price)
            best = max(p.op - price * p.size for p in points.values())
            assert point.op - price * point.size == best

    def test_units_of_n_and_m_do_not_matter(self) -> None:
        model = two_thermostats()
        data = model.model_dump()
        data["variables"]["wide"] = {"rule": "1000*R1[t]"}
        other = divide(Model(**data), target="wide")
        own = divide(model)
        assert other.best.op == pytest.approx(own.best.op)

    def test_a_perfect_set_wins_at_any_price(self) -> None:
        model = Model(
            name="m",
            variables={
                "n": {"rule": "1"},
                "a": {"rule": "n"},
                "b": {"rule": "n/2"},
                "m": {"rule": "n - a + b*0"},
            },
        )
        found = divide(model, nudge="n", target="m", cost=1e6)
        assert [s.hold for s in found.best.splits] == [("a",)]
        assert found.best.splits[0].status == "perfect"
        assert found.minimal.groups == ((math.inf, (("a",),)),)


class TestBeyondEnumeration:
    @pytest.mark.parametrize("seed", range(5))
    def test_bounds_hold_and_growth_finds_most(self, seed: int) -> None:
        model = linear_network(seed, size=8)
        question = {"nudge": "x0[0]", "target": "x1", "steps": 12}
        whole = divide(model, **question)
        grown = divide(model, **question, most=6)
        assert whole.listed.is_complete
        assert not grown.listed.is_complete
        for true, found in zip(whole.path.points, grown.path.points, strict=True):
            assert found.op <= true.op + 1e-9
            assert true.op <= found.bound + 1e-9
        assert [p.how for p in grown.path.points] == ["exact"] * 2 + ["heuristic"] * 5
        hits = sum(
            abs(a.op - b.op) < 1e-9
            for a, b in zip(whole.path.points, grown.path.points, strict=True)
        )
        assert hits >= 6

    def test_where_no_path_is_negative_the_bounds_are_the_singles_op(self) -> None:
        """Sums of sizes are the sums themselves: of k variables the k-th best single bounds all."""
        rng = np.random.default_rng(3)
        model = linear_network(0, size=7)
        weights = {
            name: float(w) for name, w in zip(model.parameters, rng.uniform(0, 1, 49), strict=True)
        }
        question = {"nudge": "x0[0]", "target": "x1", "steps": 6, "parameters": weights}
        own = {f"x{i}": run(model, hold=f"x{i}", **question).op[-1] for i in range(2, 7)}
        found = divide(model, **question, most=5)
        singles = sorted(own.values(), reverse=True)
        bounds = [point.bound for point in found.path.points if point.how == "heuristic"]
        assert bounds == pytest.approx(singles[1:], rel=1e-9)

    def test_growth_exchanges_what_it_began_with(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """By hand: {a} ln 6, {b} = {c} ln 3; {a, b} = {a, c} ln 8, {b, c} ln 15; all ln 20."""
        monkeypatch.setattr("causalopt.optimizers.split_search._BEAM", 1)
        rules = {"n": "1", "a": "n", "b": "n", "c": "10*b - 12*n", "m": "20*n - 5*a - 12*b + c"}
        model = Model(name="m", variables={name: {"rule": rule} for name, rule in rules.items()})
        found = divide(model, nudge="n", target="m", most=3)
        ops = [math.exp(point.op) for point in found.path.points]
        assert ops == pytest.approx([1, 6, 15, 20])

    def test_a_bound_below_the_winner_makes_it_certain(self) -> None:
        """Nine that lean on the room a little, and a thermostat that is worth its price."""
        lean = " + ".join(f"w{i}[t-1]" for i in range(9))
        variables = {
            "T": {"rule": "R[t-1] - 25", "initial": 10},
            "R": {"rule": f"R[t-1] - 0.05*T[t-1] - 0.0001*({lean})", "initial": 35},
        }
        variables |= {f"w{i}": {"rule": "R[t-1]*0.1", "initial": 0} for i in range(9)}
        model = Model(name="m", variables=variables)
        question = {"nudge": "R[0]", "target": "R", "steps": 60}
        found = divide(model, **question, most=10, cost=3.0)
        assert not found.listed.is_complete
        assert found.is_certain
        whole = divide(model, **question, cost=3.0)
        assert found.best.splits[0].hold == whole.best.splits[0].hold == ("T",)
        loose = divide(model, **question, most=10, cost=0.0)
        assert not loose.is_certain
        assert "may win" in repr(loose)

    def test_bounds_with_edges_are_of_all_sets_not_tried(self) -> None:
        model = linear_network(1, size=7)
        question = {"nudge": "x0[0]", "target": "x1", "steps": 9, "price": "edge"}
        whole, some = divide(model, **question), divide(model, **question, most=5)
        bounds = {p.size: p.bound for p in some.path.points}
        for point in whole.path.points:
            if point.size in bounds:
                assert point.op <= bounds[point.size] + 1e-9


class TestStatuses:
    def test_sets_on_a_kink_are_counted_and_do_not_win(self) -> None:
        found = divide(load("thermostat_saturating"))
        assert found.statuses == {"kink": 1}
        assert found.best.splits == ()
        assert "1 kink" in repr(found)

    def test_no_variable_between(self) -> None:
        model = Model(name="m", variables={"x": {"rule": "x[t-1]/2", "initial": 1}})
        found = divide(model, nudge="x[0]", target="x", steps=9)
        assert found.listed.core == ()
        assert found.best.op == 0.0
        assert found.minimal.groups == ()
        assert "no set" not in repr(found)

    def test_a_law_at_the_start_is_drawn_and_told(self) -> None:
        question = {"nudge": "x3[0]", "target": "x3", "steps": 9, "delta": 1}
        found = divide(load("hamming_code"), **question)
        assert [s.hold for s in found.best.splits] == [("s",)]
        assert found.best.op == math.inf
        assert "from the law at t = 0" in repr(found)


class TestBadInput:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"price": "area"}, "price is one of node, edge"),
            ({"cost": -1.0}, "0 or more"),
            ({"cost": math.nan}, "0 or more"),
            ({"share": 0.0}, "above 0"),
            ({"share": 1.1}, "at most 1"),
            ({"among": ["R"]}, "A holds neither n nor m"),
            ({"most": 0}, "most must be at least 1"),
            ({"window": 0}, "a window holds"),
            ({"delta": 0.0}, "delta must be"),
            ({"nudge": "R[2000]"}, "R\\[2000\\]"),
        ],
    )
    def test_is_told(self, options: dict, message: str) -> None:
        with pytest.raises(QuestionError, match=message):
            divide(load("thermostat"), **options)

    def test_a_price_below_zero(self) -> None:
        with pytest.raises(QuestionError, match="0 or more"):
            divide(load("thermostat")).path.at(-1.0)


def test_minimal_sets_of_three_groups_by_hand() -> None:
    sets = [("a",), ("b",), ("c",), ("a", "b"), ("a", "c"), ("b", "c"), ("a", "b", "c")]
    op = np.array([1.0, 2.0, np.nan, 9.5, 9.5, 10.0, 3.0])
    found = minimal_sets(sets, np.where(np.isnan(op), -np.inf, op), 0.9)
    assert found.groups == ((10.0, (("b", "c"),)), (9.5, (("a", "b"), ("a", "c"))))


def test_a_minimal_set_may_be_larger_than_another() -> None:
    sets = [("a",), ("b",), ("c",), ("a", "b"), ("a", "c"), ("b", "c"), ("a", "b", "c")]
    found = minimal_sets(sets, np.array([9.0, 1.0, 1.0, 9.5, 9.5, 10.0, 9.2]), 0.9)
    assert found.groups == ((10.0, (("b", "c"),)), (9.0, (("a",),)))


def test_the_dataset_and_json() -> None:
    found = divide(two_thermostats())
    data = found.dataset
    assert data.op.sel(set="T1, T2").item() == found.best.op
    assert data.holds.sel(set="T1, T2").values.tolist() == [True, True, False]
    assert data.best_op.sel(size=1).item() == data.op.sel(set="T1").item()
    assert data.attrs["price"] == "node"
    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert told["path"][0]["high"] == "inf"
    assert told["best"]["splits"][0]["hold"] == ["T1", "T2"]
