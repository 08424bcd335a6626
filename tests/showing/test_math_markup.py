"""Formulas as MathML: well-formed, cases as cases, and text where they are too long."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import sympy

from causalopt.showing.math_markup import equations

x, t = sympy.Symbol("x"), sympy.Symbol("t")


def parsed(formulas: dict[str, sympy.Basic]) -> ET.Element:
    text = equations(formulas)
    assert text is not None
    return ET.fromstring(re.sub(r"&\w+;", "", text))


def texts(element: ET.Element, tag: str) -> list[str]:
    return [(found.text or "").strip() for found in element.iter(tag)]


def test_cases_are_rows_with_their_conditions() -> None:
    found = parsed({"y": sympy.Piecewise((x, x > 1), (1 / x, True))})
    outer, inner = found.iter("mtable")
    assert len(outer) == 1
    assert len(inner) == 2
    assert texts(inner, "mtext") == ["if", "otherwise"]
    assert ">" in "".join(texts(inner, "mo"))
    assert len(list(inner.iter("mfrac"))) == 1


def test_a_sum_over_roots_names_its_polynomial() -> None:
    roots = sympy.RootSum(x**3 - x - 1, sympy.Lambda(x, x**t))
    found = parsed({"total": roots})
    assert "∑" in texts(found, "mo")
    (under,) = found.iter("munder")
    assert "3" in texts(under, "mn")
    assert "0" in texts(under, "mn")


def test_factors_stand_apart_and_minus_is_no_hyphen() -> None:
    text = equations({"y": sympy.Symbol("train") * sympy.Symbol("z") - 1})
    assert text is not None
    assert "InvisibleTimes" not in text
    assert "<mspace" in text
    assert "<mo>-</mo>" not in text
    assert "\u2212" in text


def test_a_name_that_is_markup_is_a_text() -> None:
    found = parsed({"y": sympy.Symbol("<b>x</b>")})
    assert list(found.iter("b")) == []


def test_what_is_too_long_is_left_to_the_text() -> None:
    long = sum(x**n / (n + t) for n in range(1000))
    assert equations({"y": long}) is None
