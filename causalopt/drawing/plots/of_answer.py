"""The plot of one answer to a question of escape: the probability for each number of steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from causalopt.descents.escape.answer import Answer
from causalopt.drawing.palette import colours
from causalopt.drawing.plots.panel_parts import plain_axes
from causalopt.drawing.plots.panels import Panel, PanelLayout, drawn
from causalopt.results import plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@plot.register(Answer)
@drawn
def plot_answer(answer: Answer) -> PanelLayout:
    """Return the probability of escape within each number of steps, bars the stated errors.

    Args:
        answer: What a member answered.

    Returns:
        The figure, not shown; its title names the member, and the status where it is not `ok`. Its
        panel: `probability`.

    Example:
        >>> from causalopt.descents.escape.answer import Answer
        >>> found = Answer("operator", (100, 1000), (0.49, 1.0), (0.001, 0.0))
        >>> plot_answer(found).axes[0].get_ylabel()
        'probability of escape'
    """
    state = "" if answer.status == "ok" else f" ({answer.status})"
    panel = Panel("probability", lambda axes: _draw(axes, answer), 3.0)
    return PanelLayout((f"Escape by {answer.method}{state}",), [panel], width=5.0)


def _draw(axes: Axes, answer: Answer) -> None:
    plain_axes(axes)
    order = sorted(range(len(answer.within)), key=answer.within.__getitem__)
    steps = [answer.within[i] for i in order]
    chance = [answer.probability[i] for i in order]
    error = [answer.error[i] for i in order]
    axes.errorbar(steps, chance, error, color=colours().blue, marker="o", markersize=5, capsize=3)
    axes.axhline(0, color=colours().faint, linewidth=0.8)
    if steps[-1] > 30 * max(steps[0], 1):
        axes.set_xscale("log")
    axes.set(xlabel="within so many steps", ylabel="probability of escape")
