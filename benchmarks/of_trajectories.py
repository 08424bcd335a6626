"""Cases of one trajectory: `run`, `world`, a finite nudge; rates of growth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import causalopt
from benchmarks.case import Case, Contestant, counted, sizes

QUESTION: dict[str, Any] = {"nudge": "b[0]", "hold": "a", "target": "b"}
Method = Literal["euler", "rk4"]
METHODS = {"euler": "Euler", "rk4": "RK4"}
SEEN = 800  # steps that are compared: later, chaos makes other numbers of other rounding


def model(method: Method) -> causalopt.Model:
    """Return Lorenz's system by a method."""
    return causalopt.load("lorenz").replace(method=method)


def _seen(*columns: Any) -> Any:
    import numpy as np

    return np.concatenate([np.asarray(column)[: SEEN + 1].ravel() for column in columns])


def run_case(method: Method, steps: int, *, read: bool = False, reach: float | None = None) -> Case:
    """Return `run`, its Op and statuses read at every step or not."""
    from benchmarks import lorenz

    def prepare() -> Callable[[], Any]:
        lo = model(method)
        if not read:
            return lambda: causalopt.run(lo, steps=steps, **QUESTION)

        def call() -> Any:
            found = causalopt.run(lo, steps=steps, **QUESTION)
            return found, found.op, found.status

        return call

    def numbers(result: Any) -> Any:
        if read:
            return _seen(result[1])
        return _seen(result.W["b"], result.total, result.direct)

    def theirs(result: Any) -> Any:
        return (
            _seen(result[2])
            if read
            else _seen(result[0][:, 1], result[1][:, 1, 0], result[1][:, 1, 1])
        )

    def by_tables(result: Any) -> Any:
        w, x, y = result
        return _seen(w[:, 1], x[:, 1], y[:, 1])

    def by_jax(result: Any) -> Any:
        w, x, y = ([1.0, *part[1][:SEEN]] for part in result)
        return _seen(w, x, y)

    beside = [Contestant("C", lambda: lorenz.c_run(method, steps, op=read), theirs, 1e-7)]
    if not read:
        beside.append(
            Contestant(
                "C, into memory it has",
                lambda: lorenz.c_run(method, steps, fresh=False),
                theirs,
                1e-7,
            )
        )
    if method == "euler" and not read:
        beside += [
            Contestant("numba", lambda: lorenz.numba_run(steps), by_tables, 1e-7, quick=False),
            Contestant("JAX scan", lambda: lorenz.jax_run(steps), by_jax, 1e-7, quick=False),
        ]
    what = f"Lorenz, {METHODS[method]}" + (", every Op and status read" if read else "")
    return Case("run", what, f"{counted(steps)} steps", prepare, numbers, beside, reach=reach)


def engine_case(steps: int, *, estimate: bool) -> Case:
    """Return W and both tangents in machine code without what `run` does round it."""
    from benchmarks import lorenz

    def prepare() -> Callable[[], Any]:
        from causalopt.engine.machine.trajectory import MachineCode
        from causalopt.worlds.interventions import plan_for

        lo = model("euler")
        plan = plan_for(lo, steps=steps, hold=lo.selection("a"), seed=lo.node("b[0]"))
        structure = lo.template.structure
        return lambda: MachineCode().run_tangents(structure, plan, estimate=estimate)

    return Case(
        "(engine) tangents",
        f"Lorenz, Euler, {'with' if estimate else 'without'} rounding estimates",
        f"{counted(steps)} steps",
        prepare,
        lambda found: _seen(found.values[:, 1]),
        [
            Contestant(
                "C", lambda: lorenz.c_run("euler", steps), lambda found: _seen(found[0][:, 1]), 1e-7
            )
        ],
        fresh=False,
    )


def world_case(method: Method, steps: int) -> Case:
    """Return `world`."""
    from benchmarks import lorenz

    def prepare() -> Callable[[], Any]:
        lo = model(method)
        return lambda: causalopt.world(lo, steps=steps)

    return Case(
        "world",
        f"Lorenz, {METHODS[method]}",
        f"{counted(steps)} steps",
        prepare,
        lambda found: _seen(found["b"]),
        [Contestant("C", lambda: lorenz.c_world(method, steps), lambda w: _seen(w[:, 1]))],
        reach=2 if steps >= 100_000 else None,
    )


