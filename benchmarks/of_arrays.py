"""Cases of arrays: a network that learns, one image a step, and recurrent networks."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import causalopt
from benchmarks import networks
from benchmarks.case import Case, Contestant, counted

EXECUTIONS = {"numpy": "numpy", "jax": "JAX"}


@functools.cache
def learner(tallies: int) -> causalopt.Model:
    """Return the network that learns, with so many tallies of the first layer's changes."""
    extra = {
        f"a{k}": {
            "shape": ["hidden", "pixel"],
            "rule": f"a{k}[t-1] + y[t][{k}]*abs(W1[t] - W1[t-1])",
            "initial": 0,
        }
        for k in range(tallies)
    }
    seen = " + ".join(["loss[t]", *(f"a{k}[t][0, 9]" for k in range(tallies))])
    return causalopt.Model(
        name="learner",
        sizes=networks.SIZES,
        parameters={"lr": networks.RATE},
        variables={
            "x": {"shape": ["pixel"]},
            "y": {"shape": ["digit"]},
            "h": {"shape": ["hidden"], "rule": "softplus(W1[t-1] @ x[t] + b1[t-1])", "initial": 0},
            "o": {"shape": ["digit"], "rule": "W2[t-1] @ h[t] + b2[t-1]", "initial": 0},
            "loss": {"rule": "sum((o[t] - y[t])**2)/2", "initial": 0},
            "W1": {
                "shape": ["hidden", "pixel"],
                "rule": "W1[t-1] - lr*grad(loss[t], W1[t-1])",
                "initial": 0,
            },
            "b1": {
                "shape": ["hidden"],
                "rule": "b1[t-1] - lr*grad(loss[t], b1[t-1])",
                "initial": 0,
            },
            "W2": {
                "shape": ["digit", "hidden"],
                "rule": "W2[t-1] - lr*grad(loss[t], W2[t-1])",
                "initial": 0,
            },
            "b2": {"shape": ["digit"], "rule": "b2[t-1] - lr*grad(loss[t], b2[t-1])", "initial": 0},
            **extra,
            "seen": {"rule": seen, "initial": 0},
        },
    )


@functools.cache
def recurrent(units: int) -> causalopt.Model:
    """Return a network of tanh units that feeds itself."""
    return causalopt.Model(
        name="recurrent",
        sizes={"unit": units},
        variables={
            "W": {"shape": ["unit", "unit"], "rule": "W[t-1]", "initial": 0},
            "h": {"shape": ["unit"], "rule": "tanh(W[t-1] @ h[t-1])", "initial": 0},
        },
    )


def learning_case(steps: int, tallies: int, execution: str, *, quick: bool = False) -> Case:
    """Return `world` on a network that learns."""

    def prepare() -> Callable[[], Any]:
        made, data, start = learner(tallies), networks.images(steps), networks.weights()

        def call() -> Any:
            return causalopt.world(
                made, steps=steps, data=data, initial=start, keep=["seen"], execution=execution
            )

        return call

    by_hand = Contestant(
        "numpy by hand", lambda: networks.numpy_learner(steps, tallies), lambda seen: seen
    )
    scan = Contestant("JAX scan by hand", lambda: networks.jax_learner(steps), lambda seen: seen)
    beside = [by_hand] if execution == "numpy" else [scan, by_hand]
    with_tallies = f", {tallies} tallies of its weights" if tallies else ""
    return Case(
        "world",
        f"784-100-2 network that learns{with_tallies}, {EXECUTIONS[execution]}",
        f"{counted(steps)} images",
        prepare,
        lambda found: found["seen"],
        beside,
        reach=1.6 if execution == "numpy" else 1.3,
        quick=quick,
        fresh=False,
    )


def influence_case(steps: int, execution: str, *, quick: bool = False) -> Case:
    """Return `run` on it: W, X and Y with half of the units held, beside W alone."""

    def prepare() -> Callable[[], Any]:
        made, data, start = learner(0), networks.images(steps), networks.weights()
        question: dict[str, Any] = {
            "nudge": "b1[0, hidden=3]",
            "hold": "h[hidden=50:100]",
            "target": "seen",
        }

        def call() -> Any:
            return causalopt.run(
                made,
                steps=steps,
                data=data,
                initial=start,
                keep=["seen"],
                execution=execution,
                **question,
            )

        return call

    alone = learning_case(steps, 0, execution)
    beside = [
        Contestant("W alone, causalopt", alone.prepare, None),
        Contestant(
            "JAX scan by hand", lambda: networks.jax_influence(steps), lambda seen: seen, 1e-9
        ),
    ]
    return Case(
        "run",
        f"784-100-2 network that learns, half of its units held, {EXECUTIONS[execution]}",
        f"{counted(steps)} images",
        prepare,
        lambda found: [found.W["seen"], found.total, found.direct],
        beside,
        reach=4.0 if execution == "numpy" else 2.0,
        quick=quick,
        fresh=False,
    )


def recurrent_case(units: int, steps: int, execution: str, *, quick: bool = False) -> Case:
    """Return `run` on a recurrent network, half of its units held."""

    def prepare() -> Callable[[], Any]:
        made, start = recurrent(units), networks.recurrent_start(units)

        def call() -> Any:
            return causalopt.run(
                made,
                nudge="h[0, unit=0]",
                hold=f"h[unit={units // 2}:{units}]",
                target="h[unit=1]",
                steps=steps,
                initial=start,
                keep=["h"],
                execution=execution,
            )

        return call

    return Case(
        "run",
        f"{units} recurrent units, half of them held, {EXECUTIONS[execution]}",
        f"{counted(steps)} steps",
        prepare,
        lambda found: [found.W["h"][:, 1], found.total, found.direct],
        [
            Contestant(
                "numpy by hand", lambda: networks.numpy_recurrent(units, steps), lambda seen: seen
            )
        ],
        quick=quick,
        fresh=False,
    )


def cases() -> list[Case]:
    """Return the cases of arrays."""
    found = []
    for execution in EXECUTIONS:
        found += [
            learning_case(100, 0, execution, quick=True),
            learning_case(2_000, 0, execution),
            influence_case(100, execution, quick=True),
            influence_case(2_000, execution),
            recurrent_case(30, 100, execution, quick=True),
            recurrent_case(30, 20_000, execution),
            recurrent_case(100, 20_000, execution),
        ]
    return [*found, learning_case(100, 2, "numpy", quick=True), learning_case(2_000, 2, "numpy")]
