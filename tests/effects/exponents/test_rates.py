from __future__ import annotations

import cmath
import json
import math

import numpy as np
import pytest
import scipy.stats

from causalopt import Model, QuestionError, load, rates
from causalopt.cli import main
from causalopt.effects.exponents import rates as rates_file
from causalopt.effects.exponents import world_growth


def one(rule: str, **parameters: float) -> Model:
    variables = {"x": {"rule": rule, "initial": 0.3}, "a": {"rule": "x[t-1]", "initial": 0}}
    return Model(name="map", parameters=parameters, variables=variables, partition={"A": "a"})


def test_logistic_map_at_4_grows_by_ln_2() -> None:
    found = rates(one("4*x[t-1]*(1 - x[t-1])"), steps=20_000)
    assert found.lyapunov[0] == pytest.approx(math.log(2), abs=4e-3)


def test_tent_map_grows_by_ln_mu() -> None:
    found = rates(one("mu*min(x[t-1], 1 - x[t-1])", mu=1.9), steps=2000)
    assert found.lyapunov[0] == pytest.approx(math.log(1.9), rel=1e-12)


def test_cat_map_has_its_golden_exponents() -> None:
    fold = "{0} - floor({0})"
    variables = {
        "x": {"rule": fold.format("(2*x[t-1] + y[t-1])"), "initial": 0.1},
        "y": {"rule": fold.format("(x[t-1] + y[t-1])"), "initial": 0.2},
        "z": {"rule": "x[t]", "initial": 0},
    }
    found = rates(Model(name="cat", variables=variables, partition={"A": "z"}), steps=500)
    assert found.lyapunov == pytest.approx((0.9624236501, -0.9624236501), abs=1e-9)


def test_henon_map_contracts_by_its_jacobian() -> None:
    rule = "1 - 1.4*x[t-1]**2 + 0.3*x[t-2]"
    variables = {"x": {"rule": rule, "initial": [0.1, 0.1]}, "z": {"rule": "x[t]", "initial": 0}}
    found = rates(Model(name="henon", variables=variables, partition={"A": "z"}), steps=20_000)
    assert sum(found.lyapunov) == pytest.approx(math.log(0.3), abs=1e-9)
    assert found.lyapunov[0] == pytest.approx(0.419217, abs=6e-3)


def test_lorenz_exponents_sum_to_its_divergence() -> None:
    found = rates(load("lorenz").replace(method="rk4"), steps=20_000)
    assert sum(found.lyapunov) == pytest.approx(-(10 + 1 + 8 / 3), abs=1e-3)
    assert found.lyapunov[0] == pytest.approx(0.9056, abs=0.05)
    assert found.lyapunov[1] == pytest.approx(0, abs=0.03)
    assert found.conditional == pytest.approx((-1.80, -1.86), abs=0.01)
    assert found.op_rate == pytest.approx(found.conditional[0] - found.lyapunov[0], abs=1e-9)
    assert found.unit == "nats per time unit"


def test_lorenz_driven_by_b_is_two_plain_decays() -> None:
    found = rates(load("lorenz").replace(method="rk4"), hold="b", steps=5000)
    assert found.conditional == pytest.approx((-8 / 3, -10), abs=2e-4)


def test_thermostat_rate_is_its_slow_root() -> None:
    found = rates(load("thermostat"), steps=2000)
    assert found.op_rate == pytest.approx(-math.log((1 + math.sqrt(0.96)) / 2), rel=1e-12)
    assert found.conditional == (0.0,)
    assert found.unit == "nats per step"


