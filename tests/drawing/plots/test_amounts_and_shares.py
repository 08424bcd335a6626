"""Pictures of trainings, attributions, amounts, walkers and strengths show their numbers."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.patches import Rectangle

import causalopt as c
from tests.drawing.plots.plottables import plot_of


def test_a_training_draws_each_network_and_their_mean() -> None:
    found = c.train(c.load("cart_pole"), seeds=3, updates=4)
    assert found.performance is not None
    loss, performance, norm = found.plot().axes
    for axes, values in ((loss, found.loss), (performance, found.performance), (norm, found.norms)):
        *lines, mean = axes.lines
        drawn = np.array([line.get_ydata() for line in lines])
        np.testing.assert_array_equal(drawn, values.T)
        np.testing.assert_allclose(np.asarray(mean.get_ydata()), values.sum(axis=1) / 3)
    assert len(np.asarray(norm.lines[0].get_xdata())) == 4  # no update is made of the last gradient


def test_bars_of_an_attribution_sum_to_the_joint_op_largest_first() -> None:
    asked = {"nudge": "b[0]", "target": "b", "at": 60}
    found = c.shapley(c.load("lorenz"), hold="a, c", **asked)  # type: ignore[arg-type]
    (axes,) = found.plot().axes
    widths = [bar.get_width() for bar in axes.patches if isinstance(bar, Rectangle)]
    joint = c.run(c.load("lorenz"), nudge="b[0]", hold="a, c", target="b", steps=60).op[60]
    assert sum(widths) == pytest.approx(joint)
    assert sorted(widths, key=abs, reverse=True) == widths
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "c"]


def test_an_amount_stands_among_its_estimates() -> None:
    figure = plot_of("amount")()
    found = plot_of("amount").__self__  # type: ignore[attr-defined]
    dots, mean = figure.axes[0].lines[:2]
    assert len(dots.get_ydata()) == 16
    assert np.mean(dots.get_ydata()) == pytest.approx(mean.get_ydata()[0])
    assert mean.get_ydata()[0] == found.value


def test_bars_of_shares_fill_the_box_and_have_their_intervals() -> None:
    figure = plot_of("share")()
    found = plot_of("share").__self__  # type: ignore[attr-defined]
    bars, replicas = figure.axes
    widths = [bar.get_width() for bar in bars.patches if isinstance(bar, Rectangle)]
    assert sum(widths) == pytest.approx(1)
    ends = [tuple(line.get_xdata()) for line in bars.lines]
    assert ends == [(low, high) for _, low, high in found.shares.values()]
    above = replicas.lines[0].get_ydata()
    assert np.mean(above) == pytest.approx(found.share)


def test_walkers_are_bands_round_their_median() -> None:
    found = c.noisy_op(c.load("sgd_pit"), starts=np.ones(41), steps=12)
    op, states = found.plot().axes
    for axes, values in ((op, found.op), (states, found.states)):
        lines = {line.get_label(): np.asarray(line.get_ydata()) for line in axes.lines}
        np.testing.assert_allclose(lines["median"], np.sort(values, axis=1)[:, 20])
        np.testing.assert_allclose(lines["mean"], values.sum(axis=1) / 41)


def test_infinite_op_stands_at_the_edge_beside_a_finite_strength() -> None:
    figure = plot_of("side_by_side_labels")()
    lines = {line.get_label(): line for line in figure.axes[0].lines}
    assert np.asarray(lines["Op +∞"].get_xdata()).tolist() == [2]
    assert np.asarray(lines["optimizing strength"].get_ydata()).tolist() == [0, 0, 1.5]
    assert figure.axes[0].get_ylabel() == "bits"


def test_entropies_are_bars_as_long_as_they_are() -> None:
    numbers = {"S": 1.0, "S_decoupled": 2.5, "S_next": 0.5, "S_next_decoupled": 0.25}
    figure = c.Entropies(unit="nat", at=3, horizon=2, **numbers).plot()  # type: ignore[arg-type]
    entropies, strength = figure.axes
    bars = [(round(b.get_y() + 0.18, 6), b.get_width()) for b in entropies.patches]
    assert sorted(bars) == [(-0.2, 1.0), (0.2, 2.5), (0.8, 0.5), (1.2, 0.25)]
    assert [label.get_text() for label in entropies.get_yticklabels()] == ["t = 3", "t = 5"]
    assert [b.get_width() for b in strength.patches] == [1.5, -0.25, -1.75]
    assert strength.get_xlabel() == "entropy [nat]"
