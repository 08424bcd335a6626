"""What the results offer: JSON's types, datasets, texts, and the command that prints them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from causalopt import Model, find_optimizers, load, optimizer_matrix, optimizers_over_draws
from causalopt.cli import main
from tests.optimizers.systems import PID

QUESTION = {"nudge": "room[0]", "target": "room", "steps": 30}


def test_a_dataset_has_the_candidates_by_rank_and_their_parts() -> None:
    found = find_optimizers(PID, **QUESTION, size=2)
    data = found.dataset
    assert data.op.dims == ("candidate",)
    for k, candidate in enumerate(found):
        assert data.op.values[k] == candidate.op
        assert data.status.values[k] == candidate.status
        assert data.share.values[k] == candidate.share
        members = data.part.values[data.member.values[k]].tolist()
        assert members == list(candidate.hold)
    assert data.op.attrs["units"] == "nat"
    assert data.attrs["model"] == "pid"
    assert "exact" in data.attrs["search"]


def test_the_share_of_a_perfect_set_is_minus_infinity_in_both() -> None:
    model = Model(name="p", variables={"n": {"initial": 1}, "a": "-n", "m": "n + a"})
    found = find_optimizers(model, nudge="n", target="m")
    assert (found[0].op, found[0].status, found[0].share) == (np.inf, "perfect", -np.inf)
    assert found.dataset.share.values.tolist() == [-np.inf]


def test_json_has_no_nan_and_says_what_the_ranking_is_worth() -> None:
    for made in (
        find_optimizers(PID, **QUESTION),
        find_optimizers(PID, **QUESTION).over_time(),
        optimizers_over_draws(PID, **QUESTION, spread={"room": 1.0}, draws=3),
        optimizer_matrix(PID, sources=["room[0]"], targets=["room[9]", "sum[3]"]),
    ):
        text = json.dumps(made.to_dict(), allow_nan=False)
        assert json.loads(text)["model"] == "pid"
        assert made.dataset.attrs["model_hash"] == PID.fingerprint
        assert len(repr(made).splitlines()) >= 2
    told = find_optimizers(PID, **QUESTION, size=2).to_dict()
    assert told["search"] == "exact"
    assert told["evaluated"] == told["sets"] == 6 + 15
    assert told["candidates"][0].keys() == {"hold", "op", "comp", "share", "status", "step"}


def run_json(capsys: pytest.CaptureFixture[str], *words: str) -> dict:
    assert main(["optimizers", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_command_is_the_function(capsys: pytest.CaptureFixture[str]) -> None:
    found = run_json(capsys, "lorenz", "--steps", "60", "--at", "40", "--size", "2")
    assert found == find_optimizers(load("lorenz"), steps=60, at=40, size=2).to_dict()
    options = ["--windows", "20,40", "--among", "a, c", "--best", "5", "--size", "1"]
    found = run_json(capsys, "lorenz", "--steps", "60", *options)
    expected = find_optimizers(
        load("lorenz"), steps=60, windows=[20, 40], among="a, c", best=5, size=1
    )
    assert found == expected.to_dict()
    assert len(found["candidates"]) == 5
    found = run_json(capsys, "lorenz", "--candidate", "a[t<=9], c", "--candidate", "c")
    assert [c["hold"] for c in found["candidates"]] == [["c"], ["a[t<=9], c"]]
    found = run_json(capsys, "lorenz", "--steps", "30", "--over-time")
    assert found["step"] == list(range(31))


def test_the_command_prints_a_table_and_draws(tmp_path, capsys) -> None:
    picture = tmp_path / "found.svg"
    assert main(["optimizers", "lorenz", "--steps", "60", "--plot", str(picture)]) == 0
    text = capsys.readouterr().out
    assert "set A" in text
    assert "exact: every set, 3 of 3 sets looked at" in text
    assert "<svg" in picture.read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--windows", "a"], "--windows takes a number of pieces"),
        (["--candidate", "b"], "the candidate b holds the nudged node b[0]"),
        (["--size", "0"], "size must be at least 1"),
        (["--steps", "500", "--at", "501"], "at must lie between 0 and the last step 500"),
        (["--plot", "x.bmp"], "must end in .png or .pdf or .svg"),
    ],
)
def test_wrong_input_is_one_message(words, message, capsys) -> None:
    assert main(["optimizers", "lorenz", *words, "--json"]) == 2
    assert message in json.loads(capsys.readouterr().out)["error"]["message"]
