"""Op over noise: every row is the run of its seed, and the law of Op is the one that is known."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import t as student

import causalopt
from causalopt.cli import main
from causalopt.effects.asked import ask
from causalopt.effects.ensembles import noise_lanes
from causalopt.effects.ensembles.run_ensemble import ensemble_of_numbers, kept_steps
from causalopt.effects.ensembles.seed_summary import summarise
from causalopt.worlds.noise import draw_noise

HEAD = "name: noisy\nparameters: {k: 0.3}\nvariables:\n"
QUESTION = 'question: {nudge: "R[0]", hold: T, target: R, steps: 40}\n'


def model_of(t: str, r: str, noise: str, *more: str, question: str = QUESTION) -> causalopt.Model:
    rules = [f'T: {{rule: "{t}", initial: 0.1}}', f'R: {{rule: "{r}", initial: 1}}', noise, *more]
    return causalopt.parse_model(HEAD + "".join(f"  {rule}\n" for rule in rules) + question)


NORMAL, UNIFORM = 'e: {noise: "normal(0, 1)"}', "e: {noise: uniform}"
COIN = 'e: {noise: "bernoulli(1/2)"}'
MODELS = {
    "exact": model_of("T[t-1]/2 + R[t-1]*e[t]/4", "R[t-1]*(1 - e[t-1]/8) - T[t-1]", COIN),
    "normal": model_of("T[t-1]/2 + k*R[t-1]*(1 + e[t]/2)", "R[t-1] - tanh(T[t-1]) + e[t]", NORMAL),
    "chaos": model_of("T[t-1]/3 + R[t-1]/9", "3.7*R[t-1]*(1 - R[t-1]/2) - T[t-1]*e[t]/9", UNIFORM),
    "kinks": model_of(
        "0.9*T[t-1] + 0.2*max(R[t-1] - e[t], 0)", "0.8*R[t-1] - T[t-1] + e[t]", UNIFORM
    ),
    "zeros": model_of("T[t-1]/2 + R[t-1]/4", "e[t]*(R[t-1] - T[t-1])", COIN),
    "blows": model_of("T[t-1]*2 + R[t-1]", "R[t-1]**3*(1 + e[t]) - T[t-1]", UNIFORM),
    "two noises": model_of(
        "T[t-1]/2 + R[t-1]*e[t]", "0.9*R[t-1] - sin(T[t-1]*f[t-1])", NORMAL, "f: {noise: uniform}"
    ),
    "own": model_of("e[t]*T[t-1] + R[t-1]", "R[t-1]/2 - T[t-1]*e[t]", UNIFORM),
}  # fmt: skip


@pytest.mark.parametrize("delta", [None, 1e-3])
@pytest.mark.parametrize("name", MODELS)
def test_every_row_is_the_run_of_its_seed(name: str, delta: float | None) -> None:
    model, seeds = MODELS[name], [0, 3, 4, 17, 18, 19, 255, 2**64 - 1]
    found = causalopt.run(model, seeds=seeds, delta=delta)
    assert found.t.tolist() == list(range(41))
    for k, seed in enumerate(seeds):
        run = causalopt.run(model, seed=seed, delta=delta)
        assert found.status[k].tolist() == run.status.tolist()
        # Quotients of differences lose digits: of W's, and of small ones.
        lost = 1e-12 if delta is None else 1e-6
        for field, own in (
            ("value", run.W["R"]),
            ("total", run.total),
            ("direct", run.direct),
            ("comp", run.comp),
            ("op", run.op),
        ):
            mine = getattr(found, field)[k]
            if name == "exact":
                assert np.array_equal(mine, own, equal_nan=True), (field, seed)
            else:
                assert np.allclose(mine, own, rtol=1e-9, atol=lost, equal_nan=True), (field, seed)


def _close(one: np.ndarray, other: np.ndarray) -> bool:
    return np.allclose(one, other, rtol=1e-9, atol=1e-12, equal_nan=True)


def test_rows_are_those_of_runs_to_the_last_bit_where_arithmetic_is_exact() -> None:
    """+, -, * and / are the same in every execution; most rows are not run alone."""
    model = model_of("T[t-1]/2 + k*R[t-1]*e[t]", "R[t-1]*(1.1 - e[t]/8) - T[t-1]", UNIFORM)
    found = causalopt.run(model, seeds=40, steps=3000, every=1)
    assert found.alone == 2
    for k in (1, 20, 38):
        run = causalopt.run(model, seed=k, steps=3000)
        for field in ("total", "direct", "comp", "op"):
            assert np.array_equal(getattr(found, field)[k], getattr(run, field), equal_nan=True)
        assert np.array_equal(found.value[k], run.W["R"])


def test_a_seed_whose_draw_makes_it_chaotic_is_run_alone_whatever_its_neighbours_are() -> None:
    model = causalopt.parse_model("""
