"""Systems of which it is known whether they hold an optimizer: what a test for one is tested on.

What a system is counted as is decided by what it was made for, not by its Op: a thermostat that is
far from its goal is counted as having an optimizer, and a spring with friction as having none.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from causalopt.engine.contract import Floats
from causalopt.model.files import load
from causalopt.model.model import Model


@dataclasses.dataclass(frozen=True)
class KnownSystem:
    """A system with a question, and what is known of it.

    Attributes:
        name: What it is, for a table.
        has_optimizer: Whether something in it was made, or has evolved, to hold m.
        build: What makes the model.
        question: How `detect_optimizer` is asked of it.
    """

    name: str
    has_optimizer: bool
    build: Callable[[], Model]
    question: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class KnownFamily:
    """Systems drawn at random, of which the same is known.

    Attributes:
        name: What they are, for a table.
        has_optimizer: Whether a controller was planted in them.
        build: What makes the model of a seed.
        question: How `detect_optimizer` is asked of them.
        planted: The variables through which a planted controller acts; none where there is none.
    """

    name: str
    has_optimizer: bool
    build: Callable[[int], Model]
    question: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    planted: tuple[str, ...] = ()


def known_systems() -> tuple[KnownSystem, ...]:
    """Return the systems, those with an optimizer first."""
    return (*_with_optimizer(), *_without_optimizer())


def known_families() -> tuple[KnownFamily, ...]:
    """Return the families of random systems, those with an optimizer first."""
    controlled = {"nudge": "d[0]", "target": "x0", "steps": 150, "starts": 8}
    return (
        KnownFamily(
            "random plant, integral control", True, planted_network, controlled, ("u", "sum")
        ),
        KnownFamily(
            "random plant, proportional control",
            True,
            lambda seed: planted_network(seed, integral=False),
            controlled,
            ("u",),
        ),
        KnownFamily(
            "random network without feedback",
            False,
            layered_network,
            {"nudge": "n", "target": "m", "starts": 2},
        ),
        KnownFamily(
            "random network with feedback",
            False,
            linear_network,
            {"nudge": "x0[0]", "target": "x0", "steps": 100, "starts": 8},
        ),
        KnownFamily(
            "random threshold network",
            False,
            threshold_network,
            {"nudge": "x0[0]", "target": "x0", "steps": 24, "starts": 128, "delta": 1},
        ),
    )


def _with_optimizer() -> Iterator[KnownSystem]:
    def shipped(name: str, text: str, of: str, **question: Any) -> KnownSystem:
        return KnownSystem(
            name if not text else f"{name}, {text}", True, lambda: load(of), question
        )

    yield shipped("thermostat", "", "thermostat")
    near, far = {"R": (24.3, 25.7)}, {"R": (5.0, 45.0)}
    yield shipped("saturating thermostat", "near its goal", "thermostat_saturating", within=near)
    yield shipped("saturating thermostat", "anywhere", "thermostat_saturating", within=far)
    yield KnownSystem("two rooms, two thermostats", True, two_thermostats)
    yield shipped("PID loop", "colder outside", "pid_loop")
    yield shipped("PID loop", "colder room", "pid_loop", nudge="room[0]")
    yield KnownSystem("proportional control, gain 4", True, proportional_control)
    wide = {"ligand": (0.5, 2.0), "methylation": (0.7, 2.0), "CheB": (0.3, 0.7)}
    yield shipped("chemotaxis", "", "chemotaxis", within=wide)
    cycle = {"nudge": "Clb12[0]", "target": "Clb12", "steps": 24, "delta": 1, "starts": 512}
    yield shipped("yeast cell cycle", "Clb1,2", "yeast_cell_cycle", **cycle)
    word = {"nudge": "x3[0]", "target": "x3", "steps": 20, "delta": 1}
    yield shipped("error-correcting code", "", "hamming_code", **word)
    yield shipped("gradient descent", "100 steps", "base_optimizer", steps=100)
    yield shipped("iterative solver", "5 steps", "solver")


def _without_optimizer() -> Iterator[KnownSystem]:
    yield KnownSystem("free decay", False, free_decay)
    yield KnownSystem("three rooms that exchange heat", False, passive_rooms)
    yield KnownSystem("delay line", False, delay_line)
    yield KnownSystem("a bystander that only watches", False, bystander)
    yield KnownSystem("random walk, uncontrolled", False, random_walk)
    torus = {"p": (-3.14, 3.14), "q": (-3.14, 3.14)}
    for kick in (6, 0.5):
        yield KnownSystem(
            f"standard map, K = {kick}",
            False,
            lambda: load("standard_map"),
            {"within": torus, "parameters": {"K": kick}, "steps": 200},
        )
    star = dict.fromkeys(("x", "y", "px", "py"), (-0.3, 0.3))
    for n, m in (("x", "x"), ("px", "px"), ("x", "y")):
        question = {"nudge": f"{n}[0]", "target": m, "within": star, "steps": 4000}
        yield KnownSystem(
            f"Hénon-Heiles, {n} on {m}", False, lambda: load("henon_heiles"), question
        )
    butterfly = {"a": (-10.0, 10.0), "b": (-10.0, 10.0), "c": (10.0, 30.0)}
    for m in "bc":
        question = {"nudge": "b[0]", "target": m, "within": butterfly, "steps": 2000}
        yield KnownSystem(f"Lorenz, rho = 28, b on {m}", False, lambda: load("lorenz"), question)
    yield KnownSystem(
        "predator and prey", False, predator_prey, {"within": {"u": (0.3, 2.0), "v": (0.3, 2.0)}}
    )
    yield KnownSystem("spring", False, spring)
    yield KnownSystem("spring with friction", False, spring, {"parameters": {"friction": 0.2}})
    yield KnownSystem("free decay, its leak a variable", False, leaking_decay)


def two_thermostats() -> Model:
    """Return two rooms that exchange heat, each with a thermostat."""
    return Model(
        name="two_thermostats",
        parameters={"k": 0.05, "exchange": 0.05},
        variables={
            "T1": {"rule": "R1[t-1] - 20", "initial": 0},
            "T2": {"rule": "R2[t-1] - 22", "initial": 0},
            "R1": {"rule": "R1[t-1] - k*T1[t-1] + exchange*(R2[t-1] - R1[t-1])", "initial": 25},
            "R2": {"rule": "R2[t-1] - k*T2[t-1] + exchange*(R1[t-1] - R2[t-1])", "initial": 18},
        },
        question={"nudge": "R1[0]", "target": "R1", "steps": 400},
    )


def proportional_control() -> Model:
    """Return a room whose heater gives four times what the room leaks: a cut to a fifth."""
    return Model(
        name="proportional_control",
        parameters={"loss": 0.1, "gain": 4},
        variables={
            "outside": {"rule": "outside[t-1]", "initial": 5},
            "heater": {"rule": "gain*loss*(20 - room[t-1])", "initial": 0},
            "room": {
                "rule": "room[t-1] + heater[t] + loss*(outside[t-1] - room[t-1])",
                "initial": 15,
            },
        },
        question={"nudge": "outside[0]", "target": "room", "steps": 200},
    )


def free_decay() -> Model:
    """Return a quantity that halves."""
    return Model(
        name="free_decay",
        variables={"x": {"rule": "x[t-1]/2", "initial": 1}},
        question={"nudge": "x[0]", "target": "x", "steps": 40},
    )


def leaking_decay() -> Model:
    """Return the same quantity, what leaks out of it a variable of its own."""
    return Model(
        name="leaking_decay",
        variables={
            "leak": {"rule": "x[t-1]/2", "initial": 0},
            "x": {"rule": "x[t-1] - leak[t]", "initial": 1},
        },
        question={"nudge": "x[0]", "target": "x", "steps": 40},
    )


def passive_rooms() -> Model:
    """Return three rooms in a row that lose heat to each other and to the outside."""
    return Model(
        name="passive_rooms",
        variables={
            "x1": {"rule": "0.9*x1[t-1] + 0.05*x2[t-1]", "initial": 1},
            "x2": {"rule": "0.9*x2[t-1] + 0.05*x1[t-1] + 0.05*x3[t-1]", "initial": 1},
            "x3": {"rule": "0.9*x3[t-1] + 0.05*x2[t-1]", "initial": 1},
        },
        question={"nudge": "x1[0]", "target": "x1", "steps": 200},
    )


def delay_line() -> Model:
    """Return a signal that arrives three steps later and is summed."""
    return Model(
        name="delay_line",
        variables={
            "u": {"rule": "0", "initial": 1},
            "first": {"rule": "u[t-1]", "initial": 0},
            "second": {"rule": "first[t-1]", "initial": 0},
            "x": {"rule": "x[t-1] + second[t-1]", "initial": 0},
        },
        question={"nudge": "u[0]", "target": "x", "steps": 30},
    )


def bystander() -> Model:
    """Return a noisy quantity, and two that read it and tell nobody."""
    return Model(
        name="bystander",
        variables={
            "e": {"noise": "normal(0, 1)"},
            "x": {"rule": "0.95*x[t-1] + e[t]", "initial": 0},
            "seen": {"rule": "seen[t-1] + x[t-1]", "initial": 0},
            "worry": {"rule": "seen[t] - x[t]"},
        },
        question={"nudge": "x[0]", "target": "x", "steps": 100},
    )


def random_walk() -> Model:
    """Return a walk whose steps a slower walk leans on."""
    return Model(
        name="random_walk",
        variables={
            "e": {"noise": "normal(0, 1)"},
            "f": {"noise": "normal(0, 1)"},
            "y": {"rule": "y[t-1] + f[t]", "initial": 0},
            "x": {"rule": "x[t-1] + y[t-1]/10 + e[t]", "initial": 0},
        },
        question={"nudge": "x[0]", "target": "x", "steps": 100},
    )


def predator_prey() -> Model:
    """Return Lotka's and Volterra's cycles: a quantity is conserved, nobody regulates."""
    return Model(
        name="predator_prey",
        dt=0.02,
        method="rk4",
        variables={
            "u": {"flow": "u*(1 - v)", "initial": 1},
            "v": {"flow": "v*(u - 1)", "initial": 0.5},
        },
        question={"nudge": "u[0]", "target": "u", "steps": 5000},
    )


def spring() -> Model:
    """Return a mass on a spring, without friction unless the parameter says so."""
    return Model(
        name="spring",
        parameters={"friction": 0},
        dt=0.05,
        method="rk4",
        variables={
            "x": {"flow": "v", "initial": 1},
            "v": {"flow": "-x - friction*v", "initial": 0},
        },
        question={"nudge": "x[0]", "target": "x", "steps": 2000},
    )


def linear_network(seed: int, *, size: int = 6, radius: float = 0.95) -> Model:
    """Return x_t = W x_(t-1), W of normal numbers scaled to a spectral radius.

    Args:
        seed: Which numbers are drawn.
        size: Variables.
        radius: The spectral radius: below 1 every disturbance dies away in the end.
    """
    rng = np.random.default_rng([seed, 1])
    return Model(
        name=f"linear_network_{seed}",
        parameters=_weights(_scaled(rng.standard_normal((size, size)), radius)),
        variables={f"x{i}": {"rule": _sum(i, size), "initial": 1} for i in range(size)},
    )


def layered_network(seed: int, *, width: int = 3) -> Model:
    """Return n, two layers and m, every edge's weight a normal number: nothing flows back.

    Args:
        seed: Which numbers are drawn.
        width: Variables of a layer.
    """
    rng = np.random.default_rng([seed, 4])
    layers = [["n"], *([f"{kind}{i}" for i in range(width)] for kind in "ab"), ["m"]]
    variables, weights = {"n": {"rule": "1"}}, dict[str, float]()
    for above, below in itertools.pairwise(layers):
        for name in below:
            terms = {f"w_{other}_{name}": other for other in above}
            weights |= {weight: float(rng.standard_normal()) for weight in terms}
            variables[name] = {"rule": " + ".join(f"{w}*{other}" for w, other in terms.items())}
    return Model(name=f"layered_network_{seed}", parameters=weights, variables=variables)


def threshold_network(seed: int, *, size: int = 6) -> Model:
    """Return a network of on and off as the yeast cell cycle's is, its arrows drawn at random.

    Args:
        seed: Which arrows are drawn: each is there with probability 1/2, activating or inhibiting.
        size: Variables.
    """
    rng = np.random.default_rng([seed, 2])
    weights = rng.choice([-1, 0, 0, 1], size=(size, size))
    np.fill_diagonal(weights, 0)
    even = {0: "1/2", 1: "1/2"}
    return Model(
        name=f"threshold_network_{seed}",
        parameters=_weights(weights),
        functions={"keep(h, s)": "where(h > 0, 1, where(h < 0, 0, s))"},
        variables={
            f"x{i}": {
                "domain": [0, 1],
                "rule": f"keep({_sum(i, size)}, x{i}[t-1])",
                "initial": even,
            }
            for i in range(size)
        },
    )


def planted_network(seed: int, *, size: int = 4, integral: bool = True) -> Model:
    """Return a random stable plant with a constant disturbance d and a controller u of x0.

    The controller reads x0 and acts on it. Gains are drawn until the loop is stable with a radius
    of at most 0.95, which is a controller that works.

    Args:
        seed: Which plant and gains are drawn.
        size: Variables of the plant.
        integral: Whether the controller sums up what it reads.
    """
    rng = np.random.default_rng([seed, 3])
    while True:
        plant = _scaled(rng.standard_normal((size, size)), 0.9)
        kp, ki = rng.uniform(0.2, 1.5), rng.uniform(0.05, 0.4) if integral else 0.0
        if _radius(_closed(plant, kp, ki, integral=integral)) <= 0.95:
            break
    variables: dict[str, Any] = {
        "d": {"rule": "d[t-1]", "initial": 1},
        "u": {"rule": "-kp*x0[t-1]" + (" - ki*sum[t-1]" if integral else ""), "initial": 0},
    }
    if integral:
        variables["sum"] = {"rule": "sum[t-1] + x0[t-1]", "initial": 0}
    for i in range(size):
        more = " + d[t-1] + u[t]" if i == 0 else ""
        variables[f"x{i}"] = {"rule": _sum(i, size) + more, "initial": 0}
    gains = {"kp": float(kp)} | ({"ki": float(ki)} if integral else {})
    return Model(
        name=f"planted_network_{seed}", parameters=_weights(plant) | gains, variables=variables
    )


def _closed(plant: Floats, kp: float, ki: float, *, integral: bool) -> Floats:
    """Return the matrix of plant and sum under control."""
    size = len(plant)
    loop = np.zeros((size + integral, size + integral))
    loop[:size, :size] = plant
    loop[0, 0] -= kp
    if integral:
        loop[0, size], loop[size, 0], loop[size, size] = -ki, 1.0, 1.0
    return loop


def _scaled(weights: Floats, radius: float) -> Floats:
    return weights * (radius / _radius(weights))


def _radius(matrix: Floats) -> float:
    return float(np.abs(np.linalg.eigvals(matrix)).max())


def _weights(weights: Floats) -> dict[str, float]:
    return {f"w{i}_{j}": float(weights[i, j]) for i, j in np.ndindex(weights.shape)}


def _sum(i: int, size: int) -> str:
    return " + ".join(f"w{i}_{j}*x{j}[t-1]" for j in range(size))
