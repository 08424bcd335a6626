"""The commands on models with arrays: tables, JSON, data files and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from causalopt.cli import main

NET = """\
name: net
sizes: {pixel: 3, unit: 2}
variables:
  x: {shape: [pixel]}
  W: {shape: [unit, pixel], rule: "W[t-1] + 0.1*einsum('u,p->up', h[t], x[t])", initial: 0.5}
  h: {shape: [unit], rule: "tanh(W[t-1] @ x[t])", initial: 0}
  out: {rule: "sum(h[t])", initial: 0}
question: {nudge: "W[0]", hold: h, target: W, steps: 4}
"""


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    model, data = tmp_path / "net.yaml", tmp_path / "train.npz"
    model.write_text(NET)
    np.savez(data, images=np.linspace(0, 1, 15).reshape(5, 3))
    return str(model), str(data)


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(list(words))
    out, err = capsys.readouterr()
    return code, out, err


def test_a_run_reads_its_stream_from_a_file(files, capsys) -> None:
    model, data = files
    code, out, _ = run(capsys, "run", model, "--data", f"x={data}#images", "--json")
    assert code == 0
    found = json.loads(out)
    assert np.shape(found["total"]) == (5, 2, 3, 6)
    assert found["status"][-1] == "ok"
    assert found["W"]["x"][4] == np.linspace(0, 1, 15)[12:].tolist()


def test_a_table_of_vectors_shows_norms(files, capsys) -> None:
    model, data = files
    code, out, _ = run(capsys, "run", model, "--data", f"x={data}#images")
    assert code == 0
    assert "|total|" in out
    assert "alignment" in out
    assert "Op is the rms one" in out


def test_a_sweep_of_elements_and_seeds(files, capsys) -> None:
    model, data = files
    code, out, _ = run(
        capsys,
        *("sweep", model, "--data", f"x={data}#images", "--json"),
        *("--grid", "W[0, unit=0, pixel=1]=-1:1:3", "--grid", "seed=0:1:2"),
    )
    assert code == 0
    assert json.loads(out)["shape"] == [3, 2]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "{model}"], "'x' has no rule and values for 0 steps"),
        (["run", "{model}", "--data", "x"], "--data takes VAR=FILE"),
        (["run", "{model}", "--data", "x={data}#labels"], "has no array 'labels'"),
        (["run", "{model}", "--data", "x=none.npy"], "--data x=none.npy: there is no file"),
        (["run", "{model}", "--data", "x={model}"], "it is no .npz or .npy file"),
        (["run", "{model}"], "on the command line"),
        (["run", "{model}", "--data", "z={data}"], "data is given for an unknown variable 'z'"),
        (["run", "{model}", "--nudge", "W[0,1]"], "'W[0,1]': after the step come elements by"),
        (["run", "{model}", "--data", "h={data}#images"], "'h' follows a rule"),
        (["run", "{model}", "--data", "x={data}", "--steps", "9"], "values for 5 steps"),
        (["run", "{model}", "--data", "x={data}", "--nudge", "W[0, unit=5]"], "unit goes from 0"),
        (["run", "{model}", "--data", "x={data}", "--keep", "z"], "unknown variable 'z'"),
        (["derive", "{model}"], "has array variables, and this is asked of numbers: write it out"),
    ],
)
def test_what_is_wrong_is_said_with_code_2(files, capsys, words, message) -> None:
    model, data = files
    code, out, err = run(capsys, *(word.format(model=model, data=data) for word in words))
    assert code == 2
    assert out == ""
    assert message in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("tanh(W[t-1] @ x[t])", "tanh(x[t] @ W[t-1])", "6:"),
        ("shape: [pixel]}", "shape: [pixl]}", "4:"),
        ("initial: 0.5", "initial: [[1, 2], [3, 4]]", "5:"),
        ("sum(h[t])", "h[t]", "7:"),
        ("pixel: 3", "pixel: 0", "2:"),
        ("sum(h[t])", "grad(sum(h[t]), W[t])", "7:"),
    ],
)
def test_a_wrong_model_file_is_told_with_its_place(
    files, capsys, old: str, new: str, place: str
) -> None:
    model, _ = files
    Path(model).write_text(NET.replace(old, new, 1))
    code, _, err = run(capsys, "run", model)
    assert code == 2
    assert f"net.yaml:{place}" in err


def test_a_run_is_written_down_and_goes_on_from_there(files, capsys, tmp_path) -> None:
    model, data = files
    words = ["run", model, "--data", f"x={data}#images", "--execution", "numpy", "--json"]
    saved = ["--checkpoint", str(tmp_path / "run.npz"), "--checkpoint-every", "2"]
    _, plain, _ = run(capsys, *words)
    assert run(capsys, *words, *saved)[:2] == (0, plain)
    assert run(capsys, *words, *saved)[:2] == (0, plain)
    code, out, _ = run(capsys, *words, *saved, "--steps", "3")
    assert code == 2
    assert "what differs is the number of steps" in json.loads(out)["error"]["message"]


def test_an_unknown_execution_is_answered_with_those_there_are(files, capsys) -> None:
    model, data = files
    code, _, err = run(capsys, "run", model, "--data", f"x={data}#images", "--execution", "fast")
    assert code == 2
    assert err == "error: unknown execution 'fast'; known here: jax, numbers, numpy\n"
