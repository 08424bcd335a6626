"""Link scores and loop shares against the papers' formulas, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import Model, SizeError, load, loop_shares, world
from causalopt.comparison.link_scores import link_scores
from causalopt.comparison.loop_shares import LoopShares, loop_text
from causalopt.errors import QuestionError

slopes = st.floats(-0.4, 0.4).filter(lambda c: abs(c) > 0.02)


def model(variables: dict[str, object], **more: object) -> Model:
    return Model(name="m", variables=variables, **more)


def share_of(found: LoopShares, *loop: str) -> np.ndarray:
    def turned(one: tuple[str, ...]) -> tuple[str, ...]:
        start = one.index(min(one))
        return one[start:] + one[:start]

    return found.shares[[turned(one) for one in found.loops].index(turned(loop))]


class TestPublishedExamples:
    def test_the_stock_of_the_paper_of_2023(self) -> None:
        """Inflow 5 then 10, outflow 4 then 5: the scores are 5/4 and -1/4 (Improving LTM, 2023)."""
        tub = model(
            {
                "i": {"rule": "5*t"},
                "o": {"rule": "t + 3"},
                "S": {"rule": "S[t-1] + i[t] - o[t]", "initial": 100},
            }
        )
        w = world(tub, steps=2)
        assert (w["i[1]"], w["o[1]"], w["S[1]"]) == (5, 4, 101)
        assert (w["i[2]"], w["o[2]"], w["S[2]"]) == (10, 5, 106)
        first, scores = link_scores(tub, {name: w[name] for name in tub.variables})
        assert first == 2
        assert scores["i", "S"].tolist() == [1.25]
        assert scores["o", "S"].tolist() == [-0.25]

    def test_flows_joined_in_a_net_flow_share_alike(self) -> None:
        """The correction of 2023: out -> net -> S scores what out -> S scores."""
        apart = {
            "i": {"rule": "0.3*S[t]"},
            "o": {"rule": "0.1*S[t]*S[t]"},
            "S": {"rule": "S[t-1] + i[t-1] - o[t-1]", "initial": 1},
        }
        joined = apart | {
            "net": {"rule": "i[t] - o[t]"},
            "S": {"rule": "S[t-1] + net[t-1]", "initial": 1},
        }
        one, other = (loop_shares(model(some), steps=12) for some in (apart, joined))
        assert share_of(one, "o", "S") == pytest.approx(share_of(other, "o", "net", "S"), abs=1e-9)
        assert share_of(one, "i", "S") == pytest.approx(share_of(other, "i", "net", "S"), abs=1e-9)

    def test_word_of_mouth_gives_way_to_saturation_at_half_the_market(self) -> None:
        """Bass diffusion: both loops' shares are P/N and A/N, so dominance shifts at N/2."""
        bass = model(
            {
                "P": {"rule": "1000 - A[t]"},
                "A": {"rule": "A[t-1] + 0.0005*P[t-1]*A[t-1]", "initial": 10},
            }
        )
        found = loop_shares(bass, steps=15)
        A = np.asarray(world(bass, steps=15)["A"])[:-1]  # what the change is counted from
        assert share_of(found, "A") == pytest.approx((1000 - A) / 1000, abs=1e-9)
        assert share_of(found, "P", "A") == pytest.approx(-A / 1000, abs=1e-9)

    @pytest.mark.parametrize(("own", "other"), [(0.3, 0.1), (0.05, 0.2)])
    def test_the_symmetric_arms_race(self, own: float, other: float) -> None:
        """Two balancing loops a/|l| and one reinforcing c^2/l^2, with l = c - a (LTM 2020)."""
        sides = {
            name: {"rule": f"(1 - {own})*{name}[t-1] + {other}*{rival}[t-1]", "initial": 2}
            for name, rival in (("us", "them"), ("them", "us"))
        }
        found = loop_shares(model(sides), steps=6)
        rate = abs(other - own)
        scores = {"us": -own / rate, "them": -own / rate, "us them": other**2 / rate**2}
        total = sum(map(abs, scores.values()))
        for loop, score in scores.items():
            assert share_of(found, *loop.split()) == pytest.approx(np.full(6, score / total))


