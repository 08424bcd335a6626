"""Measures by name, from a call and from the command line."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

import causalopt
from causalopt import Model, load, sweep
from causalopt.cli import main
from causalopt.commands.measure_options import initial_law, integration_method, read_measure
from causalopt.errors import ArgumentError, QuestionError
from causalopt.sweeps.measures.escape_measure import EscapeMeasure
from causalopt.sweeps.measures.op_measure import OpMeasure
from causalopt.sweeps.measures.power_measure import PowerMeasure
from causalopt.sweeps.measures.rates_measure import RatesMeasure
from causalopt.sweeps.measures.strength_measure import StrengthMeasure
from causalopt.sweeps.named_measures import MEASURES, named_measure, setting_names

COIN = Model(
    name="coin",
    parameters={"p": 0.5},
    variables={"s": {"noise": "bernoulli(p)"}, "W": {"rule": "W[t-1] + 2*s[t] - 1", "initial": 0}},
)


@pytest.mark.parametrize(
    ("name", "settings", "expected"),
    [
        ("op", {"nudge": ("R", 0), "steps": np.int64(9)}, OpMeasure(nudge="R[0]", steps=9)),
        ("rates", {"hold": ["a", "b"], "steps": 20}, RatesMeasure(hold="a, b", steps=20)),
        ("rates", {"seed": 4, "transient": None}, RatesMeasure(seed=4)),
        ("strength", {"lasting": None, "fresh": True}, StrengthMeasure(lasting=None, fresh=True)),
        ("strength", {"lasting": 3, "unit": "nat"}, StrengthMeasure(lasting=3, unit="nat")),
        (
            "escape",
            {"start": 1, "beyond": np.float64(2), "within": 5},
            EscapeMeasure(start=1.0, beyond=2.0, within=(5,)),
        ),
        ("escape", {"within": [5, 6]}, EscapeMeasure(within=(5, 6))),
        (
            "power",
            {"over": {"R[0]": (5, 45, 41)}, "estimate": False},
            PowerMeasure(over="R[0]", low=5.0, high=45.0, count=41, estimate=False),
        ),
    ],
)
def test_a_measure_is_made_of_its_name_and_what_is_said(
    name: str, settings: dict[str, Any], expected: object
) -> None:
    assert named_measure(name, settings) == expected


@pytest.mark.parametrize("name", MEASURES)
def test_every_setting_of_a_measure_can_be_said(name: str) -> None:
    fitting: dict[str, Any] = {
        "over": {"x[0]": (0, 1, 5)}, "nudge": "x[0]", "hold": "x", "target": "y", "targets": "y",
        "method": "exact", "initial": "uniform", "unit": "nat", "fresh": True, "passage": True,
        "estimate": False, "within": (4,), "start": 0.5, "beyond": 1.5, "delta": 0.5,
        "given": (), "data": None, "arrays": None,
    }  # fmt: skip
    said = {key: fitting.get(key, 11) for key in setting_names(name)}
    measure = named_measure(name, said)
    fields = {key: value for key, value in said.items() if key != "over"}
    assert {key: getattr(measure, key) for key in fields} == fields
    assert measure.name == name


@pytest.mark.parametrize(
    ("name", "settings", "error", "words"),
    [
        ("rate", {}, QuestionError, "found 'rate'; did you mean 'rates'"),
        (3, {}, QuestionError, "one of op, rates, strength, escape, power, found 3"),
        ("rates", {"walkers": 3}, QuestionError, "'rates' has no setting 'walkers'"),
        ("rates", {"steps": 2.5}, ArgumentError, "steps takes a whole number, found 2.5"),
        ("rates", {"steps": True}, ArgumentError, "steps takes a whole number"),
        ("rates", {"hold": 3}, ArgumentError, "hold takes a text or a list"),
        ("escape", {"start": "0"}, ArgumentError, "start takes a number, found '0'"),
        ("escape", {"within": "100"}, ArgumentError, "within takes a whole number, found '100'"),
        ("escape", {"passage": 1}, ArgumentError, "passage is True or False"),
        ("escape", {"method": 1}, ArgumentError, "method takes a text"),
        ("power", {}, QuestionError, "say which and from where to where"),
        ("power", {"over": {"R[0]": (1, 2)}}, ArgumentError, "low, high and count"),
        ("power", {"over": {"R[0]": (1, 2, 3.5)}}, ArgumentError, "whole number, found 3.5"),
        ("power", {"low": 1}, QuestionError, "no setting 'low'"),
    ],
)
def test_what_a_measure_does_not_take_is_told(
    name: Any, settings: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        named_measure(name, settings)


def test_sweep_takes_measures_by_name_with_their_settings() -> None:
    gains = [0.01, 0.02]
    thermostat, saturating = load("thermostat"), load("thermostat_saturating")
    found: Any = sweep(thermostat, {"k": gains}, measure="rates", steps=500)
    for k, gain in enumerate(gains):
        alone = causalopt.rates(thermostat, steps=500, parameters={"k": gain})
        assert found.op_rate[k] == alone.op_rate
        assert found.error[k] == alone.error
    settings = {"name": "escape", "start": 0, "beyond": 1, "within": [4, 9], "method": "exact"}
    found = sweep(COIN, {"p": [0.2, 0.7]}, measure=settings)
    # Beyond 1 at step 4: at least 3 of 4 up; at step 9: at least 6 of 9 up.
    p = np.array([0.2, 0.7])
    np.testing.assert_allclose(found.probability_4, 4 * p**3 * (1 - p) + p**4, atol=1e-12)
    assert found.dataset.probability_9.dims == ("p",)
    assert found.statuses == {"ok": 2}
    assert found.shape == (2,)
    text = repr(found)
    assert "probability of escape" in text
    assert "probability_9 from" in text
    powers: Any = sweep(
        saturating,
        {"p": [0.5, 1.0]},
        measure={"name": "power", "over": {"R[0]": (5, 45, 41)}},
        at=100,
        estimate=False,
    )
    grid = {"R[0]": np.linspace(5, 45, 41)}
    for k, power in enumerate(powers.power):
        changed = {"p": [0.5, 1.0][k]}
        own: Any = sweep(saturating, grid, parameters=changed, at=100, estimate=False)
        assert power == pytest.approx(own.power, rel=1e-13)


@pytest.mark.parametrize(("chunk", "tasks"), [(1, 6), (2, 3), (5, 2), (100, 1)])
def test_the_numbers_of_a_measure_do_not_depend_on_chunks(chunk: int, tasks: int) -> None:
    model = load("lorenz")
    grid = {"rho": [0.8, 14.0, 28.0], "hold": ["a", "b"]}
    settings = {"name": "rates", "steps": 60, "nudge": "c[0]", "target": "c"}
    whole: Any = sweep(model, grid, measure=settings)
    cut: Any = sweep(model, grid, measure=settings, chunk=chunk)
    assert cut.plan.task_count == tasks
    for name, values in whole.columns.items():
        assert values.tobytes() == cut.columns[name].tobytes()


@pytest.mark.parametrize(
    ("question", "error", "words"),
    [
        ({"measure": "rates", "at": 3}, QuestionError, "no setting 'at'"),
        ({"measure": "rates", "delta": 0.1}, QuestionError, "no setting 'delta'"),
        ({"measure": {"start": 1}}, QuestionError, "say its name"),
        (
            {"measure": {"name": "rates", "steps": 30}, "steps": 40},
            QuestionError,
            "'steps' is said",
        ),
        ({"measure": RatesMeasure(), "steps": 40}, QuestionError, "give it to the measure"),
        ({"measure": 3}, ArgumentError, "measure"),
        ({"measure": "rates", "seeds": 4}, QuestionError, "axis seed"),
    ],
)
def test_a_measure_and_a_question_that_do_not_fit_are_told(
    question: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        sweep(load("lorenz"), {"rho": [20.0]}, **question)


@pytest.mark.parametrize(
    ("measure", "said", "expected"),
    [
        ("op", {"at": 3, "seed": 0, "walkers": None}, None),
        ("rates", {"steps": 60, "passage": False}, {"name": "rates", "steps": 60}),
        ("strength", {"at": 0, "lasting": "ever"}, {"name": "strength", "at": 0, "lasting": None}),
        (
            "escape",
            {"start": 0.0, "within": "4,9", "method": "exact", "seed": 2},
            {"name": "escape", "start": 0.0, "within": (4, 9), "method": "exact", "seed": 2},
        ),
        (
            "power",
            {"over": "R[0]=5:45:41", "hold": "T"},
            {"name": "power", "over": {"R[0]": (5.0, 45.0, 41)}, "hold": "T"},
        ),
    ],
)
def test_options_of_the_command_are_a_measure_s_settings(
    measure: str, said: dict[str, Any], expected: object
) -> None:
    found = read_measure(measure, said)
    assert found == expected
    if found is not None:
        named_measure(found.pop("name"), found)


@pytest.mark.parametrize(
    ("measure", "said", "words"),
    [
        ("op", {"walkers": 3}, "--walkers says something of escape, and op is measured"),
        ("rates", {"at": 0}, "--at says something of op and strength and power, and rates"),
        ("rates", {"seed": 1, "delta": 0.1}, "--delta says something of op"),
        ("strength", {"seed": 1}, "--seed says something of op and rates and escape and power"),
        ("power", {"over": "R[0]=1,2,3"}, "evenly spaced"),
        ("power", {"over": "R[0]=log:1:3:4"}, "evenly spaced"),
        ("power", {"over": "R[0]"}, "--over takes"),
        ("escape", {"within": "4,x"}, "--within takes whole numbers"),
        ("strength", {"lasting": "long"}, "--lasting takes a number of steps"),
    ],
)
def test_options_of_other_measures_are_refused(
    measure: str, said: dict[str, Any], words: str
) -> None:
    with pytest.raises(QuestionError, match=words):
        read_measure(measure, said)


def test_method_is_of_flows_or_of_escape() -> None:
    assert integration_method("op", "rk4") == "rk4"
    assert integration_method("escape", "exact") is None
    assert integration_method("rates", None) is None
    with pytest.raises(QuestionError, match="--method ensemble answers a question of escape"):
        integration_method("rates", "ensemble")


def test_the_law_at_the_start_is_a_word_or_values() -> None:
    assert initial_law("strength", ["uniform"]) == ("uniform", None)
    assert initial_law("strength", ["R=3"]) == (None, ["R=3"])
    assert initial_law("op", ["uniform"]) == (None, ["uniform"])
    assert initial_law("strength", None) == (None, None)


@pytest.mark.parametrize(
    ("words", "variable", "low", "high"),
    [
        # The characteristic roots of Part 3.
        (
            "thermostat --grid k=0.01,0.02 --measure rates --steps 1000",
            "op_rate",
            -math.log((1 + math.sqrt(1 - 4 * 0.01)) / 2),
            -math.log((1 + math.sqrt(1 - 4 * 0.02)) / 2),
        ),
        # FACTS 5: none at t = 0, and 1.1080054 and 1.6905085 bits at t = 1 and 2.
        (
            "thermostat_smart --grid at=0,1 --measure strength --initial uniform",
            "optimizing_strength",
            0.0,
            1.1080054,
        ),
        # FACTS 6.
        (
            "sgd_pit --grid T=0.0125,0.015 --measure escape --start 1.0036974 --beyond 1.1959565 "
            "--within 100 --method operator",
            "probability",
            0.002033,
            0.03241,
        ),
        # FACTS 2: Op at t = 100, over a length of 10.
        (
            "thermostat --grid k=0.01,0.02 --measure power --over R[0]=30:40:3 --at 100",
            "power",
            10 * (1 - math.exp(-1.00508477)),
            10 * (1 - math.exp(-2.04175261)),
        ),
    ],
)
def test_the_command_measures(
    words: str, variable: str, low: float, high: float, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sweep", *words.split(), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["statuses"] == {"ok": 2}
    assert found["measure"] == words.split("--measure ")[1].split()[0]
    assert found[f"{variable}_min"] == pytest.approx(low, rel=2e-3, abs=1e-12)
    assert found[f"{variable}_max"] == pytest.approx(high, rel=2e-3)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("lorenz --grid rho=1,2 --measure rates --at 3", "rates is measured"),
        ("lorenz --grid rho=1,2 --measure power", "over"),
        ("sgd_pit --grid T=0.01 --measure escape --start 1 --within 3", "escape needs beyond"),
        ("sgd_pit --grid T=0.01 --measure rates --method ensemble", "question of escape"),
        ("lorenz --grid rho=1,2 --measure strength", "the law of 'a' is not known"),
        ("thermostat --grid k=1,2 --walkers 3", "--walkers says something of escape"),
        ("lorenz --grid seed=1,2 --measure strength", "no meaning for the measure 'strength'"),
        ("lorenz --grid rho=1 --measure foo", "'foo' is not one of"),
        ("thermostat_smart --grid at=1,2 --measure strength --at 3", "swept and given too"),
    ],
)
def test_the_command_refuses_what_makes_no_sense_before_work(
    words: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sweep", *words.split(), "--json"]) == 2
    assert message in json.loads(capsys.readouterr().out)["error"]["message"]
