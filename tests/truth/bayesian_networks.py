"""Bayesian networks, by pyAgrum.

Random networks of five to nine variables of two or three labels, up to three parents each, are
declared as models without time. pyAgrum's inference gives the marginal of every variable, the joint
entropy of three, and, from the network as observed, the law of a variable after an intervention on
another by the do-calculus (whichever adjustment it finds); here the intervention is a model in
which the variable's table is the label alone.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator

import numpy as np

from causalopt import Model, strength
from tests.truth.record import Comparison, Record

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pyagrum as gum
    from pyagrum.causal import CausalModel, causalImpact

COUNT, SHORT = 60, 5
TOLERANCE = 1e-12


class Network:
    """A random network: parents and tables by name."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.names = [f"v{i}" for i in range(int(rng.integers(5, 10)))]
        self.sizes = {name: int(rng.integers(2, 4)) for name in self.names}
        self.parents: dict[str, list[str]] = {}
        self.tables: dict[str, np.ndarray] = {}
        for i, name in enumerate(self.names):
            count = min(i, int(rng.integers(1, 4)))
            self.parents[name] = [str(n) for n in rng.choice(self.names[:i], count, replace=False)]
            shape = [self.sizes[parent] for parent in self.parents[name]]
            self.tables[name] = rng.dirichlet(np.ones(self.sizes[name]), size=shape)

    def model(self, done: dict[str, int]) -> Model:
        """Return the model file's model, with some variables set to a label."""
        variables = {}
        for name in self.names:
            domain = list(range(self.sizes[name]))
            if name in done:
                variables[name] = {"domain": domain, "initial": done[name]}
                continue
            rows = itertools.product(*(range(self.sizes[p]) for p in self.parents[name]))
            table = [
                [*row, {k: float(p) for k, p in enumerate(self.tables[name][row])}] for row in rows
            ]
            variables[name] = {"domain": domain, "parents": self.parents[name], "table": table}
        held = [self.names[1]]
        return Model(name="net", renormalise=True, variables=variables, partition={"A": held})

    def foreign(self) -> gum.BayesNet:
        """Return pyAgrum's network."""
        net = gum.BayesNet()
        for name in self.names:
            net.add(gum.RangeVariable(name, "", 0, self.sizes[name] - 1))
        for name in self.names:
            for parent in self.parents[name]:
                net.addArc(parent, name)
            for row in itertools.product(*(range(self.sizes[p]) for p in self.parents[name])):
                at = dict(zip(self.parents[name], row, strict=True))
                net.cpt(name)[at] = self.tables[name][row].tolist()
        return net


def law_of(model: Model, name: str) -> np.ndarray:
    """Return the law of one variable."""
    return strength(model, targets=[name]).P.dense().p.astype(float)


def records(short: bool) -> Iterator[Record]:
    """Yield the records of marginals, of entropies and of interventions."""
    marginals = Comparison("pyAgrum", "marginals", TOLERANCE, "absolute")
    entropies = Comparison("pyAgrum", "joint entropies of three, bits", TOLERANCE, "absolute")
    interventions = Comparison("pyAgrum", "laws after an intervention", TOLERANCE, "absolute")
    for seed in range(SHORT if short else COUNT):
        network = Network(seed)
        net, rng = network.foreign(), np.random.default_rng(seed)
        model = network.model({})
        for name in network.names:
            inference = gum.LazyPropagation(net)
            inference.makeInference()
            marginals.add(
                f"seed {seed}, {name}", law_of(model, name), inference.posterior(name).toarray()
            )
        some = {str(name) for name in rng.choice(network.names, 3, replace=False)}
        inference = gum.LazyPropagation(net)
        inference.addJointTarget(some)
        inference.makeInference()
        found = strength(model, targets=sorted(some))
        entropies.add(f"seed {seed}", found.S, float(inference.jointPosterior(some).entropy()))
        done, asked = (str(name) for name in rng.choice(network.names, 2, replace=False))
        label = int(rng.integers(network.sizes[done]))
        _, law, how = causalImpact(CausalModel(net), on=asked, doing=done, values={done: label})
        interventions.add(
            f"seed {seed}: {asked} after {done} := {label} ({how})",
            law_of(network.model({done: label}), asked),
            law.toarray(),
        )
    for one in (marginals, entropies, interventions):
        yield one.record()