def test_a_dead_beat_has_an_infinite_rate() -> None:
    found = rates(one("0.5 + 0*x[t-1]"), steps=20, transient=0)
    assert found.lyapunov == (-math.inf,)
    assert found.to_dict()["lyapunov"] == ["-inf"]


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (load("thermostat"), {"hold": "T[t<=10]"}, "hold whole variables, such as T"),
        (load("thermostat"), {"steps": 3}, "at least 10 steps"),
        (load("thermostat"), {"hold": "T, R"}, "no memory outside the held set"),
        (Model(name="z", variables={"z": 1}), {}, "has none"),
        (
            Model(name="m", variables={"x": {"rule": "2*t"}, "y": {"rule": "x[t]"}}),
            {"hold": "y"},
            "no rule reads an earlier step",
        ),
        (
            Model(name="m", variables={"x": {"rule": "x[t-1]", "initial": 1}}),
            {"nudge": "x[0]", "target": "x"},
            "which nodes are held",
        ),
        (one("x[t-1]"), {"nudge": "x[0]"}, "which variable is measured"),
        (one("x[t-1]"), {"nudge": "a[0]", "target": "x"}, "is in the held set"),
    ],
)
def test_a_rate_that_cannot_be_is_refused(model: Model, options: dict, message: str) -> None:
    with pytest.raises(QuestionError, match=message):
        rates(model, **options)


def test_a_diverging_run_says_so() -> None:
    assert rates(one("x[t-1]**2 + 2"), steps=50).status == "diverged"


@pytest.mark.parametrize("whole", [{"kind": "integer"}, {"domain": "0..4"}])
def test_rates_refuse_dynamics_through_whole_numbers(whole: dict[str, str]) -> None:
    variables = {
        "n": {"rule": "clip(n[t-1] + floor(x[t-1]/10), 0, 4)", "initial": 3, **whole},
        "x": {"rule": "x[t-1] - 0.1*n[t-1]", "initial": 35},
    }
    model = Model(name="counter", variables=variables, partition={"A": "n"})
    with pytest.raises(QuestionError, match="'n' takes whole numbers and the dynamics read it"):
        rates(model, steps=100)


def test_rates_pass_by_whole_numbers_that_carry_nothing() -> None:
    variables = {
        "x": {"rule": "x[t-1]/2", "initial": 8},
        "shown": {"rule": "floor(x[t])", "kind": "integer"},
        "day": {"rule": "floor(t/24)", "kind": "integer"},
        "a": {"rule": "x[t-1] + day[t]", "initial": 0},
    }
    model = Model(name="aside", variables=variables, partition={"A": "a"})
    assert rates(model, steps=100).lyapunov[0] == pytest.approx(-math.log(2), rel=1e-12)


def ring(size: int) -> Model:
    """Neighbours coupled in a ring: its exponents are those of a circulant matrix."""
    variables = {
        f"x{i}": {"rule": f"0.5*x{i}[t-1] + 0.3*x{(i + 1) % size}[t-1]", "initial": 1.0}
        for i in range(size)
    }
    variables["z"] = {"rule": "x0[t]", "initial": 0.0}
    return Model(name="ring", variables=variables, partition={"A": "z"})


def test_a_large_model_gives_its_leading_exponents() -> None:
    found = rates(ring(80), steps=2000)
    assert found.exponents == "leading 16 of 80"
    assert len(found.lyapunov) == 16
    modes = [0.5 + 0.3 * cmath.exp(2j * math.pi * k / 80) for k in range(80)]
    expected = sorted((math.log(abs(mode)) for mode in modes), reverse=True)
    assert found.lyapunov[:3] == pytest.approx(expected[:3], abs=2e-3)


def test_leading_exponents_are_the_first_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    model = load("lorenz").replace(method="rk4")
    whole = rates(model, steps=3000)
    assert whole.exponents == "all 3"
    monkeypatch.setattr(world_growth, "ALL_EXPONENTS", 0)
    monkeypatch.setattr(world_growth, "LEADING_EXPONENTS", 3)
    moved = rates(model, steps=3000, hold="a")
    again = rates(model, steps=3000)
    assert again.lyapunov == pytest.approx(whole.lyapunov, rel=1e-9)
    assert again.conditional == pytest.approx(whole.conditional, rel=1e-9)
    assert moved.lyapunov == pytest.approx(whole.lyapunov, rel=1e-9)


