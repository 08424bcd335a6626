"""Escape by walkers with noise of any kind: beside enumeration, closed forms and the operator."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import causalopt
from causalopt.cli import application
from causalopt.descents.escape.by_drawn_noise import escape_by_drawn_noise
from causalopt.descents.escape.escape import Escape
from causalopt.descents.walkers.drawn_walk import DrawnWalk


def model_of(*rules: str, parameters: str = "{}") -> causalopt.Model:
    lines = "\n".join(f"  {rule}" for rule in rules)
    return causalopt.parse_model(f"name: walk\nparameters: {parameters}\nvariables:\n{lines}\n")


AR = model_of(
    'x: {rule: "a*x[t-1] + s*e[t]", initial: 0}',
    'e: {noise: "normal(0, 1)"}',
    parameters="{a: 0.9, s: 0.5}",
)
WORDS = {  # noise -> how it enters, and its outcomes with their probabilities
    "bernoulli(1/4)": {0.0: 0.75, 1.0: 0.25},
    "{-1: 1/3, 0: 1/6, 2: 1/2}": {-1.0: 1 / 3, 0.0: 1 / 6, 2.0: 0.5},
}
Step = Callable[[float, float, float, int], float]  # from x[t-1], e[t], e[t-1] and t to x[t]
ENTRIES: dict[str, Step] = {
    "x[t-1] + e[t] - 0.3": lambda x, e, _f, _t: x + e - 0.3,
    "x[t-1]*(1 + e[t]/4) + 0.1": lambda x, e, _f, _t: x * (1 + e / 4) + 0.1,
    "sin(x[t-1] + e[t-1]) + e[t]*x[t-1]": lambda x, e, f, _t: math.sin(x + f) + e * x,
    "where(e[t] > 0.5, x[t-1]/2, x[t-1] + 0.7)": lambda x, e, _f, _t: x / 2 if e > 0.5 else x + 0.7,
    "x[t-1] + 0.1*t*e[t]": lambda x, e, _f, t: x + 0.1 * t * e,
}
N, START, LEVEL = 5, 0.4, 1.0


def enumerated(law: dict[float, float], step: Step, *, passage: bool) -> float:
    """Return the probability over all sequences of draws, with e at t = 0, 1, ..., N."""
    total = 0.0
    for draws in itertools.product(law, repeat=N + 1):
        x, passed = START, False
        for t in range(1, N + 1):
            x = step(x, draws[t], draws[t - 1], t)
            passed |= x > LEVEL
        if passed if passage else x > LEVEL:
            total += math.prod(law[e] for e in draws)
    return total


@pytest.mark.parametrize("passage", [False, True])
@pytest.mark.parametrize("noise", WORDS)
@pytest.mark.parametrize("rule", ENTRIES)
def test_finite_noise_anywhere_is_that_of_all_sequences_of_draws(
    rule: str, noise: str, passage: bool
) -> None:
    said = noise if noise.startswith("{") else f'"{noise}"'
    model = model_of(f'x: {{rule: "{rule}", initial: 0}}', f"e: {{noise: {said}}}")
    exact = enumerated(WORDS[noise], ENTRIES[rule], passage=passage)
    found = escape_by_drawn_noise(
        model, Escape((START,), LEVEL, (N,), passage=passage), walkers=40_000, seed=3
    )
    assert found.status == "ok"
    assert abs(found.probability[0] - exact) < 4 * found.error[0]
    asked = causalopt.escape(
        model, start=START, beyond=LEVEL, within=N, method="ensemble", passage=passage,
        walkers=40_000, seed=5,
    )  # fmt: skip
    assert abs(asked.probability[0] - exact) < 4 * asked.error[0]


@pytest.mark.parametrize("within", [1, 10, 100])
def test_a_normal_chain_stands_beyond_as_its_variance_says(within: int) -> None:
    """x after n steps is normal with variance s^2 (1 - a^2n) / (1 - a^2)."""
    found = causalopt.escape(AR, start=0, beyond=1, within=within, method="ensemble")
    variance = 0.25 * (1 - 0.81**within) / (1 - 0.81)
    exact = 0.5 * math.erfc(1 / math.sqrt(2 * variance))
    assert abs(found.probability[0] - exact) < 4 * found.error[0]
    assert found.error[0] == pytest.approx(math.sqrt(exact * (1 - exact) / 100_000), rel=0.05)


def test_a_start_other_than_the_model_s_shifts_the_mean() -> None:
    found = causalopt.escape(AR, start=2, beyond=1, within=4, method="ensemble", seed=9)
    mean, variance = 2 * 0.9**4, 0.25 * (1 - 0.81**4) / (1 - 0.81)
    below = 0.5 * math.erfc((mean - 1) / math.sqrt(2 * variance))
    assert abs(found.probability[0] - below) < 4 * found.error[0]


def test_uniform_noise_sums_to_irwin_and_hall_s_law() -> None:
    model = model_of('x: {rule: "x[t-1] + u[t]", initial: 0}', "u: {noise: uniform}")
    found = causalopt.escape(model, start=0, beyond=2, within=3, method="ensemble")
    assert abs(found.probability[0] - 1 / 6) < 4 * found.error[0]


def test_noise_in_a_product_is_lognormal() -> None:
    model = model_of('x: {rule: "x[t-1]*exp(0.2*e[t])", initial: 1}', 'e: {noise: "normal(0, 1)"}')
    found = causalopt.escape(model, start=1, beyond=1.5, within=9, method="ensemble")
    exact = 0.5 * math.erfc(math.log(1.5) / (0.2 * 3) / math.sqrt(2))
    assert abs(found.probability[0] - exact) < 4 * found.error[0]


def test_first_passage_of_a_symmetric_walk_is_twice_its_end() -> None:
    """Reflection: P(the largest of n steps >= k) = P(S >= k) + P(S > k)."""
    model = model_of('x: {rule: "x[t-1] + e[t] + 0*f[t-1]", initial: 0}',
                     "e: {noise: {-1: 1/2, 1: 1/2}}", "f: {noise: uniform}")  # fmt: skip
    found = causalopt.escape(model, start=0, beyond=3.5, within=20, method="ensemble", passage=True)
    ends = {20 - 2 * k: math.comb(20, k) / 2**20 for k in range(21)}
    exact = sum(p * ((s >= 4) + (s > 4)) for s, p in ends.items())
    assert abs(found.probability[0] - exact) < 4 * found.error[0]


def test_walkers_and_the_operator_agree_where_both_apply() -> None:
    rule = "0.8*x[t-1] - 0.3 + 0.7*e[t]*(1 + x[t-1]/9)"
    model = model_of(f'x: {{rule: "{rule}", initial: 0}}', "e: {noise: {0: 1/3, 1: 2/3}}")
    operator = causalopt.escape(model, start=0.0, beyond=0.8, within=[5, 40])
    question = Escape((0.0,), 0.8, (5, 40))
    walked = escape_by_drawn_noise(model, question, walkers=60_000, seed=2)
    assert 0.05 < operator.probability[1] < 0.95
    for p, q, e, s in zip(
        operator.probability, walked.probability, operator.error, walked.error, strict=True
    ):
        assert abs(p - q) < 4 * s + e


def test_walker_0_is_the_run_of_the_same_seed_and_blocks_change_nothing() -> None:
    run = causalopt.run(AR.replace(parameters={"a": 0.5}), nudge="x[0]", hold=[], target="x",
                        steps=30, seed=11)  # fmt: skip
    walk = DrawnWalk(AR.replace(parameters={"a": 0.5}), "x", 0.0, range(31), 11)
    whole = walk.values(0, 200)
    assert (whole[:, 0] == run.W["x"]).all()
    parts = [walk.values(a, b) for a, b in ((0, 7), (7, 130), (130, 200))]
    assert (np.concatenate(parts, axis=1) == whole).all()
    question = Escape((0.0,), 1.0, (30,))
    one, two = (
        escape_by_drawn_noise(AR, question, walkers=40_000, workers=workers) for workers in (1, 2)
    )
    assert one == two


def test_walkers_that_leave_the_floats_are_counted() -> None:
    model = model_of('x: {rule: "x[t-1]**2 * (1 + u[t])", initial: 2}', "u: {noise: uniform}")
    found = causalopt.escape(model, start=2, beyond=1e9, within=40, method="ensemble", walkers=99)
    assert found.status == "overflow"
    assert found.note == "99 of 99 walkers left the floating-point numbers"


@pytest.mark.parametrize("method", ["operator", "diffusion", "exact"])
def test_other_methods_name_the_noise_that_is_in_the_way(method: Any) -> None:
    with pytest.raises(causalopt.QuestionError) as caught:
        causalopt.escape(AR, start=0, beyond=1, within=3, method=method)
    assert str(caught.value) == (
        f"the method {method} follows finitely many values of noise a step, and 'e' (normal(0, 1)) "
        'has a continuum of them: ask by walkers, --method ensemble (method="ensemble" in Python), '
        "or write a finite noise such as bernoulli(1/2) or {0: 1/3, 1: 2/3}"
    )


def test_what_walkers_cannot_do_names_the_variable() -> None:
    words = model_of('x: {rule: "x[t-1] + u[t]", initial: 0}', "u: {noise: uniform}",
                     "w: {noise: {red: 1/2, blue: 1/2}}")  # fmt: skip
    with pytest.raises(causalopt.QuestionError, match="the noise 'w' draws the word 'red'"):
        causalopt.escape(words, start=0, beyond=1, within=3, method="ensemble")
    with pytest.raises(causalopt.QuestionError, match="'e' is not carried from step to step; x"):
        causalopt.escape(AR, start=0, beyond=1, within=3, method="ensemble", target="e")
    with pytest.raises(causalopt.QuestionError, match="1,000,000 steps at most; 2000000 came"):
        causalopt.escape(AR, start=0, beyond=1, within=2_000_000, method="ensemble", walkers=2)


def test_the_command_takes_any_noise(tmp_path: Any) -> None:
    file = tmp_path / "ar.yaml"
    causalopt.write_model(AR, file)
    words = ["escape", str(file), "--start", "0", "--beyond", "1", "--within", "1,10"]
    runner = CliRunner()
    done = runner.invoke(application(["escape"]), [*words, "--method", "ensemble"])
    assert done.exit_code == 0
    assert "walk: P(x > 1 at step N | start 0)" in done.output
    told = runner.invoke(application(["escape"]), [*words, "--method", "ensemble", "--json"])
    assert json.loads(told.stdout)["within"] == [1, 10]


def test_steps_are_counted_from_the_latest_initial_value() -> None:
    """x[2] = start/2 + x[0]/5 + e: after one step, and x[3] after two."""
    model = model_of(
        'x: {rule: "x[t-1]/2 + x[t-2]/5 + e[t]", initial: [2, 0]}', 'e: {noise: "normal(0, 1)"}'
    )
    found = causalopt.escape(model, start=1.0, beyond=1.5, within=[0, 1, 2], method="ensemble")
    assert found.probability[0] == 0
    one = 0.5 * math.erfc((1.5 - 0.9) / math.sqrt(2))
    two = 0.5 * math.erfc((1.5 - 0.65) / math.sqrt(2 * 1.25))
    assert abs(found.probability[1] - one) < 4 * found.error[1]
    assert abs(found.probability[2] - two) < 4 * found.error[2]
