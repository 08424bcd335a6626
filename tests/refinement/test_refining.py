"""Refinement: known powers and areas, statuses that must not mislead it, and what it refuses."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest

import causalopt
from causalopt import QuestionError, UnknownNameError, load, refine
from causalopt.refinement.refining import MOST
from tests.refinement.known_cases import linear_comp, linear_power, of_rule, perfect_band

SATURATING = load("thermostat_saturating")
THERMOSTAT = load("thermostat")
ROOM = {"R[0]": (5.03, 45.07)}


class TestPower:
    def test_over_a_start_that_comp_does_not_depend_on(self) -> None:
        found = refine(THERMOSTAT, {"R[0]": (10.0, 30.0)}, points=20, steps=50)
        assert found.power == pytest.approx(20 * (1 - linear_comp(0.01, 50)), rel=1e-9)
        assert found.error < 1e-9

    @pytest.mark.parametrize("steps", [5, 12, 30])
    def test_over_a_parameter_it_is_the_integral_of_a_polynomial(self, steps: int) -> None:
        found = refine(THERMOSTAT, {"k": (0.0, 0.8)}, points=600, steps=steps)
        truth = linear_power(0.0, 0.8, steps)
        assert abs(found.power - truth) <= found.error
        assert found.error < 1e-4

    def test_of_two_axes_is_that_of_one_times_the_other_s_length(self) -> None:
        over = {"k": (0.0, 0.8), "R[0]": (10.0, 30.0)}
        found = refine(THERMOSTAT, over, points=800, steps=5)
        assert abs(found.power - 20 * linear_power(0.0, 0.8, 5)) <= found.error
        assert found.error < 0.1

    def test_of_three_axes_likewise(self) -> None:
        over = {"k": (0.0, 0.8), "R[0]": (10.0, 30.0), "d": (20.0, 25.0)}
        found = refine(THERMOSTAT, over, points=400, steps=3)
        assert abs(found.power - 100 * linear_power(0.0, 0.8, 3)) <= found.error
        assert found.error < 5

    def test_of_a_finite_nudge_is_that_of_its_difference_quotients(self) -> None:
        """A nudge of 4 out of the band of 10: Comp falls linearly over a length of 4 each way."""
        found = refine(perfect_band(), {"R[0]": (5.0, 45.0)}, points=400, delta=4.0)
        assert abs(found.power - 10.0) <= found.error
        assert found.error < 0.01

    def test_a_tolerance_ends_it(self) -> None:
        found = refine(THERMOSTAT, {"k": (0.0, 0.8)}, tolerance=1e-3, steps=12)
        assert found.reached
        assert found.error <= 1e-3
        assert abs(found.power - linear_power(0.0, 0.8, 12)) <= 1e-3
        assert found.points < 300
        assert "the tolerance 0.001 is reached" in repr(found)

    def test_a_tolerance_out_of_reach_is_said(self) -> None:
        found = refine(SATURATING, ROOM, tolerance=1e-12, points=200)
        assert found.reached is False
        assert found.points == 200
        assert found.to_dict()["reached"] is False
        assert "the tolerance 1e-12 is not reached: the error is still" in repr(found)

    def test_a_tolerance_alone_takes_so_many_points_at_most(self) -> None:
        found = refine(THERMOSTAT, {"k": (0, 1), "d": (0, 9)}, tolerance=1e-15, steps=3)
        assert found.points == MOST[2]
        assert not found.reached


class TestArea:
    @pytest.mark.parametrize("level", [0.0, 5.0, 1e6])
    def test_an_infinite_op_lies_above_every_level(self, level: float) -> None:
        found = refine(perfect_band(), {"R[0]": (5.0, 45.0)}, tolerance=0.01, level=level)
        area = found.area(level)
        assert abs(area.value - 10.0) <= area.error <= 0.01
        assert found.statuses["perfect"] > 10
        assert found.points < 150

    def test_over_two_axes(self) -> None:
        """A strip as wide as the second axis says: its area is the integral of that."""
        over = {"R[0]": (5.0, 45.0), "reach": (1.0, 10.0)}
        found = refine(perfect_band(), over, points=1000, level=1.0)
        area = found.area(1.0)
        assert abs(area.value - 99 / 2) <= area.error < 4
        assert abs(found.power - 99 / 2) <= found.error

    def test_over_three_axes(self) -> None:
        over = {"R[0]": (5.0, 45.0), "reach": (1.0, 10.0), "low": (12.0, 25.0)}
        found = refine(perfect_band(), over, points=700, level=1.0)
        area = found.area(1.0)
        assert abs(area.value - 13 * 99 / 2) <= area.error

    def test_beside_a_very_fine_grid(self) -> None:
        found = refine(SATURATING, ROOM, tolerance=1e-3, level=5.0)
        fine: Any = causalopt.sweep(SATURATING, {"R[0]": np.linspace(*ROOM["R[0]"], 200_001)})
        truth = float(np.mean(fine.op > 5.0)) * (45.07 - 5.03)
        assert abs(found.area(5.0).value - truth) <= found.area(5.0).error + 1e-3
        assert found.reached
        assert found.points < 200


class TestWhatHasNoNumber:
    """None of it may draw all points to itself, or make the rest unknown."""

    def test_an_infinite_op(self) -> None:
        for measure in ("comp", "op"):
            found = refine(perfect_band(), {"R[0]": (5.0, 45.0)}, points=300, measure=measure)
            assert abs(found.power - 10.0) <= found.error
            x = found.axes["R[0]"]
            for border in (20.0, 30.0):
                assert np.abs(x - border).min() < 1e-3
            assert (x < 19).sum() > 10
            assert ((x > 21) & (x < 29)).sum() > 10

    def test_a_part_that_is_not_a_number(self) -> None:
        model = of_rule("sqrt(R[t-1] - 10)")
        found = refine(model, {"R[0]": (5.0, 45.0)}, points=200)
        assert set(found.statuses) >= {"ok", "nonfinite"}
        assert abs(found.left_out.value - 5.0) <= found.left_out.error < 0.1
        assert abs(found.power) <= found.error  # A does nothing where there are numbers
        assert "left out, where Comp is unknown or infinite: 5" in repr(found)

    def test_a_part_that_diverges(self) -> None:
        """x -> x^2, 12 times, is beyond the largest float from its 4096-th root on."""
        border = math.exp(math.log(1.7976931348623157e308) / 4096)
        model = of_rule("R[t-1]*R[t-1]", steps=12)
        found = refine(model, {"R[0]": (0.9, 2.0)}, points=200)
        assert found.statuses["diverged"] > 10
        # The slope overflows a little before the value does.
        assert abs(found.left_out.value - (2.0 - border)) <= found.left_out.error + 2e-3

    def test_a_comp_that_is_infinite_everywhere(self) -> None:
        model = of_rule("T[t]", held="R[t-1]")
        found = refine(model, {"R[0]": (5.0, 45.0)}, points=40)
        assert found.statuses == {"only_path": 40}
        assert math.isnan(found.power)
        assert found.to_dict()["power"] is None
        assert "Op from -inf to -inf nats" in repr(found)
        assert "power, the integral of 1 - Comp over R[0]: unknown" in repr(found)

    def test_a_pole_of_comp(self) -> None:
        """Direct (R - 20)/10, total that plus 1: Comp = 1 + 10/(R - 20), not to be integrated."""
        model = of_rule("(R[t-1] - 20)**2/20 + T[t]", held="R[t-1]")
        found = refine(model, {"R[0]": (5.03, 45.0)}, points=300)
        assert found.points == 300
        assert found.error > 1.0
        assert (np.abs(found.axes["R[0]"] - 20) > 1).sum() > 60

    def test_nothing_reaches_m(self) -> None:
        model = of_rule("3 + 0*R[t-1]")
        found = refine(model, {"R[0]": (5.0, 45.0)}, points=30)
        assert found.statuses == {"no_influence": 30}
        assert "Op is known at no point" in repr(found)
        assert found.left_out.value == pytest.approx(40.0)

    def test_a_w_that_jumps_is_told_from_a_steep_one(self) -> None:
        model = of_rule("R[t-1] - T[t]", held="where(R[t-1] > 23.7, 4, -4)")
        found = refine(model, {"R[0]": (5.0, 45.0)}, points=200)
        assert found.jumps == 1
        assert found.power == pytest.approx(0.0, abs=1e-9)
        assert found.error < 1e-6
        assert "W jumps in 1 places" in repr(found)


class TestPoints:
    @pytest.mark.parametrize("count", [16, 17, 66, 130, 200])
    @pytest.mark.parametrize("axes", [1, 2, 3])
    def test_as_many_as_were_asked_for(self, count: int, axes: int) -> None:
        over = dict(list({"k": (0.01, 0.5), "d": (20, 30), "R[0]": (10, 30)}.items())[:axes])
        found = refine(THERMOSTAT, over, points=count, steps=6)
        assert found.points == count
        places = np.array(list(found.axes.values())).T
        assert len(np.unique(places, axis=0)) == count

    def test_the_ends_of_ranges_are_exact(self) -> None:
        over = {"k": (0.33, 0.89), "R[0]": (1 / 3, 10 / 7)}
        assert 0.33 + (0.89 - 0.33) != 0.89
        found = refine(THERMOSTAT, over, points=40, steps=6)
        for name, (low, high) in over.items():
            assert found.axes[name].min() == low
            assert found.axes[name].max() == high

    @pytest.mark.parametrize("over", [ROOM, {**ROOM, "p": (0.5, 2.0)}])
    def test_are_the_same_whatever_the_workers(self, over: Any) -> None:
        one, other, again = (
            refine(SATURATING, over, points=300, steps=100, workers=workers)
            for workers in (1, 2, 1)
        )
        for found in (other, again):
            assert found.shares.tobytes() == one.shares.tobytes()
            assert found.op.tobytes() == one.op.tobytes()
            assert found.codes.tobytes() == one.codes.tobytes()
            assert found.to_dict() == one.to_dict()

    def test_fewer_are_the_first_of_more(self) -> None:
        few, many = (refine(SATURATING, ROOM, points=count, steps=100) for count in (100, 300))
        first = min(few.points, 65)  # batches end where points do
        assert few.shares[0, :first].tolist() == many.shares[0, :first].tolist()

    def test_have_what_a_run_of_their_own_has(self) -> None:
        found = refine(SATURATING, {**ROOM, "p": (0.5, 2.0)}, points=150, steps=100)
        for k in range(0, 150, 29):
            start, p = (float(values[k]) for values in found.axes.values())
            run = causalopt.run(SATURATING, initial={"R": start}, parameters={"p": p}, steps=100)
            assert found.op[k] == pytest.approx(run.op[-1], rel=1e-9, abs=1e-12)
            assert found.values[k] == pytest.approx(run.W["R"][-1], rel=1e-12)
            assert found.status[k] == run.status[-1]

    def test_lie_where_comp_changes(self) -> None:
        x = refine(SATURATING, ROOM, points=400).axes["R[0]"]
        changing = ((x > 14) & (x < 19)) | ((x > 31) & (x < 36))
        assert changing.sum() > 300

    def test_lie_where_op_passes_a_level(self) -> None:
        x = refine(SATURATING, ROOM, points=200, level=5.0).axes["R[0]"]
        assert (np.abs(np.abs(x - 25.0) - 6.1) < 0.2).sum() > 60

    def test_a_preview_is_told_once_and_first(self) -> None:
        seen: list[Any] = []
        found = refine(SATURATING, ROOM, points=300, preview=seen.append)
        (coarse,) = seen
        assert coarse.points == 65
        assert np.diff(np.sort(coarse.shares[0])) == pytest.approx(1 / 64, rel=1e-9)
        assert coarse.shares.tolist() == found.shares[:, :65].tolist()
        assert abs(coarse.power - 19.96) <= coarse.error

    def test_progress_is_told_in_points(self) -> None:
        told: list[tuple[float, float]] = []
        refine(SATURATING, ROOM, points=300, progress=lambda d, t, _: told.append((d, t)))
        done = [d for d, _ in told]
        assert done == sorted(done)
        assert told[-1] == (300, 300)

    def test_the_course_is_kept(self) -> None:
        found = refine(SATURATING, ROOM, points=300)
        counts = [count for count, _, _ in found.course]
        assert counts[0] == 65
        assert counts[-1] == 300
        assert found.course[-1][1:] == (found.power, found.error)


REFUSED: dict[str, dict[str, Any]] = {
    "a refinement ends by points or by a tolerance: give points=1000 (--points 1000)": {},
    "points lies between 16 and 1,000,000, found 15": {"points": 15},
    "points lies between 16 and 1,000,000, found -3": {"points": -3},
    "tolerance is an error that may be left, a finite number above 0, found 0": {"tolerance": 0.0},
    "a finite number above 0, found -0.1": {"tolerance": -0.1},
    "a finite number above 0, found nan": {"tolerance": math.nan},
    "a finite number above 0, found inf": {"tolerance": math.inf},
    "the level is a finite number of nats, found nan": {"points": 99, "level": math.nan},
    "with a level points are added where Op passes it": {
        "points": 99, "level": 1.0, "measure": "op"
    },
    "a tolerance is on power, or on the area above a level": {"tolerance": 0.1, "measure": "op"},
    "the axis 'R[0]' takes its lower end first, found (45, 5): write (5, 45)": {
        "points": 99, "over": {"R[0]": (45, 5)}
    },
    "takes its lower end first, found (5, 5): give it as a parameter instead": {
        "points": 99, "over": {"R[0]": (5, 5)}
    },
    "the axis 'R[0]' takes a range of finite numbers, found (nan, 5)": {
        "points": 99, "over": {"R[0]": (math.nan, 5)}
    },
    "the axis 'R[0]' takes a range of finite numbers, found (5, inf)": {
        "points": 99, "over": {"R[0]": (5, math.inf)}
    },
    "the axis 'R[0]' takes a range (low, high) such as (5, 45), found a list": {
        "points": 99, "over": {"R[0]": (5, 10, 15)}
    },
    "a refinement needs an axis: --grid R[0]=5:45": {"points": 99, "over": {}},
    "points are refined over at most 3 axes, and there are 4": {
        "points": 99, "over": {"R[0]": (1, 2), "k": (1, 2), "d": (1, 2), "T[0]": (1, 2)}
    },
    "two axes name the same node": {"points": 99, "over": {"R[0]": (1, 2), "R[00]": (1, 2)}},
    "the axis 'R[5]' is a node that follows its rule": {"points": 99, "over": {"R[5]": (1, 2)}},
    "'k' is an axis and given a value too: drop one of them": {
        "points": 99, "over": {"k": (0.1, 0.2)}, "parameters": {"k": 0.3}
    },
    "'R' is an axis and given a value too": {"points": 99, "initial": {"R": 3}},
    "workers must be at least 1, found 0": {"points": 99, "workers": 0},
}  # fmt: skip


@pytest.mark.parametrize("message", REFUSED)
def test_what_is_refused_before_any_work(message: str) -> None:
    asked = {"over": {"R[0]": (5.0, 45.0)}, **REFUSED[message]}
    told: list[Any] = []
    with pytest.raises(QuestionError, match=re.escape(message)):
        refine(THERMOSTAT, asked.pop("over"), preview=told.append, **asked)
    assert not told


def test_an_axis_that_names_nothing_is_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown axis 'q'"):
        refine(THERMOSTAT, {"q": (1, 2)}, points=99)


def test_a_measure_that_is_none_is_refused() -> None:
    with pytest.raises(causalopt.CausaloptError, match="comp"):
        refine(THERMOSTAT, ROOM, points=99, measure="total")  # type: ignore[arg-type]


def test_a_model_with_arrays_is_refused() -> None:
    with pytest.raises(QuestionError, match=r"has arrays: write it out first"):
        refine(load("lorenz96"), {"F": (1, 8)}, points=99)


def test_without_the_package_it_says_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "adaptive", None)
    with pytest.raises(ImportError, match=r"adaptive refinement needs adaptive.*causalopt\[refine"):
        refine(THERMOSTAT, ROOM, points=99)


class TestResult:
    FOUND = refine(SATURATING, {**ROOM, "p": (0.5, 2.0)}, points=60, steps=100)

    def test_the_dataset_has_one_dim_of_points(self) -> None:
        data = self.FOUND.dataset
        assert dict(data.sizes) == {"point": 60, "piece": len(self.FOUND.simplices), "end": 3}
        assert data.R_0.attrs["axis_name"] == "R[0]"
        assert data.op.values.tolist() == self.FOUND.op.tolist()
        assert data.status.values.tolist() == self.FOUND.status.tolist()
        assert data.op.attrs["units"] == "nat"
        assert data.attrs["model"] == "thermostat_saturating"
        assert data.attrs["power"] == repr(self.FOUND.power)

    def test_power_follows_from_what_is_kept(self) -> None:
        """By hand, from a file's columns: the triangles' areas times the means of 1 - Comp."""
        data = self.FOUND.dataset
        corners = data.corner.values
        x, y, f = (v[corners] for v in (data.R_0.values, data.p.values, 1 - data.comp.values))
        areas = (
            np.abs(
                (x[:, 1] - x[:, 0]) * (y[:, 2] - y[:, 0])
                - (x[:, 2] - x[:, 0]) * (y[:, 1] - y[:, 0])
            )
            / 2
        )
        assert areas.sum() == pytest.approx(40.04 * 1.5, rel=1e-9)
        assert (areas * f.mean(axis=1)).sum() == pytest.approx(self.FOUND.power, rel=1e-9)

    def test_it_is_saved_and_read_again(self, tmp_path: Any) -> None:
        import xarray

        self.FOUND.save(tmp_path / "found.nc")
        with xarray.open_dataset(tmp_path / "found.nc") as again:
            assert again.comp.values.tolist() == self.FOUND.comp.tolist()
        table = self.FOUND.to_pandas()
        assert len(table) == 60
        assert {"R_0", "p", "op", "status"} <= {*table.columns, *table.index.names}

    def test_its_dict_is_strict_json(self) -> None:
        import json

        found = json.loads(json.dumps(self.FOUND.record(), allow_nan=False))
        assert len(found["op"]) == found["points"] == 60
        assert found["over"] == {"R[0]": [5.03, 45.07], "p": [0.5, 2.0]}
        assert found["error"] == self.FOUND.error

    def test_its_text(self) -> None:
        text = repr(self.FOUND)
        assert text.startswith(
            "Op(T; R[0], R) in thermostat_saturating, at step 100: R[0] in [5.03, 45.07], p in "
            "[0.5, 2]\n"
        )
        assert "  60 points, added where Comp changes fast\n" in text
        assert "11 of 60 points" in str(self.FOUND)
        assert "<table" in self.FOUND._repr_html_()
