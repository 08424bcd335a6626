"""Cases of many nodes and sets: `op_from_all`, `op_matrix`, `find_optimizers`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import causalopt
from benchmarks.case import Case, Contestant, counted, sizes
from benchmarks.native import called
from benchmarks.of_trajectories import METHODS, Method, model
from benchmarks.on_jax import in_doubles


def ring(count: int) -> causalopt.Model:
    """Return a ring of variables, each moved by its neighbour times another one."""
    return causalopt.Model(
        name="ring",
        variables={
            f"v{i}": {
                "rule": f"0.9*v{i}[t-1] + 0.1*v{(i + 1) % count}[t-1]*v{i * 7 % count}[t-1]",
                "initial": 0.5,
            }
            for i in range(count)
        },
    )


def c_ring(
    count: int, steps: int, sources: Sequence[int], held: Sequence[int]
) -> Callable[[], Any]:
    """Return tangents of the ring in C, one a lane."""
    import numpy as np

    first, second = (np.array(values, dtype=np.int64) for values in (sources, held))

    def call() -> Any:
        found = np.empty((len(sources), count))
        called("ring", "ring_tangents", count, steps, len(sources), first, second, found)
        return found

    return call


def jax_ring(count: int, steps: int, sources: Sequence[int], held: int) -> Callable[[], Any]:
    """Return the tangents of all sources on JAX, over all paths and past one held variable."""
    jax = in_doubles()
    import jax.numpy as jnp

    after, other = jnp.arange(1, count + 1) % count, jnp.arange(count) * 7 % count
    starts = jnp.eye(count)[jnp.array(sources)]

    def step(w: Any) -> Any:
        return 0.9 * w + 0.1 * w[after] * w[other]

    def both(carry: Any, _: Any) -> Any:
        w, x, y = carry
        new, slopes = jax.linearize(step, w)
        x, y = jax.vmap(slopes)(x), jax.vmap(slopes)(y)
        return (new, x, y.at[:, held].set(0.0)), None

    w = jnp.full(count, 0.5)
    run = jax.jit(lambda s: jax.lax.scan(both, (w, s, s), None, length=steps)[0][1:])
    return lambda: jax.block_until_ready(run(starts))


def from_all_case(method: Method, steps: int) -> Case:
    """Return `op_from_all` at the last step, of all nodes."""
    from benchmarks import lorenz

    def prepare() -> Callable[[], Any]:
        lo = model(method)
        return lambda: causalopt.op_from_all(lo, f"b[{steps}]", hold="a")

    def seen(op: Any) -> Any:
        # The last steps, but for the last two, where zeros decide; W has not yet parted there
        # where a run is short.
        return op[1 : min(steps - 2, 300), 1:] if steps <= 2_000 else []

    def by_c(result: Any) -> Any:
        return seen(result[1])

    compared = steps <= 2_000
    beside = [
        Contestant("C", lambda: lorenz.c_adjoint(method, steps), by_c if compared else None, 1e-6)
    ]
    if method == "euler":
        beside.append(
            Contestant(
                "JAX grad, one sweep, 3 nodes", lambda: lorenz.jax_adjoint(steps), None, quick=False
            )
        )
    return Case(
        "op_from_all",
        f"Lorenz, {METHODS[method]}",
        f"step {counted(steps)}",
        prepare,
        lambda found: seen(found.op.values),
        beside,
        reach=4 if steps >= 100_000 else None,
    )


def adjoint_case(steps: int) -> Case:
    """Return both reverse sweeps in machine code without what `op_from_all` does round them."""
    from benchmarks import lorenz

    def prepare() -> Callable[[], Any]:
        from causalopt.engine.machine.trajectory import MachineCode
        from causalopt.worlds.interventions import plan_for

        lo = model("euler")
        plan = plan_for(lo, steps=steps, hold=lo.selection("a"))
        structure, target = lo.template.structure, lo.template.index["b"]
        return lambda: MachineCode().run_adjoint(structure, plan, target)

    def last(found: Any) -> Any:
        # The last steps' derivatives, which chaos has not made others yet.
        return found[-20:]

    return Case(
        "(engine) adjoint",
        "Lorenz, Euler, with rounding estimates",
        f"{counted(steps)} steps",
        prepare,
        lambda found: last(found.total),
        [
            Contestant(
                "C",
                lambda: lorenz.c_adjoint("euler", steps),
                (lambda found: last(found[0][:, :, 0])) if steps <= 1_000 else None,
            )
        ],
        fresh=False,
    )


def matrix_case(count: int) -> Case:
    """Return `op_matrix` of a ring: from every variable but the held one to every variable."""
    steps, sources = 100, [i for i in range(count) if i != 1]

    def prepare() -> Callable[[], Any]:
        whole = ring(count)
        n = [f"v{i}[0]" for i in sources]
        m = [f"v{i}[{steps}]" for i in range(count)]
        return lambda: causalopt.op_matrix(whole, sources=n, targets=m, hold="v1")

    def ours(found: Any) -> Any:
        return [found.total, found.direct]

    def by_c(found: Any) -> Any:
        return [found[: len(sources)], found[len(sources) :]]

    both, held = [*sources, *sources], [*(-1 for _ in sources), *(1 for _ in sources)]
    return Case(
        "op_matrix",
        f"ring, {steps} steps, all to all",
        f"{counted(count)} variables",
        prepare,
        ours,
        [
            Contestant("C", lambda: c_ring(count, steps, both, held), by_c),
            Contestant(
                "JAX, tangents by vmap",
                lambda: jax_ring(count, steps, sources, 1),
                lambda found: [found[0], found[1]],
                quick=False,
            ),
        ],
    )


def sets_case(method: Method, steps: int) -> Case:
    """Return `find_optimizers` of Lorenz: three candidates."""
    from benchmarks import lorenz

    def prepare() -> Callable[[], Any]:
        lo = model(method)
        return lambda: causalopt.find_optimizers(lo, nudge="b[0]", target="b", steps=steps)

    def ours(found: Any) -> Any:
        op = {candidate.hold: candidate.op for candidate in found}
        return [op["a",], op["c",], op["a", "c"]]

    compared = steps <= 1_000
    return Case(
        "find_optimizers",
        f"Lorenz, {METHODS[method]}, 3 candidates",
        f"{counted(steps)} steps",
        prepare,
        ours,
        [
            Contestant(
                "C",
                lambda: lorenz.c_candidates(method, steps),
                (lambda op: op) if compared else None,
                1e-7,
            )
        ],
        reach_seconds=0.03 if (method, steps) == ("rk4", 20_000) else None,
    )


def single_sets_case(count: int) -> Case:
    """Return `find_optimizers` of a ring: every single variable but n's and m's."""
    steps, candidates = 1_000, range(2, count)

    def prepare() -> Callable[[], Any]:
        whole = ring(count)
        return lambda: causalopt.find_optimizers(
            whole, nudge="v0[0]", target="v1", steps=steps, size=1
        )

    def ours(found: Any) -> Any:
        comp = {candidate.hold[0]: candidate.comp for candidate in found}
        return [comp[f"v{i}"] for i in candidates]

    def by_c(found: Any) -> Any:
        import numpy as np

        with np.errstate(divide="ignore"):
            return found[0, 1] / found[1:, 1]

    return Case(
        "find_optimizers",
        "ring, single variables, 1,000 steps",
        f"{counted(count)} variables",
        prepare,
        ours,
        [
            Contestant(
                "C", lambda: c_ring(count, steps, [0] * (count - 1), [-1, *candidates]), by_c, 1e-7
            )
        ],
        reach_seconds=0.3 if count == 300 else None,
    )


def sparse_graph(count: int) -> causalopt.Model:
    """Return a static model of so many nodes, each a sum of three of the forty before it."""
    import random

    rng = random.Random(0)
    variables: dict[str, Any] = {"x0": {"initial": 1}}
    for i in range(1, count):
        above = sorted({rng.randrange(max(0, i - 40), i) for _ in range(3)})
        terms = [f"({round(rng.uniform(-1, 1), 3)})*x{k}" for k in above]
        variables[f"x{i}"] = " + ".join(terms)
    return causalopt.Model(name="sparse", variables=variables)


def pairs_case(count: int) -> Case:
    """Return `find_optimizers` of a static graph: all pairs of variables, with statuses.

    Beside it stands the closed form of a linear model: total effects by an inverse, and inclusion
    and exclusion over the two nodes of a pair, without statuses.
    """

    def prepare() -> Callable[[], Any]:
        whole = sparse_graph(count + 2)
        return lambda: causalopt.find_optimizers(
            whole, nudge="x0", target=f"x{count + 1}", size=2, best=100
        )

    def by_inverse() -> Callable[[], Any]:
        import numpy as np

        slopes = np.zeros((count + 2, count + 2))
        for i, name in enumerate(whole := sparse_graph(count + 2).variables):
            for term in str(whole[name].rule or "").split(" + ") if i else ():
                slope, _, parent = term.partition("*x")
                slopes[i, int(parent)] = float(slope.strip("()"))

        def call() -> Any:
            effects = np.linalg.inv(np.eye(count + 2) - slopes)
            into, out, total = effects[1:-1, 0], effects[-1, 1:-1], effects[-1, 0]
            middle = effects[1:-1, 1:-1]
            single = into * out
            both = into[:, None] * middle.T * out[None, :]
            u, v = np.triu_indices(count, 1)
            direct = total - single[u] - single[v] + both[u, v] + both[v, u]
            whole = np.concatenate([total - single, direct])
            return np.sort(np.log(np.abs(whole / total)))[::-1][:100]

        return call

    return Case(
        "find_optimizers",
        "static graph, all pairs",
        f"{counted(count)} variables",
        prepare,
        lambda found: [candidate.op for candidate in found],
        [Contestant("numpy, inverse, no statuses", by_inverse, lambda op: op.tolist(), 1e-7)],
        reach_seconds=30 if count == 1_000 else None,
    )


def cases() -> list[Case]:
    """Return them all."""
    return [
        *sizes((1_000, 10_000, 100_000), lambda n: from_all_case("euler", n), quick=1_000),
        *sizes((1_000, 10_000, 100_000), lambda n: from_all_case("rk4", n)),
        *sizes((1_000, 100_000), adjoint_case),
        *sizes((10, 30, 100), matrix_case, quick=10),
        *sizes((1_000, 20_000, 100_000), lambda n: sets_case("euler", n)),
        *sizes((1_000, 20_000, 100_000), lambda n: sets_case("rk4", n), quick=1_000),
        *sizes((30, 100, 300), single_sets_case, quick=30),
        *sizes((100, 1_000), pairs_case, quick=100),
    ]