def test_memory_is_moved_as_the_matrices_move_it(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {
        "x": {"rule": "1 - 1.4*x[t-1]**2 + 0.3*x[t-2]", "initial": [0.1, 0.1]},
        "y": {"rule": "0.5*y[t-1] + 0.2*y[t-3] + x[t]*w[t]", "initial": [0, 0, 0]},
        "w": {"rule": "x[t] + 0.1*y[t-2]", "initial": [0, 0, 0]},
    }
    model = Model(name="memory", variables=variables, partition={"A": "w"})
    whole = rates(model, steps=500)
    monkeypatch.setattr(world_growth, "ALL_EXPONENTS", 1)
    monkeypatch.setattr(world_growth, "LEADING_EXPONENTS", 2)
    leading = rates(model, steps=500)
    assert leading.exponents == "leading 2 of 5"
    assert leading.lyapunov[0] == pytest.approx(whole.lyapunov[0], abs=1e-2)
    assert leading.conditional[0] == pytest.approx(whole.conditional[0], abs=1e-2)


def test_rates_name_the_longest_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rates", "thermostat", "--steps", "9" * 20, "--json"]) == 2
    message = json.loads(capsys.readouterr().out)["error"]["message"]
    assert "at most" in message
    assert "steps of this model" in message


def test_rates_pass_by_whole_numbers_that_follow_from_the_step_alone() -> None:
    variables = {
        "day": {"rule": "floor(t/24)", "kind": "integer"},
        "x": {"rule": "x[t-1]/2 + day[t]", "initial": 8},
        "a": {"rule": "x[t-1]", "initial": 0},
    }
    model = Model(name="days", variables=variables, partition={"A": "a"})
    assert rates(model, steps=100).lyapunov[0] == pytest.approx(-math.log(2), rel=1e-12)


def test_the_longest_run_is_the_one_whose_numbers_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thermostat has two variables and three slopes a step."""
    monkeypatch.setattr(rates_file, "MOST_NUMBERS", 500)
    assert rates(load("thermostat"), steps=91, transient=9).status == "ok"
    message = "rates hold 5 numbers a step, 500 in all: at most 100 steps of this model, the "
    with pytest.raises(QuestionError, match=f"{message}transient's included; 101 came"):
        rates(load("thermostat"), steps=91, transient=10)


def test_a_transient_is_not_negative_and_a_tenth_when_not_given() -> None:
    with pytest.raises(QuestionError, match="a transient of 0 or more"):
        rates(load("thermostat"), steps=50, transient=-1)
    assert rates(load("thermostat"), steps=50).transient == 5


def test_a_run_that_becomes_undefined_says_so_and_has_no_rates() -> None:
    found = rates(one("sqrt(x[t-1] - 1)"), steps=20)
    assert (found.status, found.to_dict()["lyapunov"]) == ("nonfinite", [None])


def test_rates_are_slopes_with_the_larger_error_of_ten_and_twenty_batches() -> None:
    """x grows by 1 + t/5 at step t, and without a not at all."""
    variables = {
        "a": {"rule": "x[t-1]*t/5", "initial": 0},
        "x": {"rule": "x[t-1] + a[t]", "initial": 0},
    }
    model = Model(name="m", variables=variables, partition={"A": "a"})
    found = rates(model, steps=40, transient=0)
    sizes = np.cumsum([0] + [-math.log1p(t / 5) for t in range(1, 41)])
    assert found.op_rate == pytest.approx(np.polyfit(range(41), sizes, 1)[0], rel=1e-12)
    errors = []
    for length in (4, 2):
        starts = range(0, 40, length)
        pieces = [sizes[k : k + length + 1] for k in starts]
        slopes = [np.polyfit(range(length + 1), piece, 1)[0] for piece in pieces]
        errors.append(scipy.stats.sem(slopes))
    assert found.error == pytest.approx(max(errors), rel=1e-9)


@pytest.mark.parametrize(("steps", "transient"), [(100, 1), (100, 0), (70, 30), (50, None)])
def test_as_many_steps_count_as_are_asked_for(
    steps: int, transient: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = []

    def slope(logs: np.ndarray) -> np.ndarray:
        counted.append(len(logs))
        return logs.mean(axis=0)

    monkeypatch.setattr(rates_file, "slope", slope)
    for model in (load("thermostat"), one("x[t-1]/2"), memory(3)):
        assert rates(model, steps=steps, transient=transient).steps == steps
    assert set(counted) == {steps}


def memory(length: int) -> Model:
    variables = {"x": {"rule": f"x[t-1]/2 + x[t-{length}]/8", "initial": [1] * length}}
    return Model(name="memory", variables=variables)


SETTLED = {
    "d": {"rule": "d[t-1]", "initial": 1},
    "y": {"rule": "0.5*y[t-1] - u[t-1] + d[t]", "initial": 0},
    "u": {"rule": "u[t-1] + 0.1*y[t]", "initial": 0},
}


def integrator(**more: dict) -> Model:
    return Model(
        name="integrator",
        variables={**SETTLED, **more},
        partition={"A": ["u"]},
        question={"nudge": "d[0]", "target": "y"},
    )


def test_the_solver_forgets_by_ln_2_a_step() -> None:
    """e_t = (1 - alpha)^t d, and without a it is d."""
    found = rates(load("solver"), steps=1000)
    assert found.op_rate == pytest.approx(math.log(2), rel=1e-12)
    assert found.generic_rate == pytest.approx(0, abs=1e-12)
    assert found.differs
    assert found.silent == ("m does not observe d - a (total effect)",)
    other = rates(load("solver"), steps=1000, parameters={"alpha": 0.75})
    assert other.op_rate == pytest.approx(2 * math.log(2), rel=1e-12)


def test_an_integrator_removes_a_constant_disturbance_by_its_loop_s_roots() -> None:
    """l^2 - 1.4 l + 0.5 has roots of size 1/sqrt 2; without u the disturbance stays."""
    found = rates(integrator(), steps=2000)
    assert abs(found.op_rate - math.log(2) / 2) < 2 * found.error
    assert found.op_rate == pytest.approx(math.log(2) / 2, abs=1e-4)
    assert found.silent == ("m does not observe d + u (total effect)",)


@pytest.mark.parametrize(
    ("nudge", "target", "z", "rate"),
    [
        ("D[0]", "e_D", 1, math.log(10 / 7)),
        ("off[0]", "e_R", 0, math.log(10 / 7)),
        ("off[0]", "e_R", 1, 0.0),
        ("pos[0]", "pos", 0, math.log(10 / 7)),
    ],
)
def test_the_maze_s_rates_are_its_facts(nudge: str, target: str, z: int, rate: float) -> None:
    found = rates(load("maze"), nudge=nudge, target=target, parameters={"z": z}, steps=500)
    assert found.op_rate == pytest.approx(rate, abs=1e-12)


def test_an_island_of_chaos_does_not_change_a_question_s_rate() -> None:
    chaos = {"z": {"rule": "3.9*z[t-1]*(1 - z[t-1])", "initial": 0.3}}
    found = rates(integrator(**chaos), steps=2000)
    assert found.op_rate == pytest.approx(rates(integrator(), steps=2000).op_rate, rel=1e-9)
    assert found.lyapunov[0] > 0.4
    assert "n does not excite z (total effect)" in found.silent


def test_a_far_larger_model_around_a_loop_is_silent_by_the_graph() -> None:
    variables = {**SETTLED, **{f"x{i}": {"rule": f"x{i}[t-1]", "initial": 1} for i in range(70)}}
    model = integrator(**variables)
    found = rates(model, steps=200)
    assert found.exponents == "leading 16 of 73"
    assert found.op_rate == pytest.approx(rates(integrator(), steps=200).op_rate, rel=1e-6)


def follower(d: str, s: str, earlier: str) -> Model:
    """a follows s, so that e_t = e_(t-1)/2 whatever d does."""
    variables = {
        "d": {"rule": d, "initial": 0.3},
        "a": {"rule": f"a[t-1] - ({s} - {earlier}) - ({earlier} + a[t-1])/2", "initial": 0},
        "e": {"rule": f"{s} + a[t]"},
    }
    question = {"nudge": "d[0]", "target": "e"}
    return Model(name="m", variables=variables, partition={"A": "a"}, question=question)


@pytest.mark.parametrize(
    "model",
    [
        follower("d[t-1]", "d[t]*(2 + sin(t))", "d[t-1]*(2 + sin(t - 1))"),
        follower("3.9*d[t-1]*(1 - d[t-1])", "d[t]**2", "d[t-1]**2"),
    ],
)
def test_what_m_does_not_observe_is_unresolved_where_it_turns(model: Model) -> None:
    found = rates(model, steps=1000)
    assert found.status == "unresolved"
    assert found.to_dict()["op_rate"] is None


@pytest.mark.parametrize(
    ("nudge", "target", "status", "rate"),
    [
        ("x[0]", "gone", "perfect", math.inf),
        ("x[0]", "a", "held", -math.inf),
        ("x[0]", "through", "only_path", -math.inf),
        ("x[0]", "z", "no_influence", math.nan),
    ],
)
def test_an_effect_that_is_0_in_the_end_has_its_status(
    nudge: str, target: str, status: str, rate: float
) -> None:
    variables = {
        "x": {"rule": "x[t-1]/2", "initial": 1},
        "a": {"rule": "-x[t]"},
        "gone": {"rule": "x[t] + a[t] + 0*gone[t-1]", "initial": 0},
        "through": {"rule": "a[t]"},
        "z": {"rule": "z[t-1]", "initial": 1},
    }
    model = Model(name="m", variables=variables, partition={"A": "a"})
    found = rates(model, nudge=nudge, target=target, steps=50)
    assert found.status == status
    assert found.op_rate == pytest.approx(rate, nan_ok=True)


def test_a_question_that_lies_in_a_is_left_for_generic_n_and_m() -> None:
    found = rates(load("solver"), hold="e", steps=100)
    assert (found.nudge, found.target, found.op_name) == ("", "", "Op")
    assert found.op_rate == found.generic_rate


def test_without_a_there_are_the_plain_exponents() -> None:
    model = Model(name="m", variables={"x": {"rule": "x[t-1]/2", "initial": 1}})
    found = rates(model, steps=50)
    assert found.lyapunov == pytest.approx((-math.log(2),), rel=1e-12)
    assert (found.hold, found.conditional) == ("", ())
    assert found.to_dict()["op_rate"] is None


def test_a_map_s_rank_gives_the_exponents_of_minus_infinity() -> None:
    """Exactly, through a row of A at the same step, and with slopes that are rounded."""
    held_row = {"x": "0.3*x[t-1] + 0.7*a[t-1]", "a": "1.7*x[t]"}
    rounded = {"x": "0.1*x[t-1] + 0.3*y[t-1]", "y": "0.3*x[t-1] + 0.9*y[t-1]"}
    chain = {"x": "0.9*x[t-1]", "y": "x[t-1]", "z": "y[t-1]", "w": "z[t-1]"}
    tiny = {"x": "x[t-1]/2 + 5*y[t-1]", "y": "1e-20*y[t-1]"}
    for rules, expected in (
        (held_row, [math.log(0.3 + 0.7 * 1.7), -math.inf]),
        (rounded, [0.0, -math.inf]),
        (chain, [math.log(0.9), -math.inf, -math.inf]),
        (tiny, [math.log(0.5), -20 * math.log(10)]),
    ):
        variables = {name: {"rule": rule, "initial": 1} for name, rule in rules.items()}
        found = rates(Model(name="m", variables=variables), steps=200)
        assert found.lyapunov == pytest.approx(expected, abs=1e-9)


def test_with_noise_exponents_are_of_one_realisation(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = (rates(load("sgd_pit"), steps=500, seed=seed) for seed in (1, 2))
    assert (first.realisation, second.realisation) == (1, 2)
    assert first.lyapunov != second.lyapunov
    assert rates(load("lorenz"), steps=50).realisation is None
    assert main(["rates", "sgd_pit", "--steps", "50", "--seed", "3"]) == 0
    assert "one realisation of the noise, --seed 3" in capsys.readouterr().out


def test_the_command_takes_what_the_call_takes(capsys: pytest.CaptureFixture[str]) -> None:
    words = "rates maze --nudge off[0] --target e_R --set z=0 --initial pos=2 --transient 7"
    assert main([*words.split(), "--steps", "50", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["nudge"], printed["target"], printed["transient"]) == ("off[0]", "e_R", 7)
    assert printed["op_rate"] == pytest.approx(math.log(10 / 7), rel=1e-12)


def test_a_zero_within_its_error_is_printed_as_0(capsys: pytest.CaptureFixture[str]) -> None:
    """At once where the error is rounding, else with it: the solver's 0, the Lorenz system's."""
    rows = []
    for words in ("lorenz --steps 3000", "solver --steps 1000"):
        assert main(["rates", *words.split()]) == 0
        rows += [line for line in capsys.readouterr().out.splitlines() if "Lyapunov" in line]
    value, sign, error = rows[0].split()[-4:-1]
    assert sign == "+-"
    assert abs(float(value)) < 2 * float(error)
    assert rows[1].split()[2] == "0"


def oscillators(count: int, gain: float) -> Model:
    """Neighbours that pull at each other in a ring, all in step: the flow's map is a Laplacian."""
    variables = {
        f"x{i}": {
            "flow": f"1 + K*(sin(x{(i + 1) % count} - x{i}) + sin(x{(i - 1) % count} - x{i}))",
            "initial": 0.5,
        }
        for i in range(count)
    }
    held = [f"x{i}" for i in range(0, count, 5)]
    return Model(
        name="oscillators",
        parameters={"K": gain},
        variables=variables,
        dt=0.05,
        method="euler",
        partition={"A": held},
    )


def test_leading_exponents_are_as_many_as_are_asked_for() -> None:
    """Of a ring, 2 K (cos(2 pi k / n) - 1); given every fifth, those of paths of four, n/5 each."""
    found = rates(oscillators(80, 4.0), steps=3000, transient=3000, exponents=20)
    assert found.exponents == "leading 20 of 80"
    whole = sorted((8 * (math.cos(2 * math.pi * k / 80) - 1) for k in range(80)), reverse=True)
    paths = [8 * (math.cos(math.pi * k / 5) - 1) for k in (1, 2) for _ in range(16)]
    for printed, flow in ((found.lyapunov, whole), (found.conditional, paths)):
        expected = [math.log1p(0.05 * value) / 0.05 for value in flow[:20]]
        assert printed == pytest.approx(expected, abs=1e-5)


def test_fewer_exponents_are_the_first_of_all() -> None:
    whole = rates(load("lorenz"), hold="b", steps=2000)
    found = rates(load("lorenz"), hold="b", steps=2000, exponents=1)
    assert found.exponents == "leading 1 of 3"
    assert found.lyapunov == pytest.approx(whole.lyapunov[:1], rel=1e-3)
    assert found.conditional == pytest.approx(whole.conditional[:1], rel=1e-3)
    every = rates(load("lorenz"), hold="b", steps=2000, exponents=3)
    assert (every.exponents, len(every.conditional)) == ("all 3", 2)


@pytest.mark.parametrize("count", [0, -1, 4])
def test_exponents_that_are_not_there_are_refused(
    count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rates", "lorenz", "--exponents", str(count), "--steps", "50"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    message = f"{count} exponents were asked for: this model has as many as it remembers values"
    assert message in " ".join(said.err.split())
    assert "3; ask for 1 to 3" in " ".join(said.err.split())


def test_the_command_asks_for_exponents(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rates", "lorenz", "--exponents", "2", "--steps", "50"]) == 0
    assert "exponents: leading 2 of 3" in capsys.readouterr().out
