"""Passages of models: against walkers, closed forms, integral equations and other grids."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats

from causalopt import Transitions, load, parse_model, transitions
from causalopt.cli import main
from causalopt.descents.chain import chain_of
from causalopt.descents.maps.random_map import RandomMap
from causalopt.descents.transfer.grid import Box
from causalopt.descents.transitions.divided_operator import divided_axes, divided_operator
from causalopt.descents.transitions.state_sets import Division, StateSet, read_set
from causalopt.descents.transitions.transition_counts import (
    Counted,
    count_committor,
    count_transitions,
)
from causalopt.descents.transitions.transition_paths import solve_level
from causalopt.descents.walkers.first_passage import first_passage
from causalopt.errors import QuestionError
from tests.descents.chains import PIT_EDGE, PIT_START, basins

PIT = load("sgd_pit")
OUT = {"origin": "W < 1.05", "destination": f"W > {PIT_EDGE}", "restart": True}
SWIRL = {"origin": "(u+0.5)**2+(v+0.2)**2 < 0.02", "destination": "(u-0.5)**2+(v-0.2)**2 < 0.02"}
WALKERS = 1_000_000

WALK = """
name: walk
parameters: {up: 1}
variables:
  pick: {noise: {0: 3/8, 1: 5/8}}
  W: {rule: "clip(W[t-1] + where(pick[t] == 1, up, -1), -1, 13)", initial: 5}
"""

WAIT = """
name: wait
variables:
  pick: {noise: {0: 1/2, 1: 1/4, 2: 1/4}}
  W:
    rule: "where(W[t-1] < 0.5, 1, where(W[t-1] > 1.5, 0, where(pick[t] == 2, 1, 2*pick[t])))"
    initial: 1
