"""Points as models of their own: what cannot be asked, or leaves the floats, has a status."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from causalopt import Model, load
from causalopt.errors import QuestionError
from causalopt.sweeps.measures.power_measure import PowerMeasure
from causalopt.sweeps.measures.strength_measure import StrengthMeasure
from causalopt.sweeps.point_models import (
    asked_somewhere,
    axis_roles,
    evaluate_points,
    point_rows,
    points_a_second,
)

POINTS = {"k": np.array([0.1, 0.2, 0.3, 0.4])}


def _ask(model: Model, own: dict[str, Any]) -> tuple[dict[str, float], str]:
    """Answer twice k; fail in three ways at three of the points."""
    assert own == {}
    k = float(model.parameters["k"])
    if k == 0.2:
        raise ZeroDivisionError
    if k == 0.3:
        raise QuestionError("no")
    if k == 0.4:
        raise np.linalg.LinAlgError
    return {"S": 2 * k}, "ok"


@pytest.mark.parametrize(
    ("measure", "word"),
    [(StrengthMeasure(), "overflow"), (PowerMeasure(low=0, high=1, count=3), "nonfinite")],
)
def test_a_point_that_fails_leaves_the_others(measure: Any, word: str) -> None:
    model = load("thermostat")
    if measure.name == "power":
        found = evaluate_points(measure, model, POINTS, lambda m, own: ({}, _ask(m, own)[1]))
    else:
        found = evaluate_points(measure, model, POINTS, _ask)
        assert found["S"][0] == 0.2
        assert np.isnan(found["S"][1:]).all()
    words = [measure.statuses[code] for code in found["status"]]
    assert words == ["ok", word, "refused", word]


def test_other_exceptions_are_not_hidden() -> None:
    def broken(model: Model, own: dict[str, Any]) -> tuple[dict[str, float], str]:
        raise RuntimeError(f"a mistake of the program, {model.name} {own}")

    with pytest.raises(RuntimeError, match="a mistake"):
        evaluate_points(StrengthMeasure(), load("thermostat"), POINTS, broken)


def test_a_question_that_leaves_the_floats_everywhere_is_told() -> None:
    def divided(row: dict[str, Any]) -> float:
        return float(row["k"]) / 0.0

    with pytest.raises(QuestionError, match=r"leaves the floats at {'k': 0\.1}"):
        asked_somewhere(POINTS, divided)
    assert asked_somewhere(POINTS, lambda row: 1 / (row["k"] - 0.1 or 0)) == [
        pytest.approx(1 / (k - 0.1)) for k in (0.2, 0.3, 0.4)
    ]


def test_a_model_s_parameter_is_meant_before_an_axis_of_the_measure() -> None:
    model = Model(
        name="own",
        parameters={"at": 1, "k": 1},
        variables={"x": {"rule": "at*x[t-1]", "initial": [1, 2]}},
    )
    roles = axis_roles(model, ["at", "horizon", "x[1]"], ("at", "horizon"), "strength")
    assert roles.parameters == ("at",)
    assert roles.own == ("horizon",)
    (row,) = point_rows({"at": np.array([3.0]), "horizon": np.array([2]), "x[1]": np.array([5.0])})
    changed = roles.model_at(model, row)
    assert changed.parameters["at"] == 3
    assert changed.variables["x"].initial == (1, 5)
    assert roles.own_at(row) == {"horizon": 2}


def test_a_task_of_points_takes_about_a_second() -> None:
    assert [points_a_second(s) for s in (3.0, 0.25, 1e-9)] == [1, 4, 4096]
