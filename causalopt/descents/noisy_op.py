"""Op of descent under noise: who draws which datapoint decides how a nudge of W_0 fares.

For n = W_0 and m = W_t with the gradient nodes held, the total effect is the product of the steps'
slopes, `prod (1 - T g_j'(W_i))`, over the datapoints j that were drawn; the direct effect is 1
(with momentum, whatever is left when gradients keep their values). Each walker has its own Op; the
mean over walkers is the mean over noise. Walkers are the lanes of a batch, each given its draws.

Source: Defining Optimization in a Deeper Way, Part 4 (the measure); Modelling and Understanding SGD
(the system).
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.descents.chain import chain_of
from causalopt.descents.maps.outcomes import noise_outcomes
from causalopt.descents.maps.random_map import as_points
from causalopt.effects.measures import ratios, status_codes
from causalopt.effects.sweeps.lanes import lane_effect
from causalopt.engine.batch import Batch
from causalopt.engine.batch_choice import run_batch
from causalopt.errors import QuestionError
from causalopt.model.selectors import Node
from causalopt.results import Plotted, Tabled
from causalopt.work.progress import Progress, long_work
from causalopt.worlds.interventions import plan_for
from causalopt.worlds.streams import Picks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from causalopt.descents.maps.random_map import Array
    from causalopt.model.model import Model


@dataclasses.dataclass(frozen=True, repr=False)
class NoisyOp(Plotted, Tabled):
    """Op of each walker, at each step.

    Args:
        op: -ln|Comp| in nats, axes (step, walker); infinite for perfect compression.
        sign: Sign of Comp, axes (step, walker).
        states: The walkers' coordinate m, axes (step, walker).
    """

    op: Array
    sign: Array
    states: Array

    def __repr__(self) -> str:
        steps, walkers = self.op.shape
        return (
            f"Op of {walkers} walkers at {steps} steps: mean {self.mean[-1]:.6g} +- "
            f"{self.standard_error[-1]:.2g} nats at the last"
        )

    @property
    def mean(self) -> Array:
        """Mean Op over walkers, axis (step,)."""
        return np.asarray(self.op.mean(axis=1))

    @property
    def standard_error(self) -> Array:
        """Standard error of the mean, axis (step,)."""
        return np.asarray(self.op.std(axis=1) / np.sqrt(self.op.shape[1]))


@long_work("running", direct=True)
def noisy_op(
    model: Model,
    *,
    starts: Array | float,
    target: str | None = None,
    steps: int,
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> NoisyOp:
    """Return Op(A; W_0, W_t) for walkers that each draw their own datapoints.

    Args:
        model: A model with finite noise whose A follows from its own step (gradient nodes).
        starts: First value of the target, one a walker, axis (walker,).
        target: The nudged and measured coordinate; by default the model's own target.
        steps: The last step.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's.
        seed: 0 to 2^64 - 1; walker 0 draws what a run with this seed draws.
        progress: Called with (done, total, what), in walkers.

    Raises:
        QuestionError: No partition, an unknown target, or a model without a chain.

    Example:
        >>> from causalopt.model.files import load
        >>> found = noisy_op(load("sgd_well"), starts=0.0, steps=1)
        >>> round(float(found.op[1, 0]), 6)
        -0.050012
    """
    del progress  # long_work tells it
    model = model.replace(parameters=parameters, initial=initial)
    kept = tuple(range(steps + 1))
    op, sign, states = _kept(model, kept, as_points(starts)[0], seed, target)
    return NoisyOp(op, sign, states)


def _kept(
    model: Model, keep: tuple[int, ...], starts: Array, seed: int, target: str | None
) -> tuple[Array, Array, Array]:
    """Return Op, the sign of Comp and the target at some steps, axes (step, walker)."""
    if not model.A:
        raise QuestionError("Op needs a set A: give the model a partition such as A: [g]")
    chain = chain_of(model, target)
    nudged = Node(chain.step.names[chain.coordinate], 0)
    plan = plan_for(model, steps=keep[-1], hold=model.selection("A"), seed=nudged, noise_seed=seed)
    structure, index = model.template.structure, model.template.index
    place = index[nudged.variable]
    given = {(0, place): np.asarray(starts, dtype=float)}
    for site, (name, law) in enumerate(noise_outcomes(model).items()):
        values = np.array([float(value) for value, _ in law])
        picks = Picks([share for _, share in law], seed=seed, site=site)
        picks.start(np.arange(len(starts), dtype=np.uint64))
        given |= {(t, index[name]): values[picks.at(t)] for t in range(keep[-1] + 1)}
    batch = Batch(plan, given, {}, keep, (place,), estimate=False)
    lanes = run_batch(structure, batch)
    rows = []
    for k in range(len(keep)):
        effect = lane_effect(model, batch, lanes, k, (True, True))
        rows.append(ratios(effect, status_codes(effect)))
    comp, op = (np.stack(column) for column in zip(*rows, strict=True))
    return op, np.sign(comp), lanes.values["w"][:, 0]


def op_map(
    model: Model,
    starts: Array,
    temperatures: Sequence[float],
    *,
    steps: int,
    walkers: int = 200,
    seed: int = 0,
) -> Array:
    """Return the mean Op over noise for every start and T, axes (T, start), in nats.

    Args:
        model: A descent with a parameter T.
        starts: First values, axis (start,).
        temperatures: Learning rates.
        steps: The step at which Op is taken.
        walkers: Walkers a point; one is enough for a model without noise.
        seed: 0 to 2^64 - 1.

    Returns:
        Mean Op; infinite where some walker's Comp is 0.
    """
    rows = []
    for temperature in temperatures:
        at = model.replace(parameters={"T": float(temperature)})
        op, _, _ = _kept(at, (steps,), np.repeat(starts, walkers), seed, None)
        rows.append(op[0].reshape(len(starts), walkers).mean(axis=1))
    return np.stack(rows)
