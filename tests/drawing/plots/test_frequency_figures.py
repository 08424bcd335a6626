"""Pictures of frequency responses: what their lines, marks and limits are."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np
import pytest
from matplotlib.patches import Polygon

import causalopt
from causalopt import QuestionError
from causalopt.frequencies.frequency_response import Kind

KINDS: tuple[Kind, ...] = ("bode", "nichols", "nyquist")


@pytest.fixture(scope="module")
def found() -> causalopt.FrequencyResponse:
    return causalopt.frequency(causalopt.load("pid_loop"))


def test_bode_draws_op_gains_phase_and_status(found: causalopt.FrequencyResponse) -> None:
    figure = found.plot()
    labels = [axes.get_ylabel() for axes in figure.axes]
    assert labels == ["Op [nats]", "gain", "phase of L [degrees]", "status"]
    op = figure.axes[0].lines[-2] if found.margins else figure.axes[0].lines[-1]
    assert np.asarray(op.get_ydata()) == pytest.approx(found.op)
    assert np.asarray(op.get_xdata()) == pytest.approx(found.frequency)
    lines = {line.get_label(): line for line in figure.axes[1].lines}
    assert np.asarray(lines["|Comp|"].get_ydata()) == pytest.approx(np.abs(found.comp))
    assert np.asarray(lines["|L|"].get_ydata()) == pytest.approx(np.abs(found.loop))
    (crossover,) = np.asarray(lines["|L| = 1"].get_xdata())
    assert np.interp(crossover, found.frequency, np.abs(found.loop)) == pytest.approx(1, rel=1e-2)
    assert figure.axes[3].get_xlabel() == "frequency [rad/step]"


def test_what_is_added_is_filled_apart_from_what_is_removed(
    found: causalopt.FrequencyResponse,
) -> None:
    shown = {patch.get_label() for patch in found.plot().axes[0].collections}
    assert {"removed", "added"} <= shown


def test_nichols_marks_the_critical_point_on_lines_of_equal_comp(
    found: causalopt.FrequencyResponse,
) -> None:
    axes = found.plot(kind="nichols").axes[0]
    lines = {line.get_label(): line for line in axes.lines}
    assert np.asarray(lines["-1"].get_xydata()).tolist() == [[-180, 0]]
    gain = np.asarray(lines["L"].get_ydata())
    seen = np.isfinite(gain)
    assert gain[seen] == pytest.approx(20 * np.log10(np.abs(found.loop[seen])))
    low, high = axes.get_xlim()
    assert low < -180 < high


def test_nyquist_keeps_out_of_the_circle_of_the_peak(found: causalopt.FrequencyResponse) -> None:
    assert found.margins is not None
    distance = np.abs(found.loop + 1).min()
    assert distance >= 1 / found.margins.peak * (1 - 1e-9)
    axes = found.plot(kind="nyquist").axes[0]
    (circle,) = axes.patches
    assert isinstance(circle, Polygon)
    corners = circle.get_xy()
    radii = np.hypot(corners[:, 0] + 1, corners[:, 1])
    assert radii == pytest.approx(np.full(len(radii), 1 / found.margins.peak))


@pytest.mark.parametrize("name", ["thermostat", "amplifier", "free_decay", "adaptation"])
@pytest.mark.parametrize("kind", ["bode", "nichols", "nyquist"])
def test_every_loop_can_be_drawn(name: str, kind: Any) -> None:
    model = causalopt.load(name)
    figure = causalopt.frequency(model).plot(kind=kind)
    figure.savefig(io.BytesIO(), format="png")
    assert (model.title or name) in figure.get_suptitle()


def test_one_frequency_and_frequency_0_can_be_drawn() -> None:
    for frequencies in ([0.3], [0.0, 0.3, math.pi]):
        found = causalopt.frequency(causalopt.load("thermostat"), frequencies=frequencies)
        for kind in KINDS:
            file = io.BytesIO()
            found.plot(kind=kind).savefig(file, format="png")
            assert file.getvalue().startswith(b"\x89PNG")


def test_statuses_without_numbers_can_be_drawn() -> None:
    model = causalopt.load("pid_loop")
    found = causalopt.frequency(model, target="heater")
    assert set(found.status) == {"held"}
    figure = found.plot()
    figure.savefig(io.BytesIO(), format="png")
    legend = figure.axes[3].get_legend()
    assert legend is not None
    assert "held" in legend.get_texts()[0].get_text()


def test_another_kind_is_refused(found: causalopt.FrequencyResponse) -> None:
    with pytest.raises(QuestionError, match="bode, nichols, nyquist"):
        found.plot(kind="polar")  # type: ignore[arg-type]
