"""`frequency`: what A does to a disturbance at n that comes again and again, at every frequency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from causalopt.effects.asked import (
    among_numbers,
    asked_hold,
    asked_node,
    asked_target,
    one_node_each,
)
from causalopt.engine.contract import Floats
from causalopt.errors import QuestionError
from causalopt.extras import need
from causalopt.frequencies.frequency_gains import TwoWorlds
from causalopt.frequencies.frequency_grid import default_grid, special_angles
from causalopt.frequencies.frequency_response import FrequencyResponse, Per
from causalopt.frequencies.linear_step import linear_step
from causalopt.frequencies.loop_margins import LoopMargins, even_frequencies, loop_margins
from causalopt.frequencies.waterbed import Waterbed, waterbed
from causalopt.model.asked_words import Nudged, is_expression, names_one_node, one_nudge
from causalopt.model.declaration import motion
from causalopt.model.model import Model
from causalopt.model.selectors import Node, Selection, whole_variables
from causalopt.model.template import refuse_between
from causalopt.work.progress import Progress, long_work

MOST_FREQUENCIES = 1_000_000
_ABOVE = 1e-12  # of the Nyquist frequency: what rounding puts above it


@long_work("looking for a rest", direct=True)
def frequency(
    model: Model,
    *,
    nudge: Nudged | None = None,
    hold: str | Sequence[str | Node] | None = None,
    target: str | None = None,
    frequencies: Sequence[float] | None = None,
    per: Per = "step",
    steps: int | None = None,
    at: int | None = None,
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> FrequencyResponse:
    """Return Comp and Op for sinusoids at n, with the loop's margins and Bode's integral.

    n is nudged at every step by a sinusoid of a small amplitude; m then follows with the gain
    G_x(e^(i omega)), and with G_y where A keeps its values from W. Comp = G_x / G_y is control's
    sensitivity function 1 / (1 + L) with L the gain of the loop that A closes; Op = -ln |Comp|.

    Args:
        model: A model with time. One that is not linear is linearised where W comes to rest or to
            an orbit, or at a step.
        nudge: The variable n; a node's step does not count. Or a parameter, or a sum of them with
            weights such as `2*d[t>=0] - Kp`, which all follow one sinusoid. The question's when
            not given.
        hold: The set A, whole variables; the question's or the partition's when not given.
        target: The variable m, or an expression of a run's nodes such as `error - setpoint`; the
            question's when not given.
        frequencies: In radians per step, or per unit of time, from 0 up to the Nyquist frequency,
            pi per step. By default logarithmic, and dense where the response moves.
        per: "step", or "time": radians per unit of time, a step being the model's `dt`.
        steps: How long W is followed at most to find a rest or an orbit; 20,000 by default.
        at: The step whose slopes are taken, as if they stayed, in a model that is not linear.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's.
        seed: Which draws noise makes, where W has to be followed.
        progress: Called with (done, total, what), in steps.

    Returns:
        The response at the frequencies, at 0 and at the Nyquist frequency, with poles, zeros,
        margins and the mean of Op.

    Raises:
        QuestionError: The model has no time, W comes to no rest, or frequencies or sets are wrong.
        UnknownNameError: A variable is not declared.
        SizeError: The loop remembers more than 1,200 values.

    Example:
        >>> from causalopt import load
        >>> found = frequency(load("thermostat"), parameters={"k": 0.25}, frequencies=[0.1, 3.0])
        >>> found.op.round(4)
        array([0.9365, 0.1158])
    """
    del progress  # long_work tells it
    need("scipy")
    model = model.replace(parameters=parameters, initial=initial)
    model, source, selection, measured = _asked(model, nudge, hold, target, seed)
    if per not in ("step", "time"):
        raise QuestionError(f"per must be 'step' or 'time', found '{per}'")
    span = float(model.template.dt) if per == "time" else 1.0
    omega = None if frequencies is None else checked_frequencies(frequencies, span)
    step = linear_step(model, source, selection, measured, steps=steps, at=at, seed=seed)
    held = {window.variable for window in selection}
    worlds = TwoWorlds(step, is_held=measured in held)
    roots = np.concatenate([r for one in worlds.spectra for r in (one.poles, one.zeros)])
    grid = default_grid(roots, worlds.comp)
    margins, integral = _figures(worlds, grid, roots)
    return FrequencyResponse(
        model=model,
        nudge=source,
        hold=selection,
        target=measured,
        per=per,
        gains=worlds.gains(grid if omega is None else omega),
        ends=worlds.gains(np.array([0.0, np.pi])),
        grid=grid,
        worlds=worlds,
        margins=margins,
        waterbed=integral,
    )


def _asked(
    model: Model,
    nudge: Nudged | None,
    hold: str | Sequence[str | Node] | None,
    target: str | None,
    seed: int,
) -> tuple[Model, str, Selection, str]:
    """Return the model of numbers, n, A and m."""
    if model.is_static:
        raise QuestionError(
            f"'{model.name}' has no time, and so no frequencies: what A does to a disturbance is "
            "the same however often it comes; `causalopt run` tells it"
        )
    if model.is_array:
        model, node, found, measured = among_numbers(model, one_nudge(nudge), hold, target, seed)
        selection = asked_hold(model, found)
        source = node.variable
    else:
        plain = _plain_variable(model, model.question.nudge if nudge is None else nudge)
        if plain is not None and motion(model.variables[plain]) == "algebraic":
            nudge, plain = plain, None  # it is shifted at the stages too, all of each step
        model, said, target = one_node_each(model, None if plain else nudge, target)
        source = plain or asked_node(model, said).variable
        selection, measured = asked_hold(model, hold), asked_target(model, target)
    whole_variables(selection, "a frequency is about all steps: hold whole variables")
    model.check_nudge(Node(source, 0), selection, None)
    refuse_between(model.template, source, measured)
    return model, source, selection, measured


def _plain_variable(model: Model, nudge: Nudged | None) -> str | None:
    """Return the variable that n names, alone or at a step; None for anything more."""
    if isinstance(nudge, Node):
        return model.node(nudge).variable
    if not isinstance(nudge, str):
        return None
    if names_one_node(nudge, static=False):
        return model.node(nudge).variable
    return (
        model.variable(nudge)
        if not is_expression(nudge) and not _is_parameter(model, nudge)
        else None
    )


def _is_parameter(model: Model, text: str) -> bool:
    return text.strip() in model.parameters and text.strip() not in model.variables


def checked_frequencies(frequencies: Sequence[float], dt: float) -> Floats:
    """Return frequencies in radians per step, in order.

    Args:
        frequencies: In radians per unit of time.
        dt: Units of time per step.

    Raises:
        QuestionError: There is none, or one is not a number between 0 and the Nyquist frequency.
    """
    given = np.array(frequencies, dtype=float).ravel()
    if not 0 < len(given) <= MOST_FREQUENCIES:
        raise QuestionError(
            f"frequencies takes 1 to {MOST_FREQUENCIES:,} numbers, found {len(given)}"
        )
    nyquist = np.pi / dt
    wrong = given[~((given >= 0) & (given <= nyquist * (1 + _ABOVE)))]
    if len(wrong):
        raise QuestionError(
            f"frequencies lie between 0 and the Nyquist frequency pi/dt = {nyquist:.6g} radians "
            f"(a faster sinusoid looks the same as a slower one at the steps), found {wrong[0]:g}"
        )
    omega = np.unique(given * dt)
    return np.where(omega >= np.pi * (1 - _ABOVE), np.pi, omega)


def _figures(
    worlds: TwoWorlds, grid: Floats, roots: np.ndarray
) -> tuple[LoopMargins | None, Waterbed | None]:
    """Return margins and the integral where Comp is a function of frequency."""
    if worlds.everywhere not in (None, "kink"):
        return None, None
    total, direct = worlds.spectra
    even = even_frequencies(grid, worlds.comp) if worlds.is_apart else []
    breaks = np.concatenate([special_angles(roots, 0.0), np.abs(np.angle(roots)), even])
    return loop_margins(grid, worlds.comp), waterbed(worlds.comp, total, direct, breaks)
