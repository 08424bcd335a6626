"""Edges as thick as their derivatives: the values by hand and by finite differences."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET

import pytest

import causalopt
from causalopt import Model, Node, Nudge, draw, load, world
from causalopt.drawing.graph.edge_looks import THINNEST, WIDEST, thickness
from causalopt.drawing.graph.layout import Link
from causalopt.drawing.graph.local_slopes import Slopes
from causalopt.errors import QuestionError
from tests.drawing.graph.test_page import assert_readable, legend

SVG = "{http://www.w3.org/2000/svg}"


def model(rule: str, x: float = 0.5, **more) -> Model:
    variables = {"x": {"initial": x}, "y": rule, "z": {"initial": 3}}
    return Model(name="m", variables=variables | more, question={"nudge": "x", "target": "y"})


def slope(picture: causalopt.Picture, parent: Node, child: Node):
    assert picture.slopes is not None
    return picture.slopes.of[
        next(k for k in picture.layout.links if (k.source, k.target) == (parent, child))
    ]


@pytest.mark.parametrize(
    ("rule", "x", "expected", "status"),
    [
        ("2*x*z", 0.5, 6.0, "ok"),
        ("-x**3 + z", 0.5, -0.75, "ok"),
        ("exp(x) + z", 0.5, math.exp(0.5), "ok"),
        ("x*(z - 3)", 0.5, 0.0, "zero"),
        ("clip(x, 0, 1) + z", 2.0, 0.0, "zero"),
        ("where(x < 0, x, 5*x) + z", -1.0, 1.0, "ok"),
    ],
)
def test_a_slope_is_the_derivative_of_the_rule(rule, x, expected, status) -> None:
    found = slope(draw(model(rule, x), slopes=True), Node("x"), Node("y"))
    assert found.value == pytest.approx(expected, rel=1e-14, abs=0)
    assert found.status == status


@pytest.mark.parametrize(("rule", "x"), [("abs(x) + z", 0), ("max(x, z)", 3), ("clip(x, 0, 1)", 1)])
def test_a_slope_on_a_kink_says_so(rule: str, x: float) -> None:
    picture = draw(model(rule, x), slopes=True)
    assert slope(picture, Node("x"), Node("y")).status == "kink"
    assert "on a kink: one side's" in legend(picture)
    assert "on a kink" not in " ".join(legend(draw(model(rule, x - 0.25), slopes=True)))


def test_a_slope_that_is_not_finite_or_of_whole_numbers_is_none() -> None:
    picture = draw(model("1/x**2 + z", 0), slopes=True)
    assert slope(picture, Node("x"), Node("y")).status == "nonfinite"
    assert "not finite" in legend(picture)
    counted = {"x": {"rule": "3", "domain": [1, 3]}, "y": "2*x"}
    picture = draw(Model(name="m", variables=counted), slopes=True)
    assert slope(picture, Node("x"), Node("y")).status == "whole"
    assert "none: whole numbers" in legend(picture)


@pytest.mark.parametrize("method", ["euler", "rk4"])
def test_slopes_of_a_flow_are_those_of_a_whole_step(method: str) -> None:
    """Against central differences of worlds, at a late step of a run whose middle is not drawn."""
    lorenz = load("lorenz").replace(method=method)
    picture = draw(lorenz, steps=300, slopes=True, hold="")
    assert picture.slopes is not None
    checked = 0
    for link, found in picture.slopes.of.items():
        if link.target.t != 300:
            continue
        node, h = f"{link.source.variable}[299]", 1e-5
        up, down = (
            world(lorenz, Nudge(node, sign * h), steps=300)[link.target.variable][300]
            for sign in (1, -1)
        )
        assert found.value == pytest.approx((up - down) / (2 * h), rel=1e-6, abs=1e-9)
        checked += 1
    assert checked >= 7


def test_slopes_follow_the_clock_and_the_lags() -> None:
    clock = {"x": {"rule": "0.5*x[t-1] + t*x[t-2]", "initial": [1, 1]}}
    picture = draw(Model(name="m", variables=clock), steps=9, columns=10, slopes=True)
    for t in range(2, 10):
        assert slope(picture, Node("x", t - 1), Node("x", t)).value == 0.5
        assert slope(picture, Node("x", t - 2), Node("x", t)).value == t


def test_thickness_is_linear_in_the_logarithm() -> None:
    found = Slopes({}, largest=100.0, smallest=0.01)
    widths = [thickness(10.0**k, found) for k in range(-2, 3)]
    step = (WIDEST - THINNEST) / 4
    assert widths == pytest.approx([THINNEST + step * k for k in range(5)])
    # Six decades below the largest all are as thin.
    wide = Slopes({}, largest=1e200, smallest=1e-200)
    assert thickness(1e200, wide) == pytest.approx(WIDEST)
    assert thickness(1e194, wide) == thickness(1e-200, wide) == pytest.approx(THINNEST)


def test_edges_have_the_width_the_colour_and_the_dash_of_their_slope() -> None:
    variables = {
        "x": {"initial": 1},
        "big": "100*x",
        "small": "x/100",
        "less": "-x",
        "none": "x*(x - 1) - x",
        "flat": "floor(x/2)*0 + (x - 1)**2",
    }
    picture = draw(Model(name="m", variables=variables), slopes=True)
    drawn = {}
    for group in picture.scene.groups:
        if group.kind.startswith("edge slope"):
            drawn[re.match(r"d (\w+)", group.words)[1]] = (group.kind, group.shapes[0].stroke)
    assert drawn["big"][1].width == pytest.approx(WIDEST)
    assert drawn["small"][1].width == pytest.approx(THINNEST)
    assert drawn["less"][1].width == pytest.approx((WIDEST + THINNEST) / 2)
    assert [drawn[name][0] for name in ("big", "less", "flat")] == [
        "edge slope positive",
        "edge slope negative",
        "edge slope zero",
    ]
    assert drawn["big"][1].dash == ()
    dashes = {drawn[name][1].dash for name in ("big", "less", "flat")}
    assert len(dashes) == 3  # a sign is told without colour
    assert legend(picture)[-5:] == ["dv/du = 100", "1", "0.01", "negative", "zero at these values"]
    assert picture.title == "m: edges: dv/du along W"


def test_every_format_has_the_slopes() -> None:
    picture = draw(load("thermostat_saturating"), steps=4, slopes=True)
    assert_readable(picture)
    widths = {
        float(path.get("stroke-width"))
        for g in ET.fromstring(picture.svg()).iter(f"{SVG}g")
        if g.get("class", "").startswith("edge slope")
        for path in g.iter(f"{SVG}path")
        if path.get("stroke")
    }
    assert len(widths) > 1
    dot = {float(w) for w in re.findall(r" -> .*penwidth=([\d.]+)", picture.dot())}
    mermaid = {
        float(w) for w in re.findall(r"linkStyle .*stroke-width:([\d.]+)px", picture.mermaid())
    }
    assert dot == mermaid == widths
    tikz = {float(w) for w in re.findall(r"\\draw\[edge, .*?line width=([\d.]+)bp", picture.tikz())}
    assert sorted(tikz) == pytest.approx(sorted(0.75 * w for w in widths), abs=0.01)
    page = {float(w) for w in re.findall(r'"width":([\d.]+),"words"', picture.html())}
    assert page == widths


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lorenz96", "joins arrays, and its derivative is a matrix"),
        ("thermostat_smart", "has labels, and labels have no derivative: leave --slopes out"),
    ],
)
def test_other_models_are_refused(name: str, message: str) -> None:
    with pytest.raises(QuestionError, match=message):
        draw(load(name), steps=2, slopes=True)


def test_slopes_of_currents_are_refused() -> None:
    with pytest.raises(QuestionError, match="currents have their question"):
        draw(causalopt.currents(load("thermostat"), steps=3), slopes=True)  # type: ignore[call-overload]


def test_an_edge_that_is_not_drawn_has_no_slope() -> None:
    picture = draw(load("thermostat"), steps=1000, slopes=True)
    assert picture.slopes is not None
    assert set(picture.slopes.of) == set(picture.layout.links)
    assert Link(Node("R", 500), Node("R", 501)) not in picture.slopes.of
