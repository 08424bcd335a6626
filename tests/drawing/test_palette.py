"""The themes: legible, and told apart by every reader."""

from __future__ import annotations

import itertools
import threading

import numpy as np
import pytest
from numpy.typing import NDArray

from causalopt.drawing.palette import (
    DARK,
    LIGHT,
    PALETTES,
    STATUS_HATCHES,
    Palette,
    colours,
    contrast,
    palette,
    themed,
)
from causalopt.effects.measures import STATUSES
from causalopt.errors import QuestionError

# Machado, Oliveira and Fernandes (2009), severity 1: what is seen of linear RGB.
SIGHT = {
    "every cone": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
# sRGB's primaries to CIE XYZ with white D65 (IEC 61966-2-1).
XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
WHITE = np.array([0.95047, 1.0, 1.08883])
JUST_NOTICEABLE = 2.3  # a distance in CIELAB (Mahy, Van Eycken and Oosterlinck 1994)


def linear(colour: str) -> NDArray[np.float64]:
    parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def lab(colour: str, sight: str) -> NDArray[np.float64]:
    seen = np.clip(np.array(SIGHT[sight]) @ linear(colour), 0, 1)
    ratio = XYZ @ seen / WHITE
    f = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def ratio(one: str, other: str) -> float:
    """WCAG's contrast, by CIE's luminance Y."""
    y = sorted(float(XYZ[1] @ linear(colour)) for colour in (one, other))
    return (y[1] + 0.05) / (y[0] + 0.05)


EACH = pytest.mark.parametrize("theme", PALETTES.values(), ids=list(PALETTES))


@EACH
def test_text_stands_on_every_ground_it_is_written_on(theme: Palette) -> None:
    grounds = [theme.paper, theme.fill_a, theme.fill_b, theme.band_a, theme.band_b]
    grounds += [theme.region_fill, theme.pale, *theme.areas]
    assert min(ratio(theme.ink, ground) for ground in grounds) >= 4.5
    assert ratio(theme.muted, theme.paper) >= 4.5


@EACH
def test_lines_stand_on_paper_and_on_the_ground_of_a(theme: Palette) -> None:
    lines = [theme.ink, theme.faint, theme.red, theme.green, theme.blue, theme.region_edge]
    lines += [theme.amplifies, theme.compresses, *theme.series]
    grounds = [theme.paper, theme.band_a]
    assert min(ratio(line, ground) for line in lines for ground in grounds) >= 3


@EACH
@pytest.mark.parametrize("sight", SIGHT)
def test_lines_and_areas_are_told_apart_in_every_form_of_colour_blindness(
    theme: Palette, sight: str
) -> None:
    for several in (theme.series, theme.areas):
        pairs = itertools.combinations(several, 2)
        least = min(np.linalg.norm(lab(a, sight) - lab(b, sight)) for a, b in pairs)
        assert least > 5 * JUST_NOTICEABLE
    for a, b in [(theme.red, theme.green), (theme.amplifies, theme.compresses)]:
        assert np.linalg.norm(lab(a, sight) - lab(b, sight)) > 5 * JUST_NOTICEABLE


@EACH
@pytest.mark.parametrize("sight", SIGHT)
def test_op_goes_from_one_hue_to_another_and_is_next_to_paper_at_0(
    theme: Palette, sight: str
) -> None:
    for stops in (theme.op_stops, theme.signed_stops):
        middle = len(stops) // 2
        assert len(stops) % 2 == 1
        away = [ratio(stop, theme.paper) for stop in stops]
        assert away[middle] == min(away)
        assert away[middle] < 1.5
        assert np.linalg.norm(lab(stops[1], sight) - lab(stops[-2], sight)) > 10 * JUST_NOTICEABLE


def test_every_status_has_a_fill_and_what_is_not_ok_does_not_look_so() -> None:
    for theme in PALETTES.values():
        assert set(theme.statuses) == set(STATUSES) == set(STATUS_HATCHES)
        looks = [(theme.statuses[name], STATUS_HATCHES[name]) for name in STATUSES]
        assert len(set(looks)) == len(looks)


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)  # WebAIM's example
    for one, other in itertools.combinations(LIGHT.areas, 2):
        assert contrast(one, other) == pytest.approx(ratio(one, other), rel=1e-3)


def test_a_theme_holds_inside_of_its_block_and_in_its_thread() -> None:
    seen: list[str] = []
    with themed("dark"):
        assert colours() is DARK
        other = threading.Thread(target=lambda: seen.append(colours().name))
        other.start()
        other.join()
    assert seen == ["light"]
    assert colours() is LIGHT
    with pytest.raises(KeyError), themed("dark"):
        raise KeyError
    assert colours() is LIGHT


def test_an_unknown_theme_is_refused_with_the_list() -> None:
    with pytest.raises(QuestionError, match="theme is one of light, dark; 'sepia' came"):
        palette("sepia")