"""


def agrees(value: float, error: float, counted: Counted) -> bool:
    """Whether a number is within three standard errors of a count, and within its own error."""
    return abs(value - counted.value) <= 3 * counted.error + error


@pytest.fixture(scope="module")
def pit() -> Transitions:
    return transitions(PIT, **OUT, parameters={"T": 0.015})


@pytest.fixture(scope="module")
def swirl() -> Transitions:
    return transitions(load("sgd_swirl"), **SWIRL)


@pytest.fixture(scope="module")
def wells() -> Transitions:
    changed = {"width_left": 0.9, "T": 0.3}
    asked = {"origin": "W < -2", "destination": "W > 2"}
    return transitions(load("sgd_basins"), **asked, parameters=changed)


@pytest.mark.parametrize("place", [1.08, 1.12, 1.15, 1.17, 1.19])
def test_the_pit_s_committor_is_the_share_of_a_million_walkers(pit, place):
    operator = pit.level.operator
    how = {"walkers": WALKERS, "limit": 20_000, "seed": 3, "workers": 2}
    counted = count_committor(operator.chain, operator.division, np.array([place]), **how)
    nearest = int(np.argmin(np.abs(pit.axes[0] - place)))
    assert agrees(pit.committor_at(place), pit.forward_error[nearest], counted)
    assert 3 * counted.error < 0.2 * counted.value  # a committor that is off would be seen


def test_the_pit_s_mean_passage_is_that_of_walkers(pit):
    start = np.full((1, 200_000), PIT_START)
    chain, there = pit.level.operator.chain, pit.level.operator.division.destination.holds
    steps = first_passage(chain, start, there, limit=60_000, seed=6, workers=2)
    assert steps.min() > 0
    counted = Counted(float(steps.mean()), float(steps.std() / np.sqrt(len(steps))))
    assert agrees(pit.mean_passage, pit.errors[3], counted)
    assert pit.status == "ok"


def stationary_start(found: Transitions, count: int, seed: int) -> np.ndarray:
    nodes = found.level.operator.points()
    rng = np.random.default_rng(seed)
    law = found.law.ravel()
    return nodes[:, rng.choice(len(law), count, p=law / law.sum())]


@pytest.mark.parametrize(
    ("name", "walkers", "burn"), [("wells", WALKERS, 400), ("swirl", 40_000, 700)]
)
def test_flux_share_and_mean_passage_are_those_of_walkers(name, walkers, burn, request):
    found = request.getfixturevalue(name)
    operator = found.level.operator
    start = stationary_start(found, walkers, 1)
    counted = count_transitions(
        operator.chain, operator.division, start, steps=100, burn=burn, seed=2, workers=2
    )
    assert counted.arrivals > 1000
    for place, number in enumerate(("flux", "share", "mean_passage"), start=1):
        assert agrees(getattr(found, number), found.errors[place], getattr(counted, number)), number


def test_the_committor_in_the_plane_is_that_of_a_million_walkers(swirl):
    operator = swirl.level.operator
    for point in ((0.1, 0.1), (-0.3, 0.2)):
        counted = count_committor(
            operator.chain, operator.division, np.array(point), walkers=WALKERS, limit=5000, seed=4
        )
        assert agrees(swirl.committor_at(*point), 0.002, counted)


def test_the_reactive_density_is_where_walkers_on_their_way_are(wells):
    # Time-reversed committors are counted without formula: follow walkers, keep what came from the
    # origin and reaches the destination.
    chain, division = wells.level.operator.chain, wells.level.operator.division
    states, seed_steps, burn = stationary_start(wells, 100_000, 5), 300, 100
    rng = np.random.default_rng(9)
    path = [states]
    for _ in range(seed_steps):
        images = chain.images(path[-1])
        picks = rng.random(states.shape[1]) < chain.probabilities[0]
        path.append(np.where(picks, images[0], images[1]))
    labels = np.stack([division.labels(x) for x in path])
    last, following = labels.copy(), labels.copy()
    for step in range(1, len(path)):
        last[step] = np.where(labels[step] == 0, last[step - 1], labels[step])
        back = len(path) - 1 - step
        following[back] = np.where(labels[back] == 0, following[back + 1], labels[back])
    middle = slice(burn, len(path) - burn)
    way = (last == 1) & (following == 2) & (labels == 0)
    counts = way[middle].mean(axis=0)
    density = wells.density.sum() - wells.density[wells.labels != 0].sum()
    error = counts.std() / np.sqrt(len(counts))
    assert abs(counts.mean() - density) < 3 * error + 0.02 * density
    assert error < 0.08 * density


def test_an_integer_walk_is_the_gamblers_ruin_to_the_last_digit():
    model = parse_model(WALK)
    chain, r = chain_of(model), 3 / 5
    sets = [read_set(model, ("W",), text, "a set") for text in ("W < 0.5", "W > 9.5")]
    axes = (np.arange(-1.0, 14.0),)
    operator = divided_operator(chain.step, Division(*sets), axes, is_final=False)
    level = solve_level(operator, (5.0,), restart=False)
    assert level.scalars[0] == pytest.approx((1 - r**5) / (1 - r**10), rel=1e-9)
    # Between nodes, with errors that say so.
    found = transitions(model, origin="W < 0.5", destination="W > 9.5", span={"W": (-2, 14)})
    assert abs(found.committor - level.scalars[0]) <= found.errors[0]
    assert found.committor_at(1.0) == pytest.approx((1 - r) / (1 - r**10), abs=1e-3)


def test_an_autoregression_passes_in_the_time_its_integral_equation_gives():
    # W' = a W + e with normal e: tau(x) = 1 + E tau(a x + e) below the level, by the Nystrom method
    # on Gauss-Legendre nodes, which knows no grid of the chain's.
    a, sigma, level, start, low = 0.8, 0.4, 1.1, -0.5, -3.2
    nodes, weights = np.polynomial.legendre.leggauss(300)
    x, w = low + (level - low) * (nodes + 1) / 2, weights * (level - low) / 2
    kernel = stats.norm.pdf((x - a * x[:, np.newaxis]) / sigma) / sigma * w
    tau = np.linalg.solve(np.eye(300) - kernel, np.ones(300))
    exact = 1 + float(stats.norm.pdf((x - a * start) / sigma) / sigma * w @ tau)
    # The chain draws e from a fine lattice with the normal law's weights.
    offsets = np.linspace(-5, 5, 401)
    shares = stats.norm.pdf(offsets) / stats.norm.pdf(offsets).sum()
    maps = tuple((lambda W, e=e: a * W + sigma * e) for e in offsets)
    chain = RandomMap(maps, tuple((shares / shares.sum()).tolist()))
    sets = StateSet("W < 0", lambda W: W[0] < 0), StateSet("W > 1.1", lambda W: W[0] > level)
    box = Box((-10.5,), (10.5,), closed=True)
    axes = divided_axes(chain, Division(*sets), box, 1600, (start,))
    operator = divided_operator(chain, Division(*sets), axes, is_final=True)
    found = solve_level(operator, (start,), restart=True).flow.mean_passage
    assert found == pytest.approx(exact, rel=5e-3)


def test_the_flux_is_the_same_through_random_lines_and_surfaces(wells, swirl):
    rng = np.random.default_rng(3)
    for threshold in rng.uniform(-1.9, 1.9, 20):
        assert wells.flux_through(wells.axes[0] < threshold) == pytest.approx(wells.flux, rel=1e-7)
    inside = (rng.random(swirl.labels.shape) < 0.5) | (swirl.labels == 1)
    inside &= swirl.labels != 2
    assert swirl.flux_through(inside) == pytest.approx(swirl.flux, rel=1e-6)
    with pytest.raises(QuestionError, match="all of the origin on its inside"):
        wells.flux_through(wells.axes[0] < -3)


def test_the_way_back_has_the_same_flux_and_the_rest_of_the_time(wells):
    changed = {"width_left": 0.9, "T": 0.3}
    back = transitions(load("sgd_basins"), origin="W > 2", destination="W < -2", parameters=changed)
    assert back.flux == pytest.approx(wells.flux, rel=1e-4)
    assert back.share + wells.share == pytest.approx(1, abs=1e-4)
    assert back.committor_at(0.3) == pytest.approx(1 - wells.committor_at(0.3), abs=1e-6)


def test_equal_wells_share_everything():
    division = Division(
        StateSet("left", lambda W: W[0] < -2), StateSet("right", lambda W: W[0] > 2)
    )
    chain = basins(0.3)
    box = Box((-7.0,), (7.0,), closed=True)
    axes = divided_axes(chain, division, box, 1001, (0.0,))
    level = solve_level(
        divided_operator(chain, division, axes, is_final=False), (0.0,), restart=False
    )
    assert level.scalars[0] == pytest.approx(0.5, abs=1e-6)
    assert level.scalars[2] == pytest.approx(0.5, abs=1e-6)


def test_the_stated_errors_hold_on_finer_grids():
    found = transitions(PIT, **OUT, nodes=1024)
    fine = transitions(PIT, **OUT, nodes=16384)
    assert np.all(np.abs(found.level.scalars - fine.level.scalars) <= found.errors)
    for place in (1.1, 1.15, 1.18):
        nearest = int(np.argmin(np.abs(found.axes[0] - place)))
        gap = abs(found.forward[nearest] - fine.committor_at(float(found.axes[0][nearest])))
        assert gap <= 2 * found.forward_error[nearest] + 1e-4


def test_a_grid_too_coarse_is_said_to_be():
    found = transitions(PIT, **OUT, parameters={"T": 0.01}, nodes=128)
    assert found.status == "unresolved"
    assert "ask for more nodes" in found.note
    fine = transitions(PIT, **OUT, parameters={"T": 0.01})
    assert np.all(np.abs(found.level.scalars - fine.level.scalars) <= found.errors)


def test_a_passage_too_rare_for_floats_is_said_to_be():
    found = transitions(
        load("sgd_basins"), origin="W > 2", destination="W < -2", parameters={"T": 0.06}
    )
    assert found.status == "unresolved"


def test_an_edge_at_right_angles_has_a_node_on_either_side():
    chain = chain_of(load("sgd_swirl"))
    division = Division(
        read_set(load("sgd_swirl"), chain.step.names, "u < -0.4 and v < -0.1", "the origin"),
        read_set(load("sgd_swirl"), chain.step.names, "u + v > 1", "the destination"),
    )
    low, high = np.array([-2.0, -1.0]), np.array([2.0, 1.0])
    assert division.straight_edges(low, high, 0) == pytest.approx([-0.4], abs=1e-12)
    assert division.straight_edges(low, high, 1) == pytest.approx([-0.1], abs=1e-12)
    axes = divided_axes(chain.step, division, Box((-2, -1), (2, 1), True), 40, (0.5, 0.5))
    for line, edge in zip(axes, (-0.4, -0.1), strict=True):
        assert np.any((line < edge) & (line > edge - 1e-8))
        assert np.any((line > edge) & (line < edge + 1e-8))


def test_no_mass_is_shared_across_an_edge():
    chain = RandomMap((lambda W: W + 0.3,), (1.0,))
    division = Division(StateSet("low", lambda W: W[0] < 1), StateSet("high", lambda W: W[0] > 2))
    axes = (np.linspace(0, 3, 13),)
    operator = divided_operator(chain, division, axes, is_final=True)
    rows = operator.matrix.toarray()
    for i, x in enumerate(axes[0]):
        if x < 2:
            label = division.labels(np.array([[x + 0.3]]))[0]
            assert rows[i][operator.labels != label].sum() == 0
    assert rows.sum(axis=1) == pytest.approx(1)


def test_corners_that_no_walker_visits_may_lead_out_of_the_grid():
    # Beyond 2 the walk runs away, but from 0 it never gets past 1.5.
    text = """
