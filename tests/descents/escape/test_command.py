"""causalopt escape, as another program calls it."""

from __future__ import annotations

import json

import pytest

from causalopt.cli import main

QUESTION = ["escape", "sgd_pit", "--start", "1.0036974", "--beyond", "1.1959565"]


def asked(capsys, *words):
    code = main([*QUESTION, *words, "--json"])
    captured = capsys.readouterr()
    return code, json.loads(captured.out)


@pytest.mark.parametrize("method", ["operator", "ensemble", "diffusion"])
def test_json_lists_keep_the_order_asked(capsys, method):
    code, found = asked(
        capsys, "--within", "100,20", "--method", method, "--set", "T=0.02", "--walkers", "20000"
    )
    assert code == 0
    assert found["method"] == method
    assert found["within"] == [100, 20]
    assert len(found["probability"]) == len(found["error"]) == 2
    assert found["probability"][0] > found["probability"][1]


def test_one_number_of_steps_gives_lists_of_one(capsys):
    code, found = asked(capsys, "--within", "100", "--set", "T=0.015")
    assert code == 0
    assert found["probability"] == pytest.approx([0.03241], abs=2e-5)


def test_the_seed_decides_the_walkers(capsys):
    words = ["--within", "50", "--method", "ensemble", "--walkers", "3000"]
    first = asked(capsys, *words, "--seed", "7")[1]
    again = asked(capsys, *words, "--seed", "7")[1]
    other = asked(capsys, *words, "--seed", "8")[1]
    assert first == again
    assert first["probability"] != other["probability"]


def test_people_get_a_table(capsys):
    assert main([*QUESTION, "--within", "100"]) == 0
    out = capsys.readouterr().out
    assert "P(W > 1.19596 at step N | start 1.0037)" in out
    assert "by operator" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--within", "100", "--set", "T=0"], "learning rate T is positive"),
        (["--within", "ten"], "whole numbers of steps"),
        (["--within", "-5"], "one or more numbers of steps"),
        (["--within", "5", "--method", "magic"], "--method is one of"),
        (["--within", "5", "--walkers", "0", "--method", "ensemble"], "at least one walker"),
        (["--within", "5", "--target", "Q"], "'Q' is not carried"),
        (["--within", "5", "--set", "S=1"], "S"),
        (["--within", "5", "--seed", "-1", "--method", "ensemble"], "a seed is an integer"),
    ],
)
def test_wrong_input_is_one_message_and_code_2(capsys, words, message):
    code, found = asked(capsys, *words)
    assert code == 2
    assert message in found["error"]["message"]


def test_a_start_on_the_level_is_refused(capsys):
    words = ["escape", "sgd_pit", "--start", "1", "--beyond", "1", "--within", "5", "--json"]
    assert main(words) == 2
    assert "on the level itself" in capsys.readouterr().out


def test_a_grid_asks_at_every_point_and_draws(capsys, tmp_path):
    file = tmp_path / "curve.png"
    code, found = asked(
        capsys, "--within", "20,40", "--grid", "T=0.015:0.025:3", "--plot", str(file)
    )
    assert code == 0
    assert found["T"] == pytest.approx([0.015, 0.02, 0.025])
    single = asked(capsys, "--within", "20,40", "--set", "T=0.02")[1]
    assert found["probability"][1] == pytest.approx(single["probability"], rel=1e-6)
    assert file.stat().st_size > 1000


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--grid", "T"], "--grid takes NAME=LO:HI:COUNT"),
        (["--grid", "T=0:0.02:3"], "learning rate T is positive"),
    ],
)
def test_wrong_grids_are_refused(capsys, words, message):
    code, found = asked(capsys, "--within", "5", *words)
    assert code == 2
    assert message in found["error"]["message"]


@pytest.mark.parametrize(
    ("model", "show", "words"),
    [
        ("sgd_pit", "losses", []),
        ("sgd_pit", "gradients", []),
        ("sgd_well", "trajectories", ["--steps", "20"]),
        ("sgd_linear", "laws", ["--law", "1:0.1", "--steps", "10"]),
        ("sgd_spread", "moments", ["--law", "0:0.1", "--steps", "20"]),
        ("sgd_pit", "steps", ["--beyond", "1.1959565", "--temperatures", "0.015:0.02"]),
        ("sgd_swirl", "current", ["--span", "-1.5:1.5"]),
        ("sgd_well", "op", ["--steps", "10", "--temperatures", "0.05:0.5"]),
    ],
)
def test_every_picture_of_descent_is_written(tmp_path, model, show, words):
    file = tmp_path / "picture.svg"
    assert main(["descent", model, "--show", show, "--out", str(file), *words]) == 0
    assert file.read_text().startswith("<?xml")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--show", "nothing", "--out", "x.png"], "--show is one of"),
        (["--show", "steps", "--out", "x.png"], "need the level"),
        (["--show", "laws", "--out", "x.png", "--span", "0"], "--span takes two numbers"),
        (["--show", "current", "--out", "x.png"], "two parameters"),
        (["--show", "laws", "--out", "x.txt"], "must end in"),
    ],
)
def test_pictures_that_cannot_be_are_refused(capsys, words, message):
    assert main(["descent", "sgd_pit", *words]) == 2
    assert message in capsys.readouterr().err
