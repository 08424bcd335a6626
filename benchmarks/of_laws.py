"""Cases of laws: `strength` of networks of labels, beside inference by pyAgrum and sums by dit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import causalopt
from benchmarks.case import Case, Contestant, sizes

LABELS = 4


def network(variables: int, parents: int, *, seed: int = 1, certain: bool = False) -> Any:
    """Return a network: each variable reads itself and others drawn at random; random tables."""
    import numpy as np

    from causalopt.laws.discrete import DiscreteModel, Mechanism, Parent
    from causalopt.laws.law import DenseLaw, ProductLaw
    from causalopt.laws.space import Space

    rng = np.random.default_rng(seed)
    names, labels = tuple(f"v{i}" for i in range(variables)), tuple(range(LABELS))
    rules = []
    for i, name in enumerate(names):
        others = rng.permutation([j for j in range(variables) if j != i])[: parents - 1]
        table = rng.dirichlet(np.ones(LABELS), size=(LABELS,) * parents)
        if certain:
            table = np.eye(LABELS)[table.argmax(axis=-1)]
        reads = tuple(Parent(names[j]) for j in (i, *others))
        rules.append(Mechanism(name, labels, reads, table))
    space = Space(names, (labels,) * variables)
    blocks = [DenseLaw(space.only([n]), rng.dirichlet(np.ones(LABELS))) for n in names]
    held = names[: variables // 2]
    return DiscreteModel("network", tuple(rules), ProductLaw(tuple(blocks)), held)


def agrum_entropies(model: Any) -> Callable[[], Any]:
    """Return the four entropies by exact inference in networks unrolled over three steps."""
    import numpy as np
    import pyagrum as gum

    names = [m.name for m in model.mechanisms]
    starts = dict(zip(names, (block.p for block in model.initial.blocks), strict=True))

    def unrolled(last: int, *, replica: bool) -> tuple[Any, list[str]]:
        net = gum.BayesNet()

        def add(name: str) -> None:
            net.add(gum.LabelizedVariable(name, name, LABELS))

        copies = ("", "r") if replica else ("",)
        for copy in copies:
            for t in range(2):
                for name in names:
                    add(f"{name}_{t}{copy}")
        for name in names if last == 2 else ():
            add(f"{name}_2")
        for copy in copies:
            for m in model.mechanisms:
                net.cpt(f"{m.name}_0{copy}")[:] = starts[m.name]
                _rule(net, m, f"{m.name}_1{copy}", lambda n, c=copy: f"{n}_0{c}")
        taken = {n: f"{n}_1{'r' if replica and n in model.A else ''}" for n in names}
        if last == 2:
            for m in model.mechanisms:
                _rule(net, m, f"{m.name}_2", taken.__getitem__)
            return net, [f"{n}_2" for n in names]
        return net, [taken[n] for n in names]

    def _rule(net: Any, m: Any, child: str, place: Any) -> None:
        reads = [place(parent.name) for parent in m.parents]
        for read in reads:
            net.addArc(read, child)
        # pyAgrum's axes: the last parent first, the child last, by names.
        order = [name for name in net.cpt(child).names if name != child]
        axes = [reads.index(name) for name in reversed(order)]
        net.cpt(child)[:] = np.ascontiguousarray(np.transpose(m.table, [*axes, len(reads)]))

    networks = [unrolled(1, replica=False), unrolled(1, replica=True)]
    networks += [unrolled(2, replica=False), unrolled(2, replica=True)]

    def call() -> Any:
        found = []
        for net, targets in networks:
            inference = gum.LazyPropagation(net)
            inference.addJointTarget(set(targets))
            found.append(inference.jointPosterior(set(targets)).entropy())
        return found

    return call


def strength_case(variables: int) -> Case:
    """Return `strength` at step 1 of a network."""
    parents = 2

    def prepare() -> Callable[[], Any]:
        model = network(variables, parents)
        return lambda: causalopt.strength(model, at=1)

    def numbers(found: Any) -> Any:
        return [found.S, found.S_decoupled, found.S_next, found.S_next_decoupled]

    return Case(
        "strength",
        f"{LABELS} labels, {parents} parents, at step 1",
        f"{variables} variables",
        prepare,
        numbers,
        [Contestant("pyAgrum", lambda: agrum_entropies(network(variables, parents)), lambda x: x)],
        work=("laws/", "entropy/"),
    )


def cases() -> list[Case]:
    """Return them all."""
    return sizes((4, 6, 8), strength_case, quick=4)
