"""Rounding inside local derivatives, which executions take as exact.

A slope such as e**n/(1 + e**n) - e**(2 n)/(1 + e**n)**2 cancels before any tangent is multiplied by
it. Its error is bounded here along W, for all steps at once; the executions' own estimate covers
the products and sums of tangents. W itself counts as exact: on a chaotic model its error grows with
the tangents, and what is measured is the effect along the W that was computed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from causalopt.engine.adjoint import whole_baseline
from causalopt.engine.contract import Bools, Floats, Plan, Tangents
from causalopt.engine.executions import execution
from causalopt.engine.linearization import linearize
from causalopt.language.arrays import array_function
from causalopt.language.operations import COMPARISONS, LOGIC, OPERATIONS
from causalopt.language.term import Term, postorder, rounded
from causalopt.model.template import Structure, leaf_name

_UNIT = 2.0**-53
_TINY = 2.0**-1074
_FEW = 2.0**-45  # eight bits lost
_SUMS = frozenset({"add", "sub"})


def with_slopes(structure: Structure, plan: Plan, run: Tangents) -> tuple[Floats, Floats]:
    """Return the errors of a run's tangents, total and direct, with those of its slopes.

    Only where a slope lost more than a few bits are they carried along step by step.
    """
    errors = run.total_error, run.direct_error
    found = slope_errors(structure, plan, run.values)
    moves = run.total.any(axis=1) | run.direct.any(axis=1)
    steps = np.flatnonzero(_lost(found, len(run.values)) & moves)
    if not len(steps):
        return errors
    first = int(steps[0])
    return tuple(  # type: ignore[return-value]
        _carried(structure, plan, run, world, found, first) for world in (0, 1)
    )


def steps_lost(structure: Structure, plan: Plan, values: Floats) -> NDArray[np.intp]:
    """Return the steps at which a slope lost more than a few bits."""
    return np.flatnonzero(_lost(slope_errors(structure, plan, values), len(values)))


def _lost(found: dict[int, tuple[Any, Any]], count: int) -> Bools:
    lost = np.zeros(count, dtype=bool)
    with np.errstate(invalid="ignore"):
        for value, error in found.values():
            lost |= (np.abs(error) > _FEW * np.abs(value)) & (value != 0)
            lost |= (value == 0) & (np.abs(error) > 4 * _TINY)
    return lost


@np.errstate(over="ignore", invalid="ignore")  # an error past all floats doubts all
def _carried(
    structure: Structure,
    plan: Plan,
    run: Tangents,
    world: int,
    found: dict[int, tuple[Any, Any]],
    first: int,
) -> Floats:
    """Return one world's errors, in units of 2**-53, with those of slopes from a step on."""
    linear = linearize(structure)
    slopes = whole_baseline(execution(run.execution), structure, plan).slopes
    tangents = (run.total, run.direct)[world]
    known = (run.total_error, run.direct_error)[world]
    more = np.zeros(known.shape)
    for t in range(first, plan.steps + 1):
        held = plan.held_at(t) if world else np.zeros(known.shape[1], dtype=bool)
        for k, partial in enumerate(linear.partials):
            i, before = partial.child, t - partial.lag
            is_forced = t < len(plan.forced) and plan.forced[t, i]
            if before < 0 or held[i] or is_forced:
                continue
            power = int(run.exponents[before, world] - run.exponents[t, world])
            x = np.ldexp(abs(tangents[before, partial.parent]), power)
            own = np.broadcast_to(found[k][1], len(known))[t] / _UNIT if k in found else 0.0
            if x or more[before, partial.parent]:
                carried = np.ldexp(more[before, partial.parent], power)
                more[t, i] += abs(slopes[t, k]) * carried + own * x
    return np.abs(known) + more


def slope_errors(structure: Structure, plan: Plan, values: Floats) -> dict[int, tuple[Any, Any]]:
    """Return (value, error) of the slopes that may cancel, along W, shape [t] each."""
    linear = linearize(structure)
    chosen, partials = linear.cancelling, linear.partials
    index = {name: i for i, name in enumerate(structure.names)}
    constants = dict(zip(structure.parameters, plan.parameters.tolist(), strict=True))
    steps = np.arange(len(values))
    done: dict[Term, tuple[Any, Any]] = {}
    with np.errstate(all="ignore"):
        for term in postorder(*(partials[k].term for k in chosen)):
            if isinstance(term.payload, tuple):
                name, lag = term.payload
                column = values[:, index[name]]
                shifted = np.concatenate([np.full(min(lag, len(steps)), np.nan), column])
                done[term] = shifted[: len(steps)], 0.0
            elif term.is_leaf:
                value = _leaf(term, steps, constants)
                done[term] = value, _UNIT * np.abs(value)
            else:
                done[term] = _bounded(term, [done[arg] for arg in term.args])
    return {k: done[partials[k].term] for k in chosen}


def _leaf(term: Term, steps: Any, constants: dict[str, float]) -> Any:
    if term.op == "const":
        return np.float64(rounded(term.payload))  # type: ignore[arg-type]
    if term.op == "pi":
        return np.float64(np.pi)
    return steps.astype(float) if term.op == "t" else np.float64(constants[leaf_name(term)])


def _bounded(term: Term, args: list[tuple[Any, Any]]) -> tuple[Any, Any]:
    """Return an operation's value and a bound on its error, to first order."""
    values, errors = [value for value, _ in args], [error for _, error in args]
    payload = () if term.payload is None else (term.payload,)
    value = array_function(term.op)(*values, *payload)
    own = _UNIT * np.abs(value)
    if term.op == "where":
        return value, np.where(values[0] != 0, errors[1], errors[2])
    if term.op in COMPARISONS | LOGIC or OPERATIONS[term.op].kink == "whole" or term.op == "sign":
        return value, 0.0
    if term.op in _SUMS:
        return value, errors[0] + errors[1] + own
    if term.op in {"neg", "abs"}:
        return value, errors[0]
    if term.op in {"min", "max"}:
        return value, np.maximum(*errors)
    if term.op == "mul":
        x, y = np.abs(values[0]), np.abs(values[1])
        return value, x * errors[1] + y * errors[0] + own + _TINY
    if term.op == "div":
        carried = (errors[0] + np.abs(value) * errors[1]) / np.abs(values[1])
        return value, carried + own + _TINY
    return value, _sensitivity(term, value, values, errors) + 2 * own


def _sensitivity(term: Term, value: Any, values: list[Any], errors: list[Any]) -> Any:
    """Return how far an elementary function carries its arguments' errors."""
    if all(np.ndim(error) == 0 and error == 0 for error in errors):
        return 0.0
    x, error = values[0], errors[0]
    if term.op == "ipow":
        exponent = float(term.payload)  # type: ignore[arg-type]
        return np.abs(exponent * value / x) * error
    if term.op in {"exp", "sinh", "cosh"}:
        return np.abs(value) * error + error
    if term.op == "sqrt":
        return error / (2 * np.abs(value))
    if term.op in {"log", "pow"}:
        scale = 1.0 if term.op == "log" else np.abs(value * values[1])
        more = 0.0 if term.op == "log" else np.abs(value * np.log(np.abs(x))) * errors[1]
        return scale * error / np.abs(x) + more
    if term.op == "tan":
        return (1 + value * value) * error
    return error / np.sqrt(np.abs(1 - x * x)) if term.op in {"asin", "acos"} else error
