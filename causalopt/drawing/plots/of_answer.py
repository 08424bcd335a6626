"""The plot of one answer to a question of escape: the probability for each number of steps."""

from __future__ import annotations

from matplotlib.figure import Figure

from causalopt.descents.escape.answer import Answer
from causalopt.drawing.palette import BLUE, FAINT
from causalopt.drawing.plots.panels import plain_axes
from causalopt.results import plot


@plot.register(Answer)
def plot_answer(answer: Answer) -> Figure:
    """Return the probability of escape within each number of steps, bars the stated errors.

    Args:
        answer: What a member answered.

    Returns:
        The figure, not shown; its title names the member, and the status where it is not `ok`.

    Example:
        >>> from causalopt.descents.escape.answer import Answer
        >>> found = Answer("operator", (100, 1000), (0.49, 1.0), (0.001, 0.0))
        >>> plot_answer(found).axes[0].get_ylabel()
        'probability of escape'
    """
    figure = Figure(figsize=(5.6, 3.8), layout="constrained")
    axes = figure.subplots()
    plain_axes(axes)
    order = sorted(range(len(answer.within)), key=answer.within.__getitem__)
    steps = [answer.within[i] for i in order]
    chance = [answer.probability[i] for i in order]
    error = [answer.error[i] for i in order]
    axes.errorbar(steps, chance, error, color=BLUE, marker="o", markersize=5, capsize=3)
    axes.axhline(0, color=FAINT, linewidth=0.8)
    if steps[-1] > 30 * max(steps[0], 1):
        axes.set_xscale("log")
    axes.set(xlabel="within so many steps", ylabel="probability of escape")
    state = "" if answer.status == "ok" else f" ({answer.status})"
    axes.set_title(f"Escape by {answer.method}{state}", fontsize=11)
    return figure