def finite_case(method: Method, steps: int) -> Case:
    """Return `run` with a finite nudge."""
    from benchmarks import lorenz

    def prepare() -> Callable[[], Any]:
        lo = model(method)
        return lambda: causalopt.run(lo, steps=steps, delta=1e-3, **QUESTION)

    return Case(
        "run(delta=)",
        f"Lorenz, {METHODS[method]}",
        f"{counted(steps)} steps",
        prepare,
        lambda found: _seen(found.W["b"], found.X["b"], found.Y["b"])[: 3 * SEEN],
        [
            Contestant(
                "C, three worlds",
                lambda: lorenz.c_finite(method, steps, 1e-3),
                lambda found: _seen(found[0][:, 1], found[1][:, 1], found[2][:, 1])[: 3 * SEEN],
                1e-7,
            )
        ],
        reach=4 if steps >= 100_000 else None,
    )


def response_case(steps: int) -> Case:
    """Return `run` of a linear model: closed and open loop, beside python-control's responses."""

    def prepare() -> Callable[[], Any]:
        room = causalopt.load("thermostat")
        return lambda: causalopt.run(room, steps=steps, nudge="R[0]", hold="T", target="R")

    def control() -> Callable[[], Any]:
        import control as ct
        import numpy as np

        times = np.arange(steps + 1)
        closed = ct.StateSpace([[0, 1], [-0.01, 1]], [[0], [0]], [[0, 1]], [[0]], 1)
        opened = ct.StateSpace([[1]], [[0]], [[1]], [[0]], 1)
        return lambda: (
            ct.initial_response(closed, times, [0, 1]).outputs,
            ct.initial_response(opened, times, [1]).outputs,
        )

    return Case(
        "run",
        "thermostat, closed and open loop",
        f"{counted(steps)} steps",
        prepare,
        lambda found: _seen(found.total, found.direct),
        [Contestant("python-control", control, lambda found: _seen(*found))],
    )


def rates_case(method: Method, steps: int) -> Case:
    """Return `rates`: all exponents, conditional ones, and the rate of Op."""
    from benchmarks import lorenz

    transient = steps // 10

    def prepare() -> Callable[[], Any]:
        lo = model(method)
        return lambda: causalopt.rates(lo, steps=steps, transient=transient, **QUESTION)

    full = steps >= 100_000 and method == "rk4"
    # Exponents of runs that chaos has parted: they agree within what runs of this length scatter.
    scatter = 40 / (steps * 0.01) / 14.5
    beside = [
        Contestant("C", lambda: lorenz.c_exponents(method, steps, transient), lambda x: x, scatter)
    ]
    case = Case(
        "rates",
        f"Lorenz, {METHODS[method]}",
        f"{counted(steps)} steps",
        prepare,
        lambda found: [*found.lyapunov, *found.conditional],
        beside,
        reach_seconds=0.15 if full else None,
        reach_first=0.6 if full else None,
    )
    if method == "rk4":
        beside.append(
            Contestant(
                "pynamicalsys, no conditional ones",
                lambda: lorenz.pynamicalsys_exponents(steps, transient),
                lambda found: [*found, *_conditional(method, steps, transient)],
                scatter,
                quick=False,
            )
        )
    return case


def _conditional(method: Method, steps: int, transient: int) -> Any:
    """Return what pynamicalsys does not have, so that the others can be compared."""
    from benchmarks import lorenz

    return lorenz.c_exponents(method, steps, transient)()[3:]


def cases() -> list[Case]:
    """Return them all."""
    three = (10_000, 100_000, 1_000_000)
    asked = {100_000: 4.0, 1_000_000: 3.0}
    return [
        *sizes(three, lambda n: run_case("euler", n, reach=asked.get(n)), quick=10_000),
        *sizes(three, lambda n: run_case("rk4", n, reach=asked.get(n))),
        *sizes(three, lambda n: run_case("euler", n, read=True, reach=asked.get(n)), quick=10_000),
        *sizes((100_000,), lambda n: engine_case(n, estimate=True)),
        *sizes((100_000,), lambda n: engine_case(n, estimate=False)),
        *sizes((1_000, 10_000, 100_000), response_case, quick=1_000),
        *sizes(three, lambda n: world_case("euler", n), quick=10_000),
        *sizes(three, lambda n: world_case("rk4", n)),
        *sizes(three, lambda n: finite_case("euler", n)),
        *sizes(three, lambda n: finite_case("rk4", n), quick=10_000),
        *sizes((1_000, 20_000, 100_000), lambda n: rates_case("euler", n)),
        *sizes((1_000, 20_000, 100_000), lambda n: rates_case("rk4", n), quick=1_000),
    ]