name: shelf
variables:
  pick: {noise: bernoulli(1/2)}
  W:
    rule: "where(abs(W[t-1]) < 2, 0.8*W[t-1] + where(pick[t] == 1, 0.3, -0.3), 3*W[t-1])"
    initial: 0
"""
    asked = {"origin": "W < -0.7", "destination": "W > 0.7"}
    wide = transitions(parse_model(text), **asked, span={"W": (-3, 3)})
    tight = transitions(parse_model(text), **asked)
    assert np.nansum(wide.level.operator.leak) > 0
    gap = wide.errors[3] + tight.errors[3]
    assert abs(wide.mean_passage - tight.mean_passage) <= gap < 0.1 * tight.mean_passage


class TestWhatCannotBeAsked:
    def test_sets_that_overlap(self):
        with pytest.raises(QuestionError, match=r"the sets overlap: .* lies in 'W < 1.3' and in"):
            transitions(PIT, origin="W < 1.3", destination="W > 1.2")

    def test_a_set_without_a_node(self):
        with pytest.raises(QuestionError, match="'W > 5' holds no node of the grid"):
            transitions(PIT, origin="W < 1.05", destination="W > 5", restart=True)

    def test_no_room_between(self):
        with pytest.raises(QuestionError, match="leave room between the sets"):
            transitions(PIT, origin="W < 1.2", destination="W >= 1.2", restart=True)

    def test_no_way_there(self):
        asked = {"span": {"W": (0.9, 2.1)}, "initial": {"W": 1.9}, "restart": True}
        with pytest.raises(QuestionError, match="never arrive"):
            transitions(PIT, origin="W > 1.8", destination="W < 1.5", **asked)
        with pytest.raises(QuestionError, match=r"no way leads from 'W > 1.8' to 'W < 1.5'"):
            transitions(PIT, origin="W > 1.8", destination="W < 1.5", span={"W": (0.9, 2.1)})

    def test_no_way_back(self):
        with pytest.raises(QuestionError, match=r"no way leads back .* ask with --restart"):
            transitions(PIT, origin="W < 1.05", destination="W > 1.2")

    def test_all_end_elsewhere(self):
        # Both ways are open, but the walk is caught in the end at the trap in the middle.
        text = """
