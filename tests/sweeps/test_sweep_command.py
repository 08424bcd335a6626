"""The sweep command: axes as they are written, stores, resume, and what is refused before work."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from causalopt import load, open_sweep, sweep
from causalopt.cli import main

MODEL = "thermostat_saturating"


def asked(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert main(["sweep", *words, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_axes_of_words_as_they_are_written(capsys: pytest.CaptureFixture[str]) -> None:
    found = asked(
        capsys,
        "lorenz",
        *("--grid", "hold=a; a, b; {}", "--grid", "nudge=b[0]; c[0]", "--grid", "seed=0,1"),
        *("--target", "c", "--at", "20"),
    )
    assert found["shape"] == [3, 2, 2]
    assert found["statuses"] == {"ok": 10, "held": 2}  # b[0] in {a, b}, under two seeds


def test_designs_fill_axes_without_a_count(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ["--grid", "d=20:30", "--grid", "R[0]=log:1:50", "--grid", "p=2,3", "--at", "30"]
    out = tmp_path / "x.zarr"
    found = asked(capsys, MODEL, *words, "--design", "halton:20:5", "--out", str(out))
    assert found["shape"] == [20, 2]
    table = open_sweep(out).dataset
    assert table.sizes["point"] == 20
    assert float(table.d.min()) >= 20
    assert np.median(table.R_0.values) == pytest.approx(np.sqrt(50), rel=0.5)  # half lie below 7.07


def test_a_store_resumes_and_says_what_it_had(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = str(tmp_path / "x.zarr")
    words = [MODEL, "--grid", "R[0]=5:45:9001", "--at", "20", "--out", out]
    first = asked(capsys, *words, "--chunk", "4096")
    assert (first["computed"], first["skipped"], first["missing"]) == (9001, 0, 0)
    plain = sweep(load(MODEL), {"R[0]": np.linspace(5, 45, 9001)}, at=20)
    assert first["power"] == pytest.approx(plain.power, rel=1e-14)
    assert (first["op_min"], first["op_max"]) == (plain.op.min(), plain.op.max())
    again = asked(capsys, *words, "--resume")
    assert (again["computed"], again["skipped"]) == (0, 9001)
    assert {k: v for k, v in again.items() if k not in ("computed", "skipped")} == {
        k: v for k, v in first.items() if k not in ("computed", "skipped")
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--grid", "R[0]=5:45:0"], "COUNT must be at least 1"),
        (["--grid", f"R[0]=5:45:{10**30}"], "COUNT is at most 2^62"),
        (["--grid", f"R[0]=5:45:{10**12}"], "name a store, --out DIR.zarr"),
        (["--grid", f"R[0]=5:45:{10**15}", "--out", "{tmp}/x.zarr"], "its disk has"),
        (["--grid", "R[0]=1:2:3", "--grid", "R[0]=1,2"], "names the axis 'R[0]' twice"),
        (["--grid", "hold=T;;R"], "the empty set is {}"),
        (["--grid", "hold="], "the empty set is {}"),
        (["--grid", "hold=T", "--hold", "T"], "'hold' is swept and given too"),
        (["--grid", "d=1:2:3", "--set", "d=3"], "'d' is swept and given by --set too"),
        (["--grid", "d=1:2", "--design", "sobol"], "--design takes KIND:COUNT"),
        (["--grid", "d=1:2", "--design", "sobl:8"], "'sobol' or 'halton' or 'latin'"),
        (["--grid", "d=1:2:3", "--design", "sobol:8"], "there are none"),
        (["--grid", "d=1:2", "--grid", "d=1:2:3", "--design", "sobol:8"], "'d' twice"),
        (["--grid", "d=1:2"], "--grid takes NAME=LO:HI:COUNT"),
        (["--grid", "zz=1:2:3"], "unknown axis 'zz'"),
        (["--grid", "d=1:2:3", "--resume"], "--resume goes on with a store"),
        (["--grid", "d=1:2:3", "--workers", "0"], "workers must be at least 1"),
        (["--grid", "d=1:2:3", "--chunk", "0"], "chunk is how many points"),
        (["--grid", "d=1:2:3", "--show", "op"], "--show says what --plot draws"),
        (["--grid", "d=1:2:3", "--out", "{tmp}/file.zarr"], "is a file"),
        (["--grid", "d=1:2:3", "--out", "{tmp}/none/x.zarr"], "does not exist"),
        (["--grid", "d=1:2:3", "--within", "5"], "measured"),
    ],
)
def test_bad_input_ends_before_any_work(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file.zarr").write_text("mine")
    before = sorted(tmp_path.iterdir())
    words = [word.replace("{tmp}", str(tmp_path)) for word in words]
    assert main(["sweep", MODEL, *words, "--at", "3"]) == 2
    assert said in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "file.zarr").read_text() == "mine"


def test_a_store_is_neither_overwritten_nor_mixed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "x.zarr"
    words = ["sweep", MODEL, "--grid", "R[0]=5:45:50", "--out", str(out)]
    assert main([*words, "--at", "20"]) == 0
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    capsys.readouterr()
    assert main([*words, "--at", "20"]) == 2
    assert "is there already" in capsys.readouterr().err
    assert main([*words, "--at", "21", "--resume"]) == 2
    assert "at: 20 in the store, 21 asked" in capsys.readouterr().err
    assert main([*words, "--at", "20", "--set", "p=2", "--resume"]) == 2
    assert "model" in capsys.readouterr().err
    assert before == {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
