"""Sweeps, rates and candidate sets over noise: each seed is the call with that seed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray

import causalopt
from causalopt.cli import main

NOISY = causalopt.parse_model("""
name: noisy
parameters: {k: 0.3}
variables:
  T: {rule: "0.5*T[t-1] + k*R[t-1]*(1 + 0.5*e[t])", initial: 0.1}
  R: {rule: "0.9*R[t-1] - tanh(T[t-1]) + 0.1*e[t]", initial: 1}
  e: {noise: "normal(0, 1)"}
partition: {A: [T]}
question: {nudge: "R[0]", hold: A, target: R, steps: 12}
""")
GRID = {"k": np.linspace(0.1, 0.4, 4), "R[0]": np.array([0.5, 1.0, 2.0])}


def test_every_row_of_a_sweep_is_the_sweep_of_its_seed(tmp_path: Path) -> None:
    found = causalopt.sweep(NOISY, GRID, seeds=[4, 0, 9])
    assert found.op.shape == (3, 4, 3)
    for k, seed in enumerate([4, 0, 9]):
        own = causalopt.sweep(NOISY, GRID, seed=seed)
        for field in ("op", "comp", "total", "direct", "values", "codes"):
            assert np.array_equal(getattr(found, field)[k], getattr(own, field))
    assert found.spread.mean == pytest.approx(found.op.mean(axis=0))
    assert found.summary("total").median == pytest.approx(np.median(found.total, axis=0))
    assert found.dataset.op_mean.dims == ("k", "R_0")
    assert float(found.dataset.op.sel(seed=9)[1, 2]) == found.op[2, 1, 2]
    found.save(tmp_path / "sweep.nc")
    with xarray.open_dataset(tmp_path / "sweep.nc") as back:
        assert np.array_equal(back.op_quantile.values, found.spread.quantiles)
    assert "over 3 seeds (4, 0, 9)" in repr(found)


def test_power_over_noise_is_each_seed_s_integral() -> None:
    found = causalopt.sweep(NOISY, {"R[0]": np.linspace(0, 2, 9)}, seeds=5)
    powers = [
        causalopt.sweep(NOISY, {"R[0]": np.linspace(0, 2, 9)}, seed=k).power for k in range(5)
    ]
    assert found.powers.tolist() == powers
    assert found.power.mean[0] == pytest.approx(np.mean(powers))
    assert found.to_dict()["power"]["mean"] == [pytest.approx(np.mean(powers))]
    assert causalopt.sweep(NOISY, GRID, seeds=2).power is None


def test_rates_over_noise_are_each_seed_s_rates() -> None:
    found = causalopt.rates(NOISY, steps=300, seeds=4, seed=3)
    each = [causalopt.rates(NOISY, steps=300, seed=k) for k in (3, 4, 5, 6)]
    assert found.op_rate.tolist() == [one.op_rate for one in each]
    assert found.lyapunov.tolist() == [list(one.lyapunov) for one in each]
    assert found.spread.mean[0] == pytest.approx(np.mean(found.op_rate))
    assert found.exponents("conditional").mean[0] == pytest.approx(np.log(0.9), abs=1e-6)
    assert float(found.dataset.op_rate_mean) == found.spread.mean[0]
    quiet = causalopt.rates(causalopt.load("thermostat"), steps=300, seeds=3)
    assert not quiet.is_random
    assert quiet.spread.deviation[0] == 0
    assert "one run stands for all seeds" in repr(quiet)


def test_candidate_sets_take_seeds_in_one_way() -> None:
    by_draws = causalopt.optimizers_over_draws(NOISY, draws=4, seed=2)
    by_seeds = causalopt.optimizers_over_draws(NOISY, seeds=4, seed=2)
    listed = causalopt.optimizers_over_draws(NOISY, seeds=[2, 3, 4, 5])
    assert by_draws.to_dict() == by_seeds.to_dict() == listed.to_dict()
    place = by_seeds.sets.index(("T",))
    ops = causalopt.run(NOISY, seeds=[2, 3, 4, 5]).op[:, -1]
    assert by_seeds.op[:, place] == pytest.approx(ops, rel=1e-9)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("sweep", ["--grid", "k=0.1:0.4:4", "--seeds", "5"]),
        ("rates", ["--steps", "200", "--seeds", "5"]),
        ("optimizers", ["--seeds", "5"]),
    ],
)
def test_commands_take_seeds(
    command: str, words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "noisy.yaml"
    causalopt.write_model(NOISY, file)

    def told(*more: str) -> str:
        assert main([command, str(file), *words, *more]) == 0
        return capsys.readouterr().out

    assert json.loads(told("--json"))["seeds"] == [0, 1, 2, 3, 4]
    assert "5" in told()
    assert main([command, str(file), *words[:-1], "0"]) == 2


def test_pictures_show_bands_medians_and_shares() -> None:
    run = causalopt.run(NOISY, seeds=20).plot()
    assert [axes.get_ylabel() for axes in run.axes] == ["R in W", "Op [nats]", "Comp", "status"]
    labels = run.axes[1].get_legend_handles_labels()[1]
    assert labels == ["5 to 95 %", "25 to 75 %", "median", "mean"]
    line = next(line for line in run.axes[1].lines if line.get_label() == "median")
    assert np.array_equal(line.get_ydata(), causalopt.run(NOISY, seeds=20).spread.median)
    assert run.axes[3].get_legend_handles_labels()[1] == ["ok (100 %)"]
    one = causalopt.sweep(NOISY, {"k": GRID["k"]}, seeds=5).plot()
    assert one.axes[-1].get_xlabel() == "k"
    two = causalopt.sweep(NOISY, GRID, seeds=5).plot()
    assert [axes.get_xlabel() for axes in two.axes[:2]] == ["R[0]", "R[0]"]
    rates = causalopt.rates(NOISY, steps=200, seeds=5).plot()
    assert rates.axes[0].get_ylabel() == "Op per unit of time [nats per step]"
    with pytest.raises(causalopt.QuestionError, match="3 axes"):
        causalopt.sweep(NOISY, {**GRID, "T[0]": [0.0]}, seeds=2).plot()


ROWS = causalopt.parse_model("""
name: rows
sizes: {i: 3}
parameters: {k: 0.3}
variables:
  x: {shape: [i], rule: "x[t-1]/2 - a[t-1]*e[t]", initial: 1}
  a: {shape: [i], rule: "k*x[t-1]", initial: 0}
  e: {noise: uniform}
question: {nudge: "x[0, i=1]", hold: a, target: "x[i=1]", steps: 6}
""")


def test_a_sweep_of_arrays_takes_a_seed_as_its_axis_does() -> None:
    axis = causalopt.sweep(ROWS, {"seed": [0, 3], "k": [0.2, 0.4]})
    for row, seed in enumerate((0, 3)):
        own = causalopt.sweep(ROWS, {"k": [0.2, 0.4]}, seed=seed)
        assert np.array_equal(own.op, axis.op[row])
        assert own.seed == seed
    assert (axis.op[0] != axis.op[1]).all()
    several = causalopt.sweep(ROWS, {"k": [0.2, 0.4]}, seeds=[0, 3])
    assert np.array_equal(several.op, axis.op)
    with pytest.raises(causalopt.QuestionError, match="an axis is the seed already"):
        causalopt.sweep(ROWS, {"seed": [0, 3]}, seeds=2)
