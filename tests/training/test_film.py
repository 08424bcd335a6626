"""The film of a training: Op of each frame is run's, intervals are Student's, the page is whole."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import scipy.stats

from causalopt import Film, Model, QuestionError, load, run, shapley, train, watch
from causalopt.cli import main
from causalopt.effects.student_interval import student_interval, student_quantile
from tests.chromium import chromium, executable
from tests.training.loops import jacobians_by_hand, regulated


@pytest.fixture(scope="module")
def film() -> Film:
    return watch(regulated(), seeds=3, frames=4, starts=4, permutations=6)


def test_op_of_a_frame_is_pooled_over_starts_by_hand(film: Film) -> None:
    """The Jacobian of all starts is block diagonal: squares of both kinds add up."""
    x = film.course  # t, frame, network, start, state
    for frame, update in enumerate(film.frames):
        for network, seed in enumerate((0, 1, 2)):
            weights = film.training.network(update, seed)
            sums = np.zeros(2)
            for start in range(4):
                found = jacobians_by_hand(
                    x[0, frame, network, start], weights["W"], weights["G"], 6, np.ones(3, bool)
                )
                sums += [np.sum(part**2) for part in found]
            by_hand = 0.5 * np.log(sums[1] / sums[0])
            assert film.op[frame, network] == pytest.approx(by_hand, abs=1e-12)


def test_a_single_start_s_op_is_run_s() -> None:
    model = load("cart_pole")
    training = train(model, seeds=[3], updates=4)
    found = watch(model, training=training, frames=3, starts=1, permutations=0, seed=8)
    for frame, update in enumerate(found.frames):
        alone = run(model, initial=training.network(update, 3), seed=8)
        np.testing.assert_allclose(found.op_course[:, frame, 0], alone.op, atol=1e-10)
        np.testing.assert_array_equal(found.course[:, frame, 0, 0], alone.W["theta"])


def test_frames_run_from_the_first_to_the_last_update_closer_at_the_start(film: Film) -> None:
    assert film.frames == (0, 1, 4, 8)
    assert film.op.shape == (4, 3)
    assert film.total.shape == (7, 4, 3, 4)


def test_every_frame_starts_from_the_same_places(film: Film) -> None:
    assert (film.course[0] == film.course[0, 0, 0]).all()
    assert len(np.unique(film.course[0, 0, 0], axis=0)) == 4


def weighted(gain: float) -> Model:
    """Return x <- 2x + a, a = -gain*x, with a weight that hardly moves."""
    rules = {
        "x": {"shape": [1], "rule": "2*x[t-1] + a[t-1]", "initial": "uniform(1, 2)"},
        "a": {"shape": [1], "rule": "-w[t]*x[t]"},
        "w": {"rule": "w[t-1]", "initial": gain},
        "cost": {"rule": "sum(x[t]**2)"},
    }
    return Model(
        name="weighted",
        variables=rules,
        question={"nudge": "x[0]", "hold": "a", "target": "x"},
        training={"loss": "cost", "by": ["w"], "steps": 1, "updates": 1, "rate": 1e-12},
    )


def test_op_goes_on_beyond_the_range_of_floats() -> None:
    film = watch(weighted(1.5), steps=1500, seeds=1, frames=2, starts=2, permutations=0)
    np.testing.assert_allclose(film.direct[-1], 1500 * np.log(2), rtol=1e-12)
    np.testing.assert_allclose(film.op, 1500 * np.log(4), rtol=1e-6)
    assert (film.status == "ok").all()


@pytest.mark.parametrize(
    ("gain", "op", "status"),
    [(2.0, np.inf, "unresolved"), (0.0, 0.0, "ok"), (1.9, np.log(20), "ok")],
)
def test_a_dead_beat_that_is_a_difference_is_no_proof_of_zero(
    gain: float, op: float, status: str
) -> None:
    model = weighted(gain)
    training = train(model, seeds=1, updates=1, rate=1e-300)
    film = watch(model, training=training, steps=1, frames=2, starts=2, permutations=0)
    np.testing.assert_allclose(film.op, op, rtol=1e-12)
    assert film.status.tolist() == [[status], [status]]


def test_where_a_is_the_only_way_or_nothing_is_the_status_says_so() -> None:
    rules = {
        "x": {"shape": [1], "rule": "x[t-1]", "initial": "uniform(1, 2)"},
        "a": {"shape": [1], "rule": "w[t]*x[t]"},
        "y": {"rule": "sum(a[t])"},
        "w": {"rule": "w[t-1]", "initial": 1},
        "cost": {"rule": "y[t]**2"},
    }
    training = {"loss": "cost", "by": ["w"], "updates": 1, "steps": 1}
    model = Model(name="only", variables=rules, training=training)
    for target, status in (("y", "only_path"), ("w", "no_influence")):
        film = watch(
            model, nudge="x[0]", hold="a", target=target, steps=2, seeds=1, frames=2, permutations=0
        )
        assert film.status.tolist() == [[status], [status]]


def test_what_only_rounding_leaves_is_unresolved() -> None:
    """0.1 + 0.2 - 0.3 is 5.6e-17: what is left of the nudge is no number."""
    rules = {
        "x": {"shape": [1], "rule": "0.3*x[t-1] + a[t-1]", "initial": "uniform(1, 2)"},
        "a": {"shape": [1], "rule": "-(0.1*w[t])*x[t] - (0.2*w[t])*x[t]"},
        "w": {"rule": "w[t-1]", "initial": 1},
        "cost": {"rule": "sum(x[t]**2)"},
    }
    model = Model(
        name="left",
        variables=rules,
        question={"nudge": "x[0]", "hold": "a", "target": "x", "steps": 1},
        training={"loss": "cost", "by": ["w"], "updates": 1, "rate": 1e-300},
    )
    film = watch(model, seeds=1, frames=2, starts=3, permutations=0)
    assert (film.status == "unresolved").all()
    assert film.to_dict()["status"] == [["unresolved"], ["unresolved"]]


def test_shares_of_a_frame_are_those_of_its_network(film: Film) -> None:
    for frame, update in enumerate(film.frames):
        for seed in (0, 1, 2):
            alone = shapley(film.model, initial=film.training.network(update, seed), permutations=6)
            np.testing.assert_allclose(film.attributions[frame][seed].values, alone.values)
    assert film.unshared == ""


def test_a_trained_model_is_measured_under_other_parameters() -> None:
    """The maze's network goes by the red thing too: with the door blue, Op is less."""
    model = load("learned_maze").replace(parameters={"offset": 0.05})
    training = train(model, seeds=3)
    red = watch(model, training=training, frames=2, permutations=0)
    blue = watch(model, training=training, frames=2, permutations=0, parameters={"train": 0})
    assert (red.op[-1] > 3.5).all()
    assert (red.op[-1] - blue.op[-1] > 1.5).all()
    assert red.performance is not None
    assert blue.performance is not None
    assert red.performance[-1].min() == 1
    assert blue.performance[-1].max() < 0.8