name: caught
variables:
  pick: {noise: bernoulli(1/2)}
  W:
    rule: >-
      where(abs(W[t-1]) < 0.5, 0, where(pick[t] == 1, W[t-1]/2, clip(-1.7*W[t-1], -3, 3)))
    initial: 2
"""
        with pytest.raises(QuestionError, match="all end elsewhere and stay"):
            transitions(parse_model(text), origin="W < -1", destination="W > 1")

    def test_mass_that_leaves(self):
        with pytest.raises(
            QuestionError, match=r"walkers leave the grid: from W = .* widen --span"
        ):
            transitions(
                load("sgd_basins"), origin="W < -2", destination="W > 2", span={"W": (-3, 3)}
            )

    def test_a_walk_without_end(self):
        text = WALK.replace("clip(", "(").replace(", -1, 13)", ")")
        with pytest.raises(QuestionError, match=r"no box was found .* --span W=LO:HI"):
            transitions(parse_model(text), origin="W < 0", destination="W > 9")

    def test_a_restart_outside_the_origin(self):
        with pytest.raises(QuestionError, match=r"the start .* lies outside 'W < 1'"):
            transitions(PIT, origin="W < 1", destination="W > 1.2", restart=True)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("W", "takes a condition on W such as W < 1; 'W' is a number"),
            ("V < 1", "column 1: unknown name 'V'"),
            ("W < ", "the text ends too early"),
            ("W[t-1] < 1", "write W without a step here"),
        ],
    )
    def test_a_text_that_is_no_set(self, text, message):
        with pytest.raises(QuestionError) as caught:
            transitions(PIT, origin=text, destination="W > 1.2")
        assert message in str(caught.value)
        assert "the origin" in str(caught.value)

    def test_a_span_of_another_coordinate_or_upside_down(self):
        asked = {"origin": "W < 1", "destination": "W > 1.2"}
        with pytest.raises(QuestionError, match="--span names 'V', which is no coordinate"):
            transitions(PIT, span={"V": (0, 1)}, **asked)
        with pytest.raises(QuestionError, match="LO < HI"):
            transitions(PIT, span={"W": (1, 0)}, **asked)

    def test_too_few_nodes(self):
        with pytest.raises(QuestionError, match="at least 16 nodes"):
            transitions(PIT, **OUT, nodes=8)

    def test_a_point_with_another_number_of_coordinates(self, pit):
        with pytest.raises(QuestionError, match=r"1 coordinates \(W\); 2 came"):
            pit.committor_at(1.0, 2.0)

    def test_a_point_outside_the_grid(self, pit):
        with pytest.raises(QuestionError, match="W = 7 lies outside the grid"):
            pit.committor_at(7.0)

    def test_walkers_that_are_not_done(self, pit):
        operator = pit.level.operator
        with pytest.raises(QuestionError, match="have reached neither set after 3 steps"):
            count_committor(
                operator.chain, operator.division, np.array([1.1]), walkers=99, limit=3, seed=0
            )


def test_parameters_may_be_named_in_a_set():
    found = transitions(PIT, **OUT | {"origin": "W < 1 + 2.5*T"})
    assert found.mean_passage == pytest.approx(transitions(PIT, **OUT).mean_passage, rel=1e-3)


def test_the_dataset_holds_everything_with_its_labels(swirl, tmp_path):
    import xarray

    data = swirl.dataset
    assert data.forward.dims == ("u", "v")
    assert data.current.dims == ("direction", "u", "v")
    assert float(data.law.sum()) == pytest.approx(1)
    assert float(data.mean_passage) == swirl.mean_passage
    assert float(data.mean_passage_error) == swirl.errors[3]
    assert data.attrs["origin"] == SWIRL["origin"]
    half = data.forward.sel(u=0.0, v=0.0, method="nearest")
    assert float(half) == pytest.approx(0.5, abs=0.02)
    swirl.save(tmp_path / "swirl.nc")
    with xarray.open_dataset(tmp_path / "swirl.nc") as read:
        assert read.forward.equals(data.forward)


def test_the_reactive_current_points_from_origin_to_destination(swirl, wells):
    assert np.all(swirl.vectors.sum(axis=(1, 2)) > 0)
    assert wells.vectors.sum() > 0


def test_what_is_printed_says_question_numbers_and_status(pit):
    text = repr(pit)
    assert text.startswith(f"sgd_pit: from W < 1.05 to W > {PIT_EDGE}, begun anew on arrival")
    assert f"mean passage, steps: {pit.mean_passage:.6g}" in text
    assert pit.to_dict()["mean_passage"]["error"] == pit.errors[3]


@pytest.mark.parametrize("name", ["pit", "swirl"])
def test_figures_show_sets_committors_and_the_mean_passage(name, request):
    found = request.getfixturevalue(name)
    figure = found.plot()
    figure.draw_without_rendering()
    assert f"{found.mean_passage:.4g} steps" in figure.get_suptitle()
    if name == "pit":
        upper, lower = figure.axes
        lines = {line.get_label(): line for line in upper.get_lines()}
        assert np.array_equal(lines["q+, the destination is next"].get_ydata(), found.forward)
        assert lower.get_xlabel() == "W"
    else:
        # White on the destination's yellow, and under arrows, names are read by their edges.
        names = [text for axes in figure.axes for text in axes.texts]
        assert [text.get_text() for text in names] == ["origin", "destination"] * 2
        assert all(text.get_path_effects() for text in names)


class TestTheCommand:
    WORDS = ("transitions", "sgd_pit", "--from", "W < 1.05", "--to", f"W > {PIT_EDGE}", "--restart")

    def test_prints_what_the_function_returns(self, capsys):
        assert main([*self.WORDS]) == 0
        assert capsys.readouterr().out == repr(transitions(PIT, **OUT)) + "\n"

    def test_prints_strict_json(self, capsys):
        assert main([*self.WORDS, "--json", "--nodes", "512", "--span", "W=0.9:2.1"]) == 0
        found = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
        same = transitions(PIT, **OUT, nodes=512, span={"W": (0.9, 2.1)})
        assert found == json.loads(json.dumps(same.to_dict()))
        assert found["from"] == "W < 1.05"
        assert set(found["mean_passage"]) == {"value", "error"}

    def test_writes_a_figure_and_a_dataset(self, tmp_path):
        figure, store = tmp_path / "pit.svg", tmp_path / "pit.nc"
        assert main([*self.WORDS, "--plot", str(figure), "--out", str(store)]) == 0
        assert "<svg" in figure.read_text()
        assert store.stat().st_size > 10_000

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (["--span", "W:1"], "--span takes VAR=LO:HI"),
            (["--out", "pit.txt"], ".csv, .json, .nc, .parquet or .zarr"),
            (["--set", "T=0"], "the learning rate T is positive"),
            (["--nodes", "3"], "at least 16 nodes"),
        ],
    )
    def test_refuses_wrong_input_with_exit_code_2(self, words, message, capsys):
        assert main([*self.WORDS, *words]) == 2
        assert message in capsys.readouterr().err

    def test_tells_errors_in_json(self, capsys):
        words = ["transitions", "sgd_pit", "--from", "W < 2", "--to", "W > 1", "--json"]
        assert main(words) == 2
        assert "the sets overlap" in json.loads(capsys.readouterr().out)["error"]["message"]


def test_a_walker_that_waits_between_the_sets_has_the_committor_of_its_last_step() -> None:
    """From 1 to 0, to 2 or to stay, with 1/2, 1/4, 1/4: q+ = (1/4) / (3/4); from 0 it takes 7."""
    found = transitions(parse_model(WAIT), origin="W < 0.5", destination="W > 1.5")
    assert found.committor_at(1) == pytest.approx(1 / 3, rel=1e-12)
    assert found.mean_passage == pytest.approx(7, rel=1e-9)
    assert found.status == "ok"