class TestLaws:
    @given(slopes, slopes)
    @settings(max_examples=30, deadline=None)
    def test_a_lone_loop_has_the_share_of_its_sign(self, q: float, r: float) -> None:
        lone = {"a": {"rule": f"{q}*b[t-1]"}, "b": {"rule": f"b[t-1] + {r}*a[t-1]", "initial": 3}}
        lone["a"]["initial"] = 1
        found = loop_shares(model(lone), steps=8)
        assert found.loops == (("a", "b"),)
        known = found.shares[0][~np.isnan(found.shares[0])]
        assert len(known) > 0
        assert known == pytest.approx(np.full(len(known), np.sign(q * r)))

    @given(st.lists(slopes, min_size=1, max_size=4))
    @settings(max_examples=30, deadline=None)
    def test_flows_of_one_stock_share_as_their_slopes(self, rates: list[float]) -> None:
        flows = {f"f{i}": {"rule": f"{c!r}*x[t]"} for i, c in enumerate(rates)}
        total = " + ".join(f"{name}[t-1]" for name in flows)
        stock = {"x": {"rule": f"x[t-1] + {total}", "initial": 2}}
        found = loop_shares(model(flows | stock), steps=4)
        size = sum(map(abs, rates))
        if abs(sum(rates)) < 1e-3:
            return  # at rest
        for name, c in zip(flows, rates, strict=True):
            assert share_of(found, name, "x") == pytest.approx(np.full(4, c / size), abs=1e-6)

    @pytest.mark.parametrize("scale", [0.01, 7.0])
    def test_units_are_not_seen(self, scale: float) -> None:
        lorenz = load("lorenz")
        rescaled = lorenz.model_dump()
        rescaled["variables"]["a"] |= {"flow": f"{scale}*sigma*(b - a/{scale})", "initial": scale}
        rescaled["variables"]["b"] |= {"flow": f"a/{scale}*(rho - c) - b"}
        rescaled["variables"]["c"] |= {"flow": f"a/{scale}*b - beta*c"}
        one = loop_shares(lorenz, steps=60)
        other = loop_shares(Model(**{k: v for k, v in rescaled.items() if k != "facts"}), steps=60)
        assert one.loops == other.loops
        assert np.nan_to_num(other.shares) == pytest.approx(np.nan_to_num(one.shares), abs=1e-7)

    def test_sizes_of_a_partition_sum_to_one(self) -> None:
        found = loop_shares(load("lorenz"), steps=200)
        assert np.abs(found.shares).sum(axis=0) == pytest.approx(np.ones(200))
        assert len(found.loops) == 6

    def test_every_loop_is_a_cycle_of_the_flow(self) -> None:
        """a reads b; b reads a, c; c reads a, b; each reads itself: counted by hand."""
        assert {loop_text(loop) for loop in loop_shares(load("lorenz"), steps=3).loops} == {
            "a -> a",
            "b -> b",
            "c -> c",
            "a -> b -> a",
            "b -> c -> b",
            "a -> c -> b -> a",
        }

    def test_at_rest_there_is_nothing_to_share(self) -> None:
        found = loop_shares(load("base_optimizer"), initial={"theta": 3}, steps=5)
        assert (found.status == "at_rest").all()
        assert np.isnan(found.shares).all()
        assert "at rest" in repr(found)
        assert found.to_dict()["loops"][0]["share"] == [None] * 5


TWO: dict[str, object] = {
    "x": {"rule": "x[t-1] - 0.1*u[t-1]", "initial": 1},
    "u": {"rule": "x[t]"},
    "y": {"rule": "y[t-1] - 0.3*v[t-1] + 0.1*x[t-1]", "initial": 1},
    "v": {"rule": "y[t]"},
}


def test_a_change_that_is_rounding_is_none() -> None:
    """Two clocks in step: each reads how far apart they are, which moves by rounding alone."""
    apart = "0.2*(x[t-1] - y[t-1] + 0.3)"
    clocks = {
        "x": {"rule": f"x[t-1] + 0.1 - {apart}", "initial": 0},
        "y": {"rule": f"y[t-1] + 0.1 + {apart}", "initial": 0.3},
    }
    assert (loop_shares(model(clocks), steps=20).status == "at_rest").all()