name: regimes
variables:
  g: {rule: "where(t <= 1, e[t], g[t-1])", initial: 0}
  T: {rule: "R[t-1]/9", initial: 0}
  R: {rule: "(2 + 2*where(g[t-1] > 0.8, 1, 0))*R[t-1]*(1 - R[t-1]) - T[t-1]/99", initial: 0.3}
  e: {noise: uniform}
question: {nudge: "R[2]", hold: T, target: R, steps: 120}
""")
    draws = [causalopt.world(model, steps=1, seed=k)["e"][1] for k in range(60)]
    calm = [k for k, draw in enumerate(draws) if draw < 0.7][:3]
    wild = next(k for k, draw in enumerate(draws) if draw > 0.9)
    seeds = [calm[0], wild, calm[1], calm[2]]
    found = causalopt.run(model, seeds=seeds)
    assert found.alone == 3
    own = causalopt.run(model, seed=wild)
    assert own.status[-1] == "unresolved"
    assert found.status[1].tolist() == own.status.tolist()
    assert set(found.status[:, -1].tolist()) == {"ok", "unresolved"}


def test_chunks_threads_and_the_execution_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, seeds = ask(MODELS["normal"]), range(70)
    found = [ensemble_of_numbers(asked, seeds, workers=workers) for workers in (1, 2, 5)]
    monkeypatch.setattr(noise_lanes, "_CHUNK", 1)
    found.append(ensemble_of_numbers(asked, seeds, workers=2))
    for other in found[1:]:
        for field in ("value", "op", "comp", "codes"):
            assert np.array_equal(getattr(found[0], field), getattr(other, field), equal_nan=True)
    from causalopt.engine.batch_arrays import ArrayBatch

    monkeypatch.setattr(noise_lanes, "batch_runner", ArrayBatch)
    plain = ensemble_of_numbers(asked, seeds)
    assert plain.execution == "numpy"
    assert _close(plain.op, found[0].op)


def test_fewer_steps_are_kept_of_a_long_run_and_the_last_always() -> None:
    found = causalopt.run(MODELS["normal"], seeds=3, steps=50, every=8)
    assert found.t.tolist() == [0, 8, 16, 24, 32, 40, 48, 50]
    whole = causalopt.run(MODELS["normal"], seeds=3, steps=50)
    assert np.array_equal(found.op, whole.op[:, found.t])
    assert len(kept_steps(100_000, None, 1000)) == 1001
    with pytest.raises(causalopt.QuestionError, match=r"such as every=21 \(--every 21\)"):
        kept_steps(100_000, 1, 1000)
    assert len(kept_steps(100_000, 21, 1000)) * 1000 <= 5_000_000
    with pytest.raises(causalopt.QuestionError, match="every is a number of steps from 1 up"):
        causalopt.run(MODELS["normal"], seeds=3, every=0)


def lognormal() -> causalopt.Model:
    """Return a model in which Op(T; R[0], R[t]) is a sum of -ln(1/2 + u) over t draws u."""
    return causalopt.parse_model("""
name: product
variables:
  T: {rule: "R[t-1]*(u[t] - 1/2)", initial: 0}
  R: {rule: "R[t-1] + T[t]", initial: 1}
  u: {noise: uniform}
