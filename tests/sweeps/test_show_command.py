"""causalopt show: what a store holds, in words, as JSON, as a picture, and while it fills."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import causalopt
from causalopt.cli import main
from causalopt.sweeps.sweep_store import SweepStore
from tests.sweeps.counted_plan import CountedPlan
from tests.sweeps.test_sweep_store import fill

PLAN = CountedPlan()


@pytest.fixture
def half(tmp_path: Path) -> Path:
    with SweepStore.create(tmp_path / "half.zarr", PLAN) as store:
        fill(store, PLAN, [0, 3])
    return tmp_path / "half.zarr"


def strict(text: str) -> Any:
    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_json_is_strict_and_alone(half: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", str(half), "--json"]) == 0
    found = strict(capsys.readouterr().out)
    assert (found["tasks"], found["done"], found["missing"]) == (4, 2, 2)
    assert found["measure"] == {"name": "counted", "seed": 0}
    assert found["statuses"] == {"ok": 19, "diverged": 1, "unresolved": 4}
    assert found["ranges"]["value"] == [1, 59]


def test_words_say_what_is_there(half: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", str(half)]) == 0
    told = capsys.readouterr().out
    assert "2 of 4 tasks are done, 2 missing: not being computed; go on by --resume" in told
    assert "ok: 19 points" in told
    assert "1 points have no finite numbers" in told


def test_a_store_of_a_sweep_command_tells_its_own_question(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, picture = str(tmp_path / "t.zarr"), tmp_path / "t.png"
    words = ["sweep", "thermostat", "--grid", "k=0.1,0.2,0.4", "--steps", "7", "--out", store]
    assert main(words) == 0
    capsys.readouterr()
    assert main(["show", store, "--json", "--plot", str(picture), "--show", "comp"]) == 0
    found = strict(capsys.readouterr().out)
    model = causalopt.load("thermostat")
    comp = [causalopt.run(model, parameters={"k": k}, steps=7).comp[-1] for k in (0.1, 0.2, 0.4)]
    np.testing.assert_allclose(found["ranges"]["comp"], [min(comp), max(comp)], rtol=1e-12)
    assert found["measure"]["at"] == 7
    assert found["complete"] is True
    assert found["axes"][0]["count"] == 3
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--watch", "--json"], "leave one out"),
        (["--show", "op"], "give --plot FILE too"),
        (["--plot", "x.txt"], "must end in .png"),
        (["--out", "x.nc"], "has no --out: the store is where the numbers are"),
        (["--nudge", "R[0]"], "has no --nudge: it takes no model"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    half: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", str(half), *words]) == 2
    told = capsys.readouterr()
    assert said in told.out + told.err
    assert "Traceback" not in told.err


@pytest.mark.parametrize("kind", ["nothing", "file", "folder"])
def test_a_path_that_is_no_store_ends_with_2(
    tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.zarr"
    if kind == "file":
        path.write_text("x")
    elif kind == "folder":
        path.mkdir()
    assert main(["show", str(path), "--json"]) == 2
    assert str(path) in strict(capsys.readouterr().out)["error"]["message"]


def test_a_store_is_watched_until_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "a.zarr"
    driver = subprocess.Popen(
        [sys.executable, "-m", "tests.sweeps.store_driver", str(path), "honest", "0.05"]
    )
    while not path.exists():
        assert driver.poll() is None
    shown = subprocess.run(
        [sys.executable, "-m", "causalopt", "show", str(path), "--watch"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert driver.wait() == 0
    assert shown.returncode == 0, shown.stderr
    assert "being computed" in shown.stdout
    assert "40 of 40 chunks, 240 of 240 points, 1 without finite numbers: complete" in shown.stdout
    assert "complete: all 40 tasks are done" in shown.stdout