class TestThrough:
    def test_only_loops_that_reach_m_count(self) -> None:
        found = loop_shares(model(TWO), steps=9)
        assert found.through("u", target="x") == pytest.approx(np.ones(9))
        assert found.through("v", target="x") == pytest.approx(np.zeros(9))
        both = found.through("u", target="y") + found.through("v", target="y")
        assert both == pytest.approx(np.ones(9))

    def test_balancing_is_signed(self) -> None:
        found = loop_shares(model(TWO), steps=9)
        assert found.balancing("u, v") == pytest.approx(np.ones(9))
        assert loop_shares(load("amplifier"), steps=9).balancing() == pytest.approx(-np.ones(9))

    def test_without_a_set_it_says_so(self) -> None:
        with pytest.raises(QuestionError, match="say hold"):
            loop_shares(model(TWO), steps=4).through()
        with pytest.raises(QuestionError, match="whole variables"):
            loop_shares(model(TWO), steps=4).through("u[2]")


class TestRefusals:
    def test_two_lags(self) -> None:
        delayed = model({"u": {"rule": "u[t-1] - 0.1*u[t-2]", "initial": [1, 1]}})
        with pytest.raises(
            QuestionError, match=r"'u' reads 'u' at two lags \(u\[t-1\], u\[t-2\]\)"
        ):
            loop_shares(delayed, steps=5)

    def test_a_value_between_steps(self) -> None:
        flows = {"x": {"flow": "y", "initial": 1}, "y": {"flow": "-x[time - 0.015]", "initial": 0}}
        late = model(flows, dt=0.01, method="euler")
        with pytest.raises(QuestionError, match="choose dt so that its lags in time are whole"):
            loop_shares(late, steps=9)
        assert loop_shares(late.replace(dt=0.005), steps=9).loops == (("x", "y"),)

    def test_labels_have_no_differences(self) -> None:
        with pytest.raises(QuestionError, match="takes labels, not numbers"):
            loop_shares(load("thermostat_smart"), steps=3)

    def test_no_time_and_too_short(self) -> None:
        with pytest.raises(QuestionError, match="has no time"):
            loop_shares(load("amortized"))
        with pytest.raises(QuestionError, match="give more steps"):
            loop_shares(load("thermostat"), steps=0)

    def test_arrays_are_to_be_written_out(self) -> None:
        with pytest.raises(QuestionError, match=r"causalopt\.expand"):
            loop_shares(load("lorenz96"), steps=3)

    def test_too_many_loops(self) -> None:
        names = [f"x{i}" for i in range(9)]
        every = " + ".join(f"{name}[t-1]" for name in names)
        dense = model({name: {"rule": f"0.1*({every})", "initial": 1} for name in names})
        with pytest.raises(SizeError, match="more than 10,000 loops"):
            loop_shares(dense, steps=3)


def test_an_integrator_of_higher_order_is_scored_by_its_flow() -> None:
    """W is rk4's; along it, the net flow's change is that of the flow."""
    lorenz = load("lorenz").replace(method="rk4", dt=0.001)
    found = loop_shares(lorenz, steps=50)
    w = world(lorenz, steps=50)
    a, b = (np.asarray(w[name]) for name in "ab")
    flow = 10 * (b - a)
    expected = -np.abs(10 * np.diff(a) / np.diff(flow))
    assert found.links["a", "a"][1:] == pytest.approx(expected[1:], rel=1e-6)


def test_the_dataset_is_labelled_and_the_picture_drawn() -> None:
    found = loop_shares(load("lorenz"), steps=30)
    data = found.dataset
    assert data["share"].dims == ("loop", "t")
    assert data.sel(loop="a -> b -> a")["score"].values == pytest.approx(
        found.links["a", "b"] * found.links["b", "a"]
    )
    assert data.attrs["model"] == "lorenz"
    assert len(found.plot().axes[0].collections) >= 6
