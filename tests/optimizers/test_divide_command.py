"""`causalopt divide` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from causalopt import detect_optimizer, divide, division_stability, load
from causalopt.cli import main


def output(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["divide", *words]) == 0
    return capsys.readouterr().out


def strict(text: str) -> dict:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


def test_json_is_the_functions_results(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["pid_loop", "--price", "edge", "--cost", "2", "--share", "0.5", "--window", "9"]
    words += ["--starts", "4", "--seed", "3", "--within", "room=10:20", "--steps", "200"]
    found = strict(output(capsys, *words, "--json"))
    asked = {"steps": 200, "seed": 3}
    charged = {"price": "edge", "cost": 2.0, "window": 9}
    drawn = {"starts": 4, "within": {"room": (10.0, 20.0)}}
    model = load("pid_loop")
    own = divide(model, share=0.5, **charged, **asked).to_dict()
    assert {k: found[k] for k in own} == json.loads(json.dumps(own))
    stability = division_stability(model, **charged, **drawn, **asked).to_dict()
    assert found["stability"] == json.loads(json.dumps(stability))
    verdict = detect_optimizer(model, **drawn, **asked).to_dict()
    assert found["verdict"] == json.loads(json.dumps(verdict))


def test_without_starts_there_is_neither_stability_nor_verdict(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = strict(output(capsys, "thermostat", "--steps", "50", "--json"))
    assert found["stability"] is found["verdict"] is None
    text = output(capsys, "thermostat", "--steps", "50")
    assert "minimal sets that carry 0.9 of the best Op" in text
    assert "starting points" not in text


def test_options_reach_the_model(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["lorenz", "--set", "rho=0.8", "--method", "rk4", "--dt", "0.02", "--initial", "a=2"]
    words += ["--nudge", "b[0]", "--target", "b", "--steps", "40", "--among", "c", "--most", "7"]
    found = strict(output(capsys, *words, "--json"))
    model = load("lorenz").replace(parameters={"rho": 0.8}, method="rk4", dt=0.02, initial={"a": 2})
    own = divide(model, nudge="b[0]", target="b", steps=40, among=["c"], most=7)
    assert found["best"]["op"] == own.best.op
    assert found["core"] == ["c"]


def test_pictures_are_written(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    plot = tmp_path / "path.png"
    output(capsys, "thermostat", "--steps", "50", "--starts", "3", "--plot", str(plot))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["path-stability.png", "path.png"]
    assert all(p.read_bytes()[:4] == b"\x89PNG" for p in tmp_path.iterdir())


def test_no_set_compresses(capsys: pytest.CaptureFixture[str]) -> None:
    text = output(capsys, "lorenz", "--steps", "300", "--nudge", "b[0]", "--target", "c")
    assert "no set compresses" in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["thermostat", "--within", "R=1:2"], "say --starts"),
        (["thermostat", "--starts", "4", "--within", "R=1"], "VAR=LO:HI"),
        (["thermostat", "--starts", "4", "--within", "R=1:x"], "VAR=LO:HI"),
        (["thermostat", "--starts", "4", "--within", "R=1:2", "--within", "R=1:2"], "twice"),
        (["thermostat", "--starts", "4", "--within", "R=2:1"], "low < high"),
        (["thermostat", "--starts", "1"], "at least 2"),
        (["thermostat", "--among", "R"], "A holds neither n nor m"),
        (["thermostat", "--among", "Q"], "unknown variable 'Q'"),
        (["thermostat", "--share", "2"], "share must lie"),
        (["thermostat", "--cost", "-1"], "cost is a number"),
        (["thermostat", "--plot", "x.gif"], "must end in"),
        (["yeast_cell_cycle", "--nudge", "MBF[0]", "--target", "SBF"], "steps"),
        (
            ["thermostat_smart", "--nudge", "room[0]", "--target", "room", "--steps", "3"],
            "is a word",
        ),
    ],
)
def test_errors_are_one_message(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["divide", *words, "--json"]) == 2
    assert message in json.loads(capsys.readouterr().out)["error"]["message"]
