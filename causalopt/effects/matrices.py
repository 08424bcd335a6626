"""Op from all nodes to one, and from one to all: labelled arrays.

From all n to one m takes one reverse sweep (two worlds side by side); from one n to all m one
forward pass.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.asked import asked_hold, asked_node
from causalopt.effects.backward import effects_from_all
from causalopt.effects.limit import effects_to_all
from causalopt.effects.measures import NAMES, Effect, ratios, status_codes
from causalopt.errors import QuestionError
from causalopt.extras import need
from causalopt.model.asked_words import Nudged, names_one_node
from causalopt.model.model import Model, run_length
from causalopt.model.selectors import Node, Selection, selection_text
from causalopt.work.progress import Progress, long_work
from causalopt.worlds.interventions import Intervention, plan_for

if TYPE_CHECKING:
    import xarray

IN_NATS = {"log_total", "log_direct", "op"}
_NAMES = NAMES.astype(object)  # objects that all entries share: xarray's usual kind of text


@long_work("running", direct=True)
def op_from_all(
    model: Model,
    target: str | Node,
    *,
    hold: str | Sequence[str | Node] | None = None,
    steps: int | None = None,
    given: Sequence[Intervention] = (),
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    data: Mapping[str, Any] | None = None,
) -> xarray.Dataset:
    """Measure Op(A; n, m) for every node n and one m, by one reverse sweep.

    Args:
        model: The model.
        target: The measured node m such as `R[100]`, or a variable, at its last step.
        hold: The set A; the model's own when not given.
        steps: The last step, when `target` is a variable.
        given: Interventions that make the baseline.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's.
        seed: Which draws noise makes, and in a model with arrays initial laws.
        progress: Called with (done, total, what), in steps.
        data: In a model with arrays, variable without a rule -> its values, step first.

    Returns:
        `total`, `direct`, `log_total`, `log_direct`, `comp`, `op` (nats) and `status`, with axes
        `variable` and `t` (the nudged node's step). In a model with arrays each array `v` has
        `op_v`, `total_v`, `direct_v` and `status_v`, with `t` and its own dims. Nodes of A that
        reach m have the status `held`: the nudge is made in B; so have all where m is in A. The
        attribute `execution` says what ran it.

    Raises:
        QuestionError: The question cannot be asked of this model.

    Example:
        >>> from causalopt import load
        >>> found = op_from_all(load("thermostat"), "R[100]")
        >>> found.op.sel(variable="R", t=0).round(6).item()
        1.005085
    """
    del progress  # long_work tells it
    need("xarray")
    numbers, arrays = _initial(model, initial, data)
    model = model.replace(parameters=parameters, initial=numbers)
    if isinstance(target, str) and not names_one_node(target, static=model.is_static):
        model, _, measured = model.asking(target=target)
        target = measured or target
    node = end_node(model, target, steps)
    selection = asked_hold(model, hold, steps=node.t, target=node.variable, given=given)
    if model.is_array:
        from causalopt.effects.arrays.array_matrices import arrays_op_from_all

        return arrays_op_from_all(
            model, node, selection, given=given, data=data, initial=arrays, seed=seed
        )
    plan = plan_for(model, tuple(given), steps=node.t, hold=selection, noise_seed=seed)
    effect = effects_from_all(model, plan, node.variable)
    return _dataset(model, effect, {"target": model.node_text(node)}, selection)


@long_work("running", direct=True)
def op_to_all(
    model: Model,
    nudge: Nudged,
    *,
    hold: str | Sequence[str | Node] | None = None,
    steps: int | None = None,
    given: Sequence[Intervention] = (),
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    data: Mapping[str, Any] | None = None,
) -> xarray.Dataset:
    """Measure Op(A; n, m) for one n and every node m, by one forward pass.

    Args:
        model: The model.
        nudge: The nudged node n.
        hold: The set A; the model's own when not given.
        steps: The last step.
        given: Interventions that make the baseline.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's.
        seed: Which draws noise makes, and in a model with arrays initial laws.
        progress: Called with (done, total, what), in steps.
        data: In a model with arrays, variable without a rule -> its values, step first.

    Returns:
        As `op_from_all`; the axes say the measured node.

    Example:
        >>> from causalopt import load
        >>> found = op_to_all(load("thermostat"), "R[0]", steps=100)
        >>> found.op.sel(variable="R", t=100).round(6).item()
        1.005085
    """
    del progress  # long_work tells it
    need("xarray")
    numbers, arrays = _initial(model, initial, data)
    model = model.replace(parameters=parameters, initial=numbers)
    model, said, _ = model.asking(nudge)
    node, last = asked_node(model, said), run_length(model, steps)
    selection = asked_hold(model, hold, nudge=node, steps=last, given=given)
    model.check_nudge(node, selection, last)
    if model.is_array:
        from causalopt.effects.arrays.array_matrices import arrays_op_to_all

        return arrays_op_to_all(
            model, node, selection, last, given=given, data=data, initial=arrays, seed=seed
        )
    plan = plan_for(model, tuple(given), steps=last, hold=selection, seed=node, noise_seed=seed)
    effect = effects_to_all(model, plan)
    return _dataset(model, effect, {"nudge": model.node_text(node)}, selection)


def _initial(
    model: Model, initial: Mapping[str, Any] | None, data: Mapping[str, Any] | None
) -> tuple[Mapping[str, Any] | None, Mapping[str, Any]]:
    """Return initial values as those that a declaration takes, and arrays."""
    if not model.is_array:
        if data is not None:
            raise QuestionError("'data' is for models with array variables, and this has none")
        return initial, {}
    from causalopt.worlds.array_world import split_initial

    return split_initial(initial)


def end_node(model: Model, target: str | Node, steps: int | None) -> Node:
    """Return the measured node: the one that is named, or a variable's at the last step."""
    if isinstance(target, str) and model.is_array and not model.is_static:
        try:
            return model.node(target)
        except QuestionError:  # a variable, or elements of one, at its last step
            return dataclasses.replace(model.target(target), t=run_length(model, steps))
    if isinstance(target, str) and ("[" not in target or target in model.asked_variables):
        last = run_length(model, steps)
        return model.node((target, last)) if not model.is_static else model.node(target)
    node = model.node(target)
    if not model.is_static:
        run_length(model, node.t)  # no more than fits
    return node


def _dataset(
    model: Model, effect: Effect, attrs: dict[str, str], hold: Selection
) -> xarray.Dataset:
    need("xarray")
    import xarray

    dims, nat = ("t", "variable"), {"units": "nat"}
    names = list(model.template.names)
    found = xarray.Dataset(
        {
            name: (dims, values, nat if name in IN_NATS else {})
            for name, values in entries(effect).items()
        },
        coords={"t": np.arange(len(effect.held)), "variable": names},
        attrs={
            "model": model.name,
            "hold": selection_text(hold),
            **attrs,
            "execution": effect.execution,
        },
    )
    if not model.asked_variables:
        return found
    return found.sel(variable=[name for name in names if name not in model.asked_variables])


def entries(effect: Effect) -> dict[str, NDArray[Any]]:
    """Return what is said of each entry of an effect, by name."""
    codes = status_codes(effect)
    comp, op = (np.where(effect.held, np.nan, found) for found in ratios(effect, codes))
    return {
        "total": effect.total.value,
        "direct": effect.direct.value,
        "log_total": effect.total.log,
        "log_direct": effect.direct.log,
        "comp": comp,
        "op": op,
        "status": _NAMES[codes],
    }
