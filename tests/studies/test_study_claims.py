"""Claims: each kind holds where it is true, and is refuted where it is not."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

from causalopt.studies.landscape_maps import LandscapeMaps, landscape_maps
from causalopt.studies.plane_sections import evaluated
from causalopt.studies.rate_diagram import RateDiagram, rate_diagram
from causalopt.studies.study_claims import CheckedClaim, checked_claims
from tests.studies.study_texts import CURVE, PLANE, study

OP = np.arange(36.0).reshape(6, 6) - 10  # up, right
COMP = OP / 35 + 0.25


def known(folder: Path, *claims: str) -> LandscapeMaps:
    """Return landscapes whose numbers are known: the same in all, but for the question's number."""
    found = landscape_maps(study(folder, PLANE, *claims), size=6, workers=1)
    shape = found.op.shape
    shift = np.arange(2)[None, :, None, None, None]
    return dataclasses.replace(
        found,
        op=np.broadcast_to(OP, shape) + shift,
        comp=np.broadcast_to(COMP, shape) + 0.0 * shift,
    )


def checked(folder: Path, claim: str) -> CheckedClaim:
    (found,) = checked_claims(known(folder, claim))
    return found


A, C = "where: {hold: a}", "where: {hold: c}"


@pytest.mark.parametrize(
    ("claim", "holds", "computed"),
    [
        # 25 of -10 .. 25 are above 0; of the second question 26.
        (f'share: "op > 0", {A}, value: "25/36", tolerance: 1e-9', True, "0.694444"),
        (f'share: "op > 0", {C}, value: "25/36", tolerance: 1e-9', False, "0.722222"),
        (f'share: "op >= 0", {A}, value: "26/36", tolerance: 1e-9', True, "0.722222"),
        (f'share: "op < -8.5", {A}, value: "2/36", tolerance: 1e-9', True, "0.0555556"),
        ('share: "op > 0", between: [0.69, 0.73]', True, "0.694444 to 0.722222"),
        ('share: "op > 0", between: [0.70, 0.73]', False, "0.694444 to 0.722222"),
        (f"median: op, {A}, value: 7.5", True, "7.5"),
        (f"least: op, {A}, value: -10", True, "-10"),
        (f"largest: op, {A}, between: [24.9, 25.1]", True, "25"),
        (f"largest: op, {A}, between: [25.1, 26]", False, "25"),
        # The cells of s lie at -16.67, -10, ..., those of c at 3.33, 10, ...: the lowest left four.
        (f'largest: op, {A}, inside: {{s: [-20, -9], "c[0]": [0, 11]}}, value: -3', True, "-3"),
        (f'least: op, {A}, inside: {{s: [9, 20], "c[0]": [29, 40]}}, value: 18', True, "18"),
        (f"every: op, {A}, between: [-10, 25]", True, "-10 to 25"),
        (f"every: op, {A}, between: [-10, 24]", False, "-10 to 25"),
        (f"mirror: [s], {A}, value: 0", False, "5"),
        (f'mirror: [s, "c[0]"], {A}, value: 35', True, "35"),
        (f"like: {{rho: 28}}, {A}, value: 0", True, "0"),
        (f'like: {{hold: c, nudge: "a[0]", target: b}}, {A}, value: 0', False, "1"),
        ('refused: "made in B", where: {hold: a, nudge: "a[0]", target: b}', True, None),
        ('refused: "no such words", where: {hold: a, nudge: "a[0]", target: b}', False, None),
        ('refused: "made in B", where: {hold: a, nudge: "b[0]", target: b}', False, "it was asked"),
        ('point: {s: 0, c: 10}, where: {hold: c, at: 20}, status: no_influence', False, "ok"),
        ('point: {s: 0, c: 10}, where: {hold: c, at: 20}, status: ok', True, "ok"),
    ],
)  # fmt: skip
def test_a_claim_holds_where_it_is_true(
    tmp_path: Path, claim: str, holds: bool, computed: str | None
) -> None:
    found = checked(tmp_path, claim)
    assert found.holds is holds, found
    assert computed is None or found.computed == computed
    assert found.symbol == ("✓" if holds else "≠")