question: {nudge: "R[0]", hold: T, target: R, steps: 12}
""")


def test_op_of_a_product_is_a_sum_of_logs_with_known_mean() -> None:
    """E ln v for v uniform on (1/2, 3/2) is (3/2) ln(3/2) - (1/2) ln(1/2) - 1."""
    found = causalopt.run(lognormal(), seeds=400)
    mean = -(1.5 * math.log(1.5) - 0.5 * math.log(0.5) - 1)
    square = 1.5 * (math.log(1.5) ** 2 - 2 * math.log(1.5) + 2) - 0.5 * (
        math.log(0.5) ** 2 - 2 * math.log(0.5) + 2
    )
    deviation = math.sqrt(square - mean**2)
    last = found.spread
    assert last.deviation[12] == pytest.approx(deviation * math.sqrt(12), rel=0.15)
    assert abs(last.mean[12] - 12 * mean) < 4 * deviation * math.sqrt(12 / 400)
    assert last.mean_low[12] < last.mean[12] < last.mean_high[12]
    # The pooled Op is of second moments: E v^2 = 13/12, and the direct effect is 1.
    expected = -0.5 * 12 * math.log(13 / 12)
    op, low, high = (part[12] for part in found.pooled)
    assert low < op < high
    assert abs(op - expected) < 3 * (high - low)
    assert op == pytest.approx(-0.5 * math.log((found.total[:, 12] ** 2).mean()), rel=1e-12)


def test_the_pooled_op_has_the_jackknife_s_interval_and_says_on_how_many_seeds_it_rests() -> None:
    found = causalopt.run(lognormal(), seeds=25)
    squares = found.total[:, 12] ** 2
    op = -0.5 * math.log(squares.mean())
    without = np.array([-0.5 * math.log(np.delete(squares, k).mean()) for k in range(25)])
    error = math.sqrt(((without - without.mean()) ** 2).sum() * 24 / 25)
    reach = student.ppf(0.975, 24) * error
    assert [part[12] for part in found.pooled] == pytest.approx([op, op - reach, op + reach])
    assert found.pooled_seeds[12] == pytest.approx(squares.sum() ** 2 / (squares**2).sum())
    assert found.pooled_seeds[0] == pytest.approx(25)
    assert found.notes[-1].startswith(f"{found.pooled_seeds[12]:.2g} of 25 seeds carry the pooled")


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    """500 ensembles of 20 seeds each: the mean, the median, and the pooled Op."""
    repetitions, seeds = 500, 20
    found = causalopt.run(lognormal(), seeds=repetitions * seeds)
    op, logs = found.op[:, 12], found.log_total[:, 12]
    mean = -12 * (1.5 * math.log(1.5) - 0.5 * math.log(0.5) - 1)
    median = float(np.median(-np.log(0.5 + np.random.default_rng(1).random((200_000, 12))).sum(1)))
    assert op == pytest.approx(-logs)
    table = op.reshape(repetitions, seeds).T
    said = summarise(table, np.ones(table.shape, dtype=bool))
    mean_covered = ((said.mean_low <= mean) & (mean <= said.mean_high)).mean()
    median_covered = ((said.quantiles_low[2] <= median) & (median <= said.quantiles_high[2])).mean()
    assert 0.92 <= mean_covered <= 0.975
    assert median_covered >= 0.94  # the interval by order statistics covers at least so often


def test_worlds_of_a_seed_share_their_draws_and_so_do_sets_that_are_compared() -> None:
    """The difference of two sets over the same seeds varies less than each by itself."""
    model = MODELS["normal"]
    one = causalopt.run(model, seeds=50, hold="T")
    other = causalopt.run(model, seeds=50, hold="T[t<=20]")
    paired = one.less(other)
    assert paired.mean[-1] == pytest.approx(one.spread.mean[-1] - other.spread.mean[-1])
    alone = math.hypot(one.spread.deviation[-1], other.spread.deviation[-1])
    assert paired.deviation[-1] < alone
    held = causalopt.run(model, seeds=50, hold="T, R[t>=1]")
    assert set(held.status[:, -1].tolist()) == {"held"}
    assert one.less(held).decided[-1] == held.less(one).decided[-1] == 0
    with pytest.raises(causalopt.QuestionError, match="seed by seed"):
        one.less(causalopt.run(model, seeds=51))
    finite = causalopt.run(model, seeds=3, delta=0.5, steps=1)
    # x - w = delta * R'[1] with the same e[1] in both worlds: the noise is not in the difference.
    assert finite.total[:, 1] == pytest.approx(np.ones(3), rel=1e-9)


def test_additive_noise_in_a_linear_model_moves_no_derivative() -> None:
    model = model_of("T[t-1]/2 + k*R[t-1] + e[t]", "0.9*R[t-1] - T[t-1] + e[t]", NORMAL)
    found = causalopt.run(model, seeds=30)
    assert found.is_constant.all()
    assert (found.spread.deviation == 0).all()
    assert (found.spread.mean_high == found.spread.mean_low).all()
    assert found.notes == [
        "every seed has the same Op at the last step: these derivatives do not depend on what "
        "noise draws, and intervals have width 0"
    ]
    finite = causalopt.run(model, seeds=30, delta=1e-2, steps=12)
    assert finite.spread.deviation[-1] < 1e-10  # differences of worlds are rounded
    assert found.value.std(axis=0)[-1] > 0.1


def test_statuses_are_counted_and_infinities_kept() -> None:
    found = causalopt.run(MODELS["zeros"], seeds=64, steps=6)
    counts = found.statuses
    # Op is 0/0 where the last coin shows 0, or earlier ones let R' and T' cancel, in fractions.
    for k in range(64):
        coins = causalopt.world(MODELS["zeros"], steps=6, seed=k)["e"]
        r, t, straight = Fraction(1), Fraction(0), Fraction(1)
        for coin in np.asarray(coins)[1:].astype(int).tolist():
            r, t, straight = coin * (r - t), t / 2 + r / 4, coin * straight
        assert (found.status[k, 6] == "no_influence") == (r == straight == 0)
        assert found.total[k, 6] == r
    assert found.spread.decided[6] == 64 - counts["no_influence"][6]
    assert any("undecided at the last step" in note for note in found.notes)
    # Perfect in some seeds: A takes the whole disturbance where the coin shows 1.
    perfect = model_of("R[t-1]*e[t]", "R[t-1] - T[t]", COIN)
    some = causalopt.run(perfect, seeds=40, steps=1)
    share = (some.status[:, 1] == "perfect").mean()
    assert 0.2 < share < 0.8
    assert some.spread.mean[1] == math.inf
    assert some.spread.decided[1] == 40
    assert some.spread.quantiles[4, 1] == math.inf
    assert some.spread.quantiles[0, 1] == 0.0
    op, low, high = (part[1] for part in some.pooled)
    assert op == pytest.approx(-0.5 * math.log(1 - share))
    assert low < op < high


def test_a_model_without_noise_is_one_run_with_a_note() -> None:
    found = causalopt.run(causalopt.load("thermostat"), seeds=5, steps=20)
    own = causalopt.run(causalopt.load("thermostat"), steps=20)
    assert (found.op == own.op).all()
    assert found.op.shape == (5, 21)
    assert not found.is_random
    assert "one run stands for all seeds" in repr(found)
    assert found.spread.mean[-1] == own.op[-1] == found.spread.mean_high[-1]


def test_interventions_on_noise_hold_in_every_seed() -> None:
    model = MODELS["normal"]
    given = [causalopt.Set("e[3]", 0.5), causalopt.Nudge("e[5]", 1.0)]
    found = causalopt.run(model, seeds=4, given=given)
    donor = causalopt.world(model, steps=40, seed=99)
    taken = causalopt.run(model, seeds=4, given=[causalopt.Replace("e[t<=10]", donor)])
    assert found.alone == taken.alone == 2  # the others are as they came from the batch
    for k in range(4):
        own = causalopt.run(model, seed=k, given=given)
        assert _close(found.op[k], own.op)
        same = causalopt.run(model, seed=k, given=[causalopt.Replace("e[t<=10]", donor)])
        assert _close(taken.op[k], same.op)
    assert np.ptp(taken.op[:, 10]) < 1e-12 < np.ptp(taken.op[:, 20])


def test_a_static_model_and_one_with_arrays_have_ensembles() -> None:
    static = causalopt.parse_model("""
