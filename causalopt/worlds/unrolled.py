"""A model's run unrolled for several networks and a batch of starts at once, and its gradients.

A network is one set of weights; each has runs of its own, whose random starts and noises differ.
The gradient is the adjoint of the loss at the last step through all steps before it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from causalopt.engine.arrays.array_backward import adjoint_of
from causalopt.engine.arrays.array_batch import batched, is_random
from causalopt.engine.arrays.array_course import Draw
from causalopt.engine.arrays.array_loop import Key
from causalopt.engine.arrays.array_plan import ArrayPlan, HeldArray, Values
from causalopt.engine.arrays.array_stretches import Stretches
from causalopt.model.arrays.array_template import ArrayTemplate
from causalopt.worlds.array_draws import initial_values, noise_draws
from causalopt.worlds.array_world import template_plan

Weights = dict[str, Values]


@dataclasses.dataclass(frozen=True, eq=False)
class Unrolled:
    """A model's runs, for networks that differ in their weights and starts that differ in draws.

    Attributes:
        single: The template of one run.
        shared: The template of one network's runs: what draws, and what reads it, has a batch axis.
        wide: The template of all networks' runs: everything has the networks' axis first.
        plan: The plan of `wide`, whose weights and draws are put in anew each time.
        weights: The variables that differ between networks.
        random: The variables that differ between a network's runs by themselves.
        networks: How many networks.
        batch: How many runs of each.
    """

    single: ArrayTemplate
    shared: ArrayTemplate
    wide: ArrayTemplate
    plan: ArrayPlan
    weights: tuple[str, ...]
    random: tuple[str, ...]
    networks: int
    batch: int

    def first(self, seeds: Sequence[int]) -> Weights:
        """Return each seed's weights at t = 0: those that `run` with that seed starts from."""
        sites = {name: site for site, name in enumerate(self.single.names)}
        by_name, parameters = self.single.by_name, self.single.values
        return {
            name: np.stack(
                [initial_values(by_name[name], sites[name], parameters, s)[0] for s in seeds]
            )
            for name in self.weights
        }

    def drawn(self, weights: Mapping[str, Any], seeds: Sequence[int]) -> tuple[ArrayPlan, Draw]:
        """Return the plan of all runs and its noises.

        Args:
            weights: Weight -> its values, shape [network, *shape].
            seeds: Which draws each network's runs make.
        """
        put_in = {n: [np.asarray(weights[n], dtype=float)] for n in self.weights}
        initial = {**self.plan.initial, **self._starts(seeds), **put_in}
        noises = [noise_draws(self.shared, self.plan.parameters, seed) for seed in seeds]

        def draw(t: int) -> Mapping[str, Values]:
            each = [noise(t) for noise in noises if noise is not None]
            return {name: np.stack([d[name] for d in each]) for name in (each[0] if each else ())}

        return dataclasses.replace(self.plan, initial=initial), draw

    def _starts(self, seeds: Sequence[int]) -> dict[str, list[Values]]:
        found = {}
        for site, name in enumerate(self.shared.names):
            variable = self.shared.by_name[name]
            if name not in self.random or not variable.initial:
                continue
            each = [initial_values(variable, site, self.plan.parameters, seed) for seed in seeds]
            found[name] = [np.stack(values) for values in zip(*each, strict=True)]
        return found

    def last(
        self, weights: Mapping[str, Any], seeds: Sequence[int], names: Iterable[str]
    ) -> dict[str, Values]:
        """Return variables' values at the last step, their mean over the batch, by network."""
        plan, draw = self.drawn(weights, seeds)
        chosen = list(names)
        stores: dict[Key, Values] = {
            ("ref", name, 0): np.zeros((1, *self.wide.by_name[name].shape)) for name in chosen
        }
        world = Stretches(plan, draw, wanted=stores)
        world.run(plan.steps, {})
        world.run(plan.steps + 1, stores, first=plan.steps)
        return {name: self._mean(stores["ref", name, 0][0], name) for name in chosen}

    def _mean(self, values: Values, name: str) -> Values:
        own = len(self.single.by_name[name].shape)
        lanes = values.ndim - own
        mean: Values = np.mean(values, axis=tuple(range(1, lanes)))
        return mean

    def gradients(self, weights: Mapping[str, Any], seeds: Sequence[int], loss: str) -> Weights:
        """Return the derivatives of each network's mean loss at the last step, by its weights."""
        plan, draw = self.drawn(weights, seeds)
        shape = self.wide.by_name[loss].shape
        share = self.networks / max(int(np.prod(shape)), 1)
        found = adjoint_of(
            plan, loss, np.full((1, *shape), share), self.weights, draw, kinds=("total",)
        )
        exponent = int(found.exponents[0, 0])
        with np.errstate(over="ignore", under="ignore"):
            return {name: np.ldexp(found.total[name][0, 0], exponent) for name in self.weights}


def unrolled(
    template: ArrayTemplate,
    weights: Sequence[str],
    *,
    steps: int,
    networks: int,
    batch: int,
    held: tuple[HeldArray, ...] = (),
    initial: Mapping[str, Any] | None = None,
    data: Mapping[str, Any] | None = None,
) -> Unrolled:
    """Return a model's runs for networks and starts at once.

    Args:
        template: The variables of one run.
        weights: Those that differ between networks.
        steps: The last step.
        networks: How many networks.
        batch: How many runs of each; they differ where something is drawn.
        held: The set A, of one run.
        initial: Variable -> the array it starts from, in every run.
        data: Variable without a rule -> its values, step first, in every run.
    """
    fixed = set(weights) | set(initial or {})
    random = tuple(v.name for v in template.variables if is_random(v) and v.name not in fixed)
    shared = batched(template, random, batch) if random else template
    wide = batched(shared, template.names, networks)
    template_plan(template, steps=steps, initial=initial, data=data)  # refuses what does not fit
    streams = {
        name: _repeated(values, wide, template, name) for name, values in (data or {}).items()
    }
    plan, _ = template_plan(wide, steps=steps, held=held, initial=initial, data=streams)
    return Unrolled(template, shared, wide, plan, tuple(weights), random, networks, batch)


def _repeated(values: Any, wide: ArrayTemplate, single: ArrayTemplate, name: str) -> Values:
    """Return a variable's values at every step, the same in all runs."""
    shape, stream = wide.by_name[name].shape, np.asarray(values, dtype=float)
    lanes = len(shape) - len(single.by_name[name].shape)
    thin = stream.reshape(len(stream), *[1] * lanes, *stream.shape[1:])
    return np.broadcast_to(thin, (len(stream), *shape))
