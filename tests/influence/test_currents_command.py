"""`causalopt currents`: what it prints, writes and refuses."""

from __future__ import annotations

import json

import numpy as np
import pytest

from causalopt import currents, draw, load
from causalopt.cli import main
from tests.test_cli import output, strict


def test_prints_shares_and_paths(capsys):
    text = output(capsys, "currents", "maze", "--paths", "2")
    lines = text.splitlines()
    assert lines[0] == "influence of D[0] on e_D[6] in maze: de_D/dD = 0.117649, status ok"
    # By hand: e_D = D - pos, pos follows with rate 0.3: 0.7**6, and 1 - 1/0.117649 through u.
    assert lines[1].startswith("  -7.49986 of it through u: Op = 2.14005 nats")
    header = next(line for line in lines if line.startswith("step"))
    assert header.split() == ["step", "D", "R", "pos", "u", "e_D", "status"]
    row = next(line for line in lines if line.split()[:1] == ["4"]).split()
    # D[4] goes on to 0.7**2 of e_D[6] by way of pos and u.
    assert row[1] == f"{0.7**2 / 0.7**6:.6g}"
    assert text.count("->") == 4
    assert "D[0..6] -> e_D[6]" in text


def test_prints_strict_json(capsys):
    found = strict(
        output(capsys, "currents", "thermostat", "--steps", "30", "--json", "--paths", "3")
    )
    told = currents(load("thermostat"), steps=30)
    assert list(found) == [
        *("model", "nudge", "target", "steps", "t", "step", "total", "log_total"),
        *("total_status", "J", "share", "status", "edges", "paths", "through"),
    ]
    assert found["share"]["R"] == told.share[:, 1].tolist()
    assert [path["path"] for path in found["paths"]] == [str(path) for path in told.paths(3)]
    assert found["paths"][0]["log"] == 0.0
    assert found["through"] == told.through().to_dict()


def test_what_the_command_line_changes_reaches_the_model(capsys):
    words = ["--set", "k=0.3", "--nudge", "T[2]", "--hold", "R[5]", "--target", "R", "--steps", "9"]
    found = strict(output(capsys, "currents", "thermostat", *words, "--json"))
    model = load("thermostat").replace(parameters={"k": 0.3})
    told = currents(model, nudge="T[2]", hold="R[5]", target="R", steps=9)
    assert found["J"]["T"] == told.J[:, 0].tolist()
    assert found["through"]["hold"] == "R[5]"


def test_writes_its_files(capsys, tmp_path):
    import xarray

    names = {"--out": "c.nc", "--plot": "c.svg", "--draw": "g.svg"}
    words = [w for option, name in names.items() for w in (option, str(tmp_path / name))]
    output(capsys, "currents", "thermostat", "--steps", "9", *words, "--folded")
    told = currents(load("thermostat"), steps=9)
    with xarray.open_dataset(tmp_path / "c.nc", engine="h5netcdf") as dataset:
        np.testing.assert_array_equal(dataset["share"].values, told.share)
    assert (tmp_path / "g.svg").read_text() == draw(told, folded=True).svg()
    assert (tmp_path / "c.svg").read_text().startswith("<?xml")
    assert len(list(tmp_path.iterdir())) == 3


def test_arrays_have_their_sums(capsys):
    text = output(capsys, "currents", "lorenz96", "--steps", "4")
    assert text.splitlines()[-1].split() == ["4", "1", "ok"]
    found = strict(output(capsys, "currents", "lorenz96", "--steps", "4", "--json"))
    assert np.array(found["share"]["x"]).shape == (5, 40)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--nudge", "T[3]", "--hold", "T"], "the nudged node T[3] is in the held set"),
        (["--hold", "T[5000]"], "5000"),
        (["--folded"], "give --draw FILE too"),
        (["--draw", "graph.gif"], "must end in .svg"),
        (["--plot", "course.html"], "must end in .png"),
        (["--target", "Q"], "Q"),
    ],
)
def test_refuses_what_cannot_be_asked(capsys, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    assert main(["currents", "thermostat", *words, "--json"]) == 2
    assert message in json.loads(capsys.readouterr().out)["error"]["message"]
    assert list(tmp_path.iterdir()) == []


def test_no_path_is_said(capsys, tmp_path):
    (tmp_path / "m.yaml").write_text("name: m\nvariables:\n  n: {initial: 1}\n  m: {initial: 2}\n")
    text = output(capsys, "currents", str(tmp_path / "m.yaml"), "--nudge", "n", "--target", "m")
    assert "no path carries anything" in text
    assert "status no_influence" in text


def test_many_variables_are_told_by_the_largest(capsys, tmp_path):
    rules = "".join(f"  v{i}: {{rule: '{i + 1}*n'}}\n" for i in range(9))
    total = " + ".join(f"v{i}" for i in range(9))
    text = f"name: m\nvariables:\n  n: {{initial: 1}}\n{rules}  m: {{rule: '{total}'}}\n"
    (tmp_path / "m.yaml").write_text(text)
    told = output(capsys, "currents", str(tmp_path / "m.yaml"), "--nudge", "n", "--target", "m")
    assert "of 5 more variables less" in told
    header = next(line for line in told.splitlines() if line.startswith("n "))
    assert header.split() == ["n", "v5", "v6", "v7", "v8", "m", "status"]
