"""Units that do not fit: what must be said, and what must not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pint
import pytest

from causalopt import Model, load, parse_model, to_text
from causalopt.checks.unit_checks import unit_doubts
from causalopt.checks.unit_system import UnitSystem
from causalopt.cli import main

UNITS = {
    "x": "m",
    "y": "cm",
    "v": "m/s",
    "T": "K",
    "C": "degC",
    "F": "degF",
    "dC": "delta_degC",
    "phi": "rad",
    "deg": "degree",
    "share": "percent",
    "free": None,
    "one": "",
}


CLOCK = {"rule": "clock[t-1]", "initial": 1}  # so that it is a model with time


def doubts(text: str, unit: str | None = None, key: str = "rule", **more: object) -> list[str]:
    """Return what is said of a text that gives a variable in some unit."""
    given = {name: {"initial": 1, "unit": named} for name, named in UNITS.items()}
    names = {"dt": 1, "method": "euler"} if key == "flow" else {}
    model = Model(
        name="m",
        variables={**given, "out": {key: text, "initial": 1, "unit": unit}, "clock": CLOCK},
        parameters={
            "k": {"value": 2, "unit": "1/s"},
            "n": 3,
            "metre": {"value": 1, "unit": "m"},
            "tau": {"value": "1/k"},
        },
        functions={"g(a)": "exp(a)", "area(a)": "a**2"},
        **{**names, **more},
    )
    return [doubt.message for doubt in unit_doubts(model)]


RIGHT = [
    ("x[t-1] + 2*x[t-1]", "m"),
    ("x[t-1] + 3", "m"),
    ("x[t-1] + y[t-1]*0.01", None),  # the reader does not know that 0.01 converts
    ("x[t-1]*x[t-1]", "m**2"),
    ("x[t-1]**2/x[t-1]", "m"),
    ("sqrt(x[t-1]**2)", "m"),
    ("x[t-1]**n", "m**3"),
    ("v[t-1]/k", "m"),
    ("v[t-1]*tau", "m"),
    ("exp(x[t-1]/metre)", ""),
    ("exp(-k*tau)", ""),
    ("sin(phi[t-1])", ""),
    ("max(x[t-1], 0)", "m"),
    ("clip(x[t-1], -2, 2)", "m"),
    ("where(x[t-1] > 0, x[t-1], 0)", "m"),
    ("C[t-1] - C[t-1]", "K"),
    ("C[t-1] + dC[t-1]", "degC"),
    ("0.5*C[t-1] + 0.5*C[t-1]", "degC"),
    ("C[t-1] - 20", "delta_degC"),
    ("x[t-1] + free[t-1]", "m"),
    ("exp(x[t-1]*free[t-1])", ""),
    ("x[t-1] + free[t-1]*v[t-1]", "m"),
    ("area(x[t-1])", "m**2"),
    ("diff(area, x[t-1])", "m"),
    ("abs(x[t-1]) + floor(x[t-1])", "m"),
    ("sign(x[t-1])", ""),
    ("1 - share[t-1]/share[t-1]", ""),
    ("x[t-1]", "meter"),
    ("t*x[t-1]", "m"),
]


@pytest.mark.parametrize(("text", "unit"), RIGHT)
def test_what_fits_is_left_alone(text: str, unit: str | None) -> None:
    found = doubts(text, unit)
    if "y[t-1]*0.01" in text:
        assert found == ["adds m and cm: numbers are not converted, and 1 m is 100 cm"]
    else:
        assert found == []


WRONG = [
    ("x[t-1] + v[t-1]", "m", "adds m and m/s: these are different quantities"),
    ("x[t-1] - y[t-1]", "m", "subtracts m and cm: numbers are not converted, and 1 m is 100 cm"),
    ("where(x[t-1] > v[t-1], 1, 0)", "", "compares m and m/s: these are different quantities"),
    ("max(x[t-1], v[t-1])", "m", "takes the larger of m and m/s: these are different quantities"),
    ("min(v[t-1], x[t-1])", None, "takes the smaller of m/s and m: these are different quantities"),
    ("clip(x[t-1], 0, v[t-1])", "m", "takes the smaller of m and m/s"),
    ("where(x[t-1] > 0, x[t-1], v[t-1])", "m", "chooses between m and m/s"),
    ("exp(x[t-1])", "", "exp takes a number, and this is in m: divide it by a parameter in"),
    ("log(v[t-1])", "", "log takes a number, and this is in m/s"),
    ("sin(deg[t-1])", "", "sin takes a number, and this is in deg: multiply it by 0.0174533"),
    ("exp(share[t-1])", "", "exp takes a number, and this is in %: multiply it by 0.01"),
    ("g(x[t-1])", "", "exp takes a number, and this is in m"),
    ("2**x[t-1]", "", "an exponent is a number, and this is in m"),
    ("x[t-1]**one[t-1]", None, "the unit of a power of m changes with its exponent"),
    ("T[t-1] - C[t-1]", "K", "subtracts K and degC: their zeros differ"),
    ("max(T[t-1], C[t-1])", "K", "takes the larger of K and degC: their zeros differ"),
    ("C[t-1] + F[t-1]", "degC", "adds degC and degF: their zeros differ"),
    ("C[t-1]**4", None, "a power of degC depends on its zero: use K, from 0"),
    ("x[t-1]", "m/s", "this is in m, and 'out' is in m/s: these are different quantities"),
    ("x[t-1]", "cm", "this is in m, and 'out' is in cm: numbers are not converted, and 1 m is 100"),
    ("T[t-1]", "degC", "this is in K, and 'out' is in degC: their zeros differ"),
    ("x[t-1]*x[t-1]", "m", "this is in m**2, and 'out' is in m: these are different quantities"),
    ("diff(area, x[t-1])", "m**2", "this is in m, and 'out' is in m**2"),
    ("v[t-1]*k", "m", "this is in m/s**2, and 'out' is in m"),
    ("x[t-1]/2", "s", "this is in m, and 'out' is in s: these are different quantities"),
    ("x[t-1]*tau", "m", "this is in m*s, and 'out' is in m: these are different quantities"),
    ("dC[t-1]*x[t-1]", "m", "this is in delta_degC*m, and 'out' is in m"),
]


@pytest.mark.parametrize(("text", "unit", "message"), WRONG)
def test_what_does_not_fit_is_said(text: str, unit: str | None, message: str) -> None:
    (found,) = doubts(text, unit)
    assert found.startswith(message)


FLOWS = [
    ("v", "m", "s", []),
    ("v", "m", None, []),
    ("-k*(C - 20)", "degC", "s", []),
    ("v", "m", "h", ["this flow is in m/s, and it must be in m/h, 'out' per h: numbers are not "]),
    ("x", "m", "s", ["this flow is in m, and it must be in m/s, 'out' per s: these are different"]),
    ("x", "m", None, ["this flow is in m, and it must be in m per unit of time, as 'out': say wh"]),
    ("v/k", "m", None, ["this flow is in m, and it must be in m per unit of time, as 'out'"]),
    ("v*time/dt", "m", "s", []),
    ("exp(time)*v", "m", "s", ["exp takes a number, and this is in s"]),
]


@pytest.mark.parametrize(("text", "unit", "time", "messages"), FLOWS)
def test_a_flow_is_its_variable_per_unit_of_time(
    text: str, unit: str, time: str | None, messages: list[str]
) -> None:
    found = doubts(text, unit, "flow", time_unit=time)
    assert len(found) == len(messages)
    for said, message in zip(found, messages, strict=True):
        assert said.startswith(message)


def test_a_lag_in_time_is_in_the_unit_of_time() -> None:
    minutes = {"value": 2, "unit": "min"}
    variables = {"x": {"rule": "x[time - tau]", "initial": 1, "unit": "m"}}
    model = Model(name="m", variables=variables, parameters={"tau": minutes}, time_unit="s")
    (found,) = unit_doubts(model)
    assert found.message == (
        "this lag is in min, and time is in s: numbers are not converted, and 1 min is 60 s"
    )


def test_a_parameter_has_a_unit_in_every_format() -> None:
    text = "{name: m, parameters: {k: {value: 0.5, unit: 1/s}, n: 2}, time_unit: s, "
    text += "variables: {x: {rule: 'k*x[t-1]', initial: 1}}}"
    model = parse_model(text)
    assert model.parameters == {"k": 0.5, "n": 2}
    assert model.parameter_units == {"k": "1/s"}
    for kind in ("yaml", "toml", "json"):
        assert parse_model(to_text(model, kind), kind) == model
        assert "parameter_units" not in to_text(model, kind)
    assert model.replace(parameters={"k": 3}).parameter_units == {"k": "1/s"}
    assert model.fingerprint == parse_model(text.replace("1/s", "kg")).fingerprint


def test_units_are_pint_s_own() -> None:
    """Whether two units fit is asked of another registry, by converting quantities."""
    system = UnitSystem()
    other: Any = pint.UnitRegistry()
    names = ["m", "km", "s", "kg", "N", "kg*m/s**2", "J", "W*s", "Hz", "1/s", "rad", "", "percent"]
    for a in names:
        for b in names:
            one = other.Quantity(1.0, a)
            fits = one.is_compatible_with(b) and one.to(b).magnitude == pytest.approx(1, rel=1e-12)
            assert (system.problem(system.unit(a), system.unit(b)) == "") is fits


def test_an_unknown_unit_is_named_with_the_nearest() -> None:
    found = doubts("free[t-1]", "metr")
    assert found == ["unknown unit 'metr'; did you mean 'metre'?"]
    (found_one,) = doubts("free[t-1]", "apples")
    assert found_one.startswith("unknown unit 'apples': it is left alone")


@pytest.mark.parametrize("unit", ["100 m", "((", "m s**", "☃", "m/s/", "="])
def test_a_unit_that_is_none_is_no_traceback(unit: str) -> None:
    (found,) = doubts("free[t-1]", unit)
    assert unit in found or "unknown unit" in found


def test_without_units_pint_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(UnitSystem, "__init__", lambda _: pytest.fail("pint was asked"))
    assert unit_doubts(load("thermostat")) == []


ROOM = """\
name: room
time_unit: s
parameters:
  k: {value: 0.1, unit: 1/s}
variables:
  T: {rule: "T[t-1] - k*T[t-1]", initial: 20, unit: K}
question: {nudge: "T[0]", hold: [], target: T, steps: 3}
"""


def test_strict_makes_warnings_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "room.yaml"
    file.write_text(ROOM.replace("hold: [], ", ""))
    warning = (
        f"{file}:6:23: subtracts K and K/s: these are different quantities\n"
        '  6 |   T: {rule: "T[t-1] - k*T[t-1]", initial: 20, unit: K}\n'
        "    |                       ^"
    )
    assert main(["check", str(file)]) == 0
    assert f"\nwarning: {warning}\n" in capsys.readouterr().out
    assert main(["check", str(file), "--strict"]) == 2
    assert capsys.readouterr().err == f"error: {warning}\n"