@pytest.mark.parametrize("degrees", [1, 2, 4, 19, 200])
@pytest.mark.parametrize("probability", [0.5, 0.9, 0.975, 0.9995])
def test_the_quantile_is_student_s(degrees: int, probability: float) -> None:
    wanted = scipy.stats.t.ppf(probability, degrees)
    assert student_quantile(probability, degrees) == pytest.approx(wanted, rel=1e-8, abs=1e-12)


def test_an_interval_covers_as_often_as_it_says() -> None:
    draws = np.random.default_rng(2).normal(3, 2, size=(20_000, 5))
    _, low, high = student_interval(draws)
    assert np.mean((low < 3) & (high > 3)) == pytest.approx(0.95, abs=0.006)


def test_one_seed_has_no_interval() -> None:
    mean, low, high = student_interval(np.array([[2.0], [3.0]]))
    assert mean.tolist() == [2, 3]
    assert np.isnan(low).all()
    assert np.isnan(high).all()
    told = watch(regulated(), seeds=1, updates=1, frames=2, permutations=0).to_dict()
    assert told["op_low"] == [None, None]


@pytest.mark.parametrize(
    "asked", [{"frames": 1}, {"starts": 0}, {"permutations": 1}, {"permutations": -1}]
)
def test_what_is_out_of_range_is_refused(asked: dict[str, int]) -> None:
    with pytest.raises(QuestionError, match="frames is from 2 up"):
        watch(regulated(), **asked)  # type: ignore[arg-type]