def test_an_integral_is_of_each_row_and_may_follow_its_parameter(tmp_path: Path) -> None:
    text = PLANE.replace("{s: [-20, 20]", "{sigma: [8, 12]").replace("{a: s, b: s}", "{b: 2}")

    def asked(claim: str) -> CheckedClaim:
        found = landscape_maps(study(tmp_path, text, claim), size=6, workers=1)
        sigma, c = found.axes.values()
        comp = np.broadcast_to(1 - (3 * sigma + 0 * c[:, None]) / 40, found.comp.shape)
        return checked_claims(dataclasses.replace(found, comp=comp))[0]

    over_c = asked('integral: "c[0]", value: "3*sigma", tolerance: 1e-9')
    assert over_c.holds
    assert over_c.computed.startswith("25 to 35")
    assert not asked('integral: "c[0]", value: "3*sigma + 1e-6", tolerance: 1e-9').holds
    over_sigma = asked("integral: sigma, value: 3, tolerance: 1e-9")  # 4 * mean of 3 sigma/40
    assert over_sigma.holds


def test_what_has_no_number_holds_no_claim_of_every_point(tmp_path: Path) -> None:
    found = known(tmp_path, "every: op, between: [-100, 100]", "median: op, between: [-100, 100]")
    op = found.op.copy()
    op[0, 0, 0, 2, 2] = np.nan
    every, median = checked_claims(dataclasses.replace(found, op=op))
    assert (every.holds, every.computed) == (False, "undefined")
    assert median.holds
    nothing = np.full_like(op, np.nan)
    assert not checked_claims(dataclasses.replace(found, op=nothing))[1].holds


def test_infinities_are_numbers_and_their_images_must_be_infinite_too(tmp_path: Path) -> None:
    found = known(tmp_path, 'every: op, value: "-inf"', "mirror: [s], value: 0")
    endless = dataclasses.replace(
        found, op=np.full(found.op.shape, -math.inf), comp=np.full(found.op.shape, math.inf)
    )
    assert [claim.holds for claim in checked_claims(endless)] == [True, True]
    op = endless.op.copy()
    op[..., 0] = 3.0
    every, mirror = checked_claims(dataclasses.replace(endless, op=op))
    assert not every.holds
    assert (mirror.holds, mirror.computed) == (False, "inf")


def test_claims_on_a_grid_are_not_asked_of_a_coarser_one(tmp_path: Path) -> None:
    text = PLANE.replace("size: 6", "size: 12")
    made = study(tmp_path, text, 'share: "op > 0", value: 2', "mirror: [s], value: 0")
    found = landscape_maps(made, size=6, workers=1)
    share, mirror = checked_claims(found)
    assert (share.holds, share.word, mirror.holds) == (None, "not asked", True)


@pytest.fixture(scope="module")
def curve(tmp_path_factory: pytest.TempPathFactory) -> RateDiagram:
    claims = (
        "every: conditional, value: 0, tolerance: 0.01, where: {hold: c}",
        "every: conditional, value: 0, tolerance: 0.01",
        'every: lyapunov, value: "-rho", tolerance: 0.01',
        "least: op, between: [3, 3], inside: {rho: [4, 10]}, where: {hold: c}",
    )
    found = rate_diagram(study(tmp_path_factory.mktemp("c"), CURVE, *claims), size=4)
    values = np.array([[[9.0, 3.0, 4.0, 1.0], [0.0, 0.0, 0.0, 0.0]]])
    return dataclasses.replace(found, lyapunov=-found.values[None], op=values)


def test_claims_on_curves_take_their_part_and_follow_the_parameter(curve: RateDiagram) -> None:
    assert [claim.holds for claim in checked_claims(curve)] == [True, False, True, True]
    wrong = dataclasses.replace(curve, lyapunov=curve.lyapunov + 0.02)
    assert [claim.holds for claim in checked_claims(wrong)] == [True, False, False, True]


def test_an_expected_value_may_be_an_expression_in_parameters(tmp_path: Path) -> None:
    model = known(tmp_path).model
    assert evaluated(model, "2*sigma - beta") == pytest.approx(20 - 8 / 3)
    assert evaluated(model, "inf") == math.inf
    assert evaluated(model, 3) == 3