name: static
variables:
  a: {rule: "n*e"}
  m: {rule: "n - a"}
  n: {rule: "1 + 0*e"}
  e: {noise: uniform}
question: {nudge: n, hold: a, target: m}
""")
    found = causalopt.run(static, seeds=200)
    draws = np.array([causalopt.run(static, seed=k).W["e"][0] for k in range(3)])
    assert found.op[:3, 0] == pytest.approx(-np.log(1 - draws))
    assert abs(found.spread.mean[0] - 1) < 4 / math.sqrt(200)  # -ln(1 - u) is exponential
    arrays = causalopt.parse_model("""
name: rows
sizes: {i: 3}
variables:
  x: {shape: [i], rule: "x[t-1]/2 - a[t-1]*e[t]", initial: 1}
  a: {shape: [i], rule: "x[t-1]/3", initial: 0}
  e: {noise: uniform}
question: {nudge: "x[0, i=1]", hold: a, target: "x[i=1]", steps: 6}
""")
    several = causalopt.run(arrays, seeds=3)
    for k in range(3):
        assert np.array_equal(several.op[k], causalopt.run(arrays, seed=k).op, equal_nan=True)
    assert several.execution == "runs"


@pytest.mark.parametrize("options", [{"every": 3}, {"level": 0.9}, {"quantiles": [0.5]}])
def test_options_of_an_ensemble_need_seeds(options: dict[str, Any]) -> None:
    (name,) = options
    with pytest.raises(causalopt.QuestionError, match=f"{name} is of an ensemble over noise"):
        causalopt.run(MODELS["normal"], **options)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"level": 1.0}, "level is a coverage between 0 and 1"),
        ({"quantiles": [0.5, 1.5]}, "quantiles are one or more numbers between 0 and 1"),
        ({"quantiles": []}, "quantiles are one or more numbers between 0 and 1"),
        ({"checkpoint": "x.npz"}, "checkpoint"),
    ],
)
def test_settings_that_do_not_fit_are_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(causalopt.QuestionError, match=says):
        causalopt.run(MODELS["normal"], seeds=4, **options)


def test_the_dataset_the_dict_and_the_text_say_the_same(tmp_path: Path) -> None:
    import xarray

    found = causalopt.run(MODELS["normal"], seeds=[3, 1, 8], quantiles=(0.5, 0.1, 0.9), level=0.9)
    data, said = found.dataset, found.to_dict()
    assert data.op.dims == ("seed", "t")
    assert data.op_quantile.dims == ("quantile", "t")
    assert float(data.op.sel(seed=1, t=40)) == found.op[1, 40]
    assert data["quantile"].values.tolist() == [0.1, 0.5, 0.9]
    assert float(data.op_mean[40]) == said["op"]["mean"][40] == found.op[:, 40].mean()
    assert data.attrs["seeds"] == "3, 1, 8"
    assert data.attrs["level"] == "0.9"
    assert data.status_count.sel(state="ok").values.tolist() == said["statuses"]["ok"]
    assert said["last"]["op"] == found.op[:, 40].tolist()
    json.dumps(said, allow_nan=False)
    assert f"mean Op = {found.spread.mean[40]:.6g} nats, 90 % interval" in repr(found)
    found.save(tmp_path / "ensemble.nc")
    with xarray.open_dataset(tmp_path / "ensemble.nc") as back:
        assert np.array_equal(back.op.values, found.op)
        assert back.attrs["model"] == "noisy"
    with pytest.raises(causalopt.QuestionError, match="op, comp, total, direct or value"):
        found.summary("size")


def test_the_command_gives_what_the_function_gives(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "noisy.yaml"
    causalopt.write_model(MODELS["normal"], file)

    def told(*words: str) -> tuple[int, str]:
        code = main(["run", str(file), *words])
        return code, capsys.readouterr().out

    found = causalopt.run(MODELS["normal"], seeds=6, seed=2, every=10)
    said = json.loads(told("--seeds", "6", "--seed", "2", "--every", "10", "--json")[1])
    assert said == found.to_dict()
    assert json.loads(told("--seeds", "5,2", "--json")[1])["seeds"] == [5, 2]
    plot = tmp_path / "band.svg"
    code, text = told("--seeds", "6", "--plot", str(plot), "--out", str(tmp_path / "band.nc"))
    assert code == 0
    assert "over 6 seeds (0..5)" in text
    assert plot.read_text().count("<path") > 10
    for bad in ("x", "3,3", "0", "-1", "1", "99999999", "5,"):
        assert told("--seeds", bad)[0] == 2
    assert told("--every", "4")[0] == 2


def test_progress_counts_seeds() -> None:
    told: list[tuple[float, float]] = []
    causalopt.run(MODELS["normal"], seeds=70, progress=lambda *call: told.append(call[:2]))
    done, total = told[-1]
    assert done == total
    assert told == sorted(told)


def test_a_whole_number_that_is_none_in_some_seed_is_refused_as_its_run_refuses_it() -> None:
    model = model_of(
        "T[t-1]/2 + R[t-1]*e[t]", "0.9*R[t-1] - T[t-1]", UNIFORM,
        'i: {rule: "where(e[t] > 0.999, 0.5, 1)", kind: integer}',
    )  # fmt: skip
    seeds = range(30, 40)
    odd = [k for k in seeds if (draw_noise(model, 40, seed=k)["e"] > 0.999).any()]
    assert odd == [34]
    causalopt.run(model, seeds=[30, 31, 32])
    with pytest.raises(causalopt.QuestionError, match=r"'i' took the value 0\.5 at t = ") as caught:
        causalopt.run(model, seeds=list(seeds))
    with pytest.raises(causalopt.QuestionError) as alone:
        causalopt.run(model, seed=34)
    assert str(caught.value) == str(alone.value)