def test_a_single_part_is_not_shared_and_the_film_says_why() -> None:
    held = watch(regulated(), hold="h[unit=1]", seeds=1, updates=1, frames=2)
    assert held.attributions == ()
    assert "1 part" in held.unshared


def test_the_curve_has_a_line_a_seed_and_a_gap_where_op_is_infinite(film: Film) -> None:
    upper, lower = film.plot().axes
    curves = [line for line in upper.lines if len(line.get_xdata()) == len(film.frames)]
    assert len(curves) == 3 + 1
    np.testing.assert_array_equal(curves[-1].get_ydata(), film.op.mean(axis=1))
    assert lower.get_ylabel() == "cost"
    dead = watch(weighted(2.0), steps=1, seeds=2, frames=2, starts=2, permutations=0)
    drawn = [line.get_ydata() for line in dead.plot().axes[0].lines]
    assert any(np.isnan(values).all() for values in drawn)


def test_the_command_gives_strict_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "film.html"
    words = ["--seeds", "2", "--updates", "4", "--frames", "3", "--permutations", "4"]
    assert main(["watch", "cart_pole", *words, "--out", str(page), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["update"] == [0, 1, 4]
    assert len(told["op"]) == 3
    assert len(told["op"][0]) == 2
    assert told["performance"][0][0] <= 1
    assert told["out"] == str(page)
    whole = np.array(told["shapley"]).sum(axis=2)
    assert whole.shape == (3, 2)
    assert page.read_text().startswith("<!doctype html>")


def test_the_command_prints_a_line_a_frame(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--seeds", "2", "--updates", "4", "--frames", "3", "--permutations", "0"]
    assert main(["watch", "learned_maze", *words]) == 0
    text = capsys.readouterr().out
    assert len(re.findall(r"^ +[014] ", text, re.MULTILINE)) == 3


def test_a_model_without_training_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", "thermostat"]) == 2
    assert "what is 'thermostat' trained for?" in capsys.readouterr().err


def test_a_wrong_ending_is_refused_before_any_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["watch", "cart_pole", "--out", str(tmp_path / "film.png")]) == 2
    assert "must end in .html" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_title_cannot_end_the_page_s_script() -> None:
    evil = "</script><script>alert(1)</script>"
    model = Model(**{**regulated().model_dump(), "title": evil})
    text = watch(model, seeds=1, updates=1, frames=2, permutations=0).html()
    assert evil not in text
    assert text.count("<script") == 2


@pytest.mark.skipif(executable() is None, reason="needs Chromium")
def test_the_page_runs_in_a_browser_and_asks_for_nothing(film: Film, tmp_path: Path) -> None:
    film.save(tmp_path / "film.html")
    with chromium(tmp_path / "profile") as page:
        page.open(tmp_path / "film.html")
        assert page.value("document.querySelectorAll('#op path.thin, #op path.chosen').length") == 3
        assert (
            page.value("document.querySelectorAll('#shares rect.adds, #shares rect.takes').length")
            == 3
        )
        page.value(
            "(() => { const s = document.getElementById('frame'); s.value = 3;"
            "s.dispatchEvent(new Event('input')); })()"
        )
        text = page.value("document.getElementById('verdict').textContent")
        assert f"After {film.frames[3]} updates" in text
        assert f"{film.op[3].mean():.2f} nats" in text
        page.value(
            "(() => { const s = document.getElementById('network'); s.value = 2;"
            "s.dispatchEvent(new Event('change')); })()"
        )
        text = page.value("document.getElementById('verdict').textContent")
        assert f"of seed 2 {film.op[3, 2]:.2f}" in text
        page.click_on("#op")
        middle = page.value("causalopt.state.frame")
        assert film.frames[middle] == 4
        page.click_on("#play")
        assert page.value("document.getElementById('play').textContent") == "pause"
        assert page.thrown == []
        assert page.logged == []
        assert [u for u in page.requested if not u.startswith(("file:", "data:"))] == []
