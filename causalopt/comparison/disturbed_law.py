"""The law of a model of numbers under one small disturbance: normal, and known in closed form.

Information measures need a law, and a model of numbers without noise has none. Here every declared
variable that has a rule gets, at every step and at t = 0, an independent normal disturbance of one
small standard deviation s in its own unit, and what follows is linear in them:

    z[t] = sum over lags l of J_l(t) z[t - l] + w[t],     J_l the derivatives of the rules along W.

Differences of entropies do not depend on s. They do depend on the units that variables are measured
in: twice the unit of one variable is half the disturbance there.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

import numpy as np
import numpy.typing as npt

from causalopt.errors import QuestionError
from causalopt.language.arrays import evaluate_arrays
from causalopt.language.gradient import gradient
from causalopt.language.term import Term
from causalopt.model.model import Model
from causalopt.model.template import leaf_name
from causalopt.worlds.world import World

Array = npt.NDArray[np.float64]

MOST_STATES = 250
"""Most nodes of a step, times the lags that are remembered."""

MOST_SLOPES = 50_000_000
"""Most derivatives along W."""

_DIGITS = 1e13  # the largest condition of a covariance whose determinant keeps three digits


@dataclasses.dataclass(frozen=True, eq=False)
class DisturbedLaw:
    """The normal law of a model's deviations from W at a step t, and how they move on from there.

    Attributes:
        names: Nodes of one step, variables and an integrator's stages, each after what it reads.
        owners: The declared variable each belongs to.
        lags: How many earlier steps are remembered, at least 1.
        slopes: J_0, J_1, ..., J_lags at t + 1, t + 2, ...; shape [step, lag, node, node].
        covariance: Of (z[t], z[t - 1], ...), shape [lags * nodes] twice.
    """

    names: tuple[str, ...]
    owners: tuple[str, ...]
    lags: int
    slopes: Array
    covariance: Array

    @property
    def declared(self) -> npt.NDArray[np.bool_]:
        """Which nodes are variables, not stages; these are disturbed. Shape [node]."""
        return np.array([n == o for n, o in zip(self.names, self.owners, strict=True)])

    @property
    def _disturbed(self) -> Array:
        return self.declared.astype(float)

    def of(self, variables: Collection[str]) -> npt.NDArray[np.bool_]:
        """Return which nodes belong to some declared variables, shape [node]."""
        return np.array([owner in variables for owner in self.owners])

    def whole(self, variables: Collection[str]) -> npt.NDArray[np.bool_]:
        """Return which nodes are those variables themselves, without stages, shape [node]."""
        return self.of(variables) & self.declared

    def is_read_at_once(self, variables: Collection[str]) -> bool:
        """Whether rules outside read some variables within the step, and none reads them later."""
        inside = self.of(variables)
        later = self.slopes[0, 1:][:, :, inside].any()
        return bool(self.slopes[0, 0][np.ix_(~inside, inside)].any() and not later)

    def within(self, step: int = 0, held: npt.NDArray[np.bool_] | None = None) -> Array:
        """Return (1 - J_0)^-1, what a change of a node makes of the nodes of the same step.

        Args:
            step: How many steps after t + 1.
            held: Nodes that are set, whatever they read.
        """
        J0 = self.slopes[step, 0].copy()
        if held is not None:
            J0[held] = 0.0
        found: Array = np.linalg.inv(np.eye(len(self.names)) - J0)
        return found

    def before(self, step: int = 0) -> Array:
        """Return (J_1, J_2, ...) side by side, shape [node, lags * nodes]."""
        return np.concatenate(list(self.slopes[step, 1:]), axis=1)

    def moved(self, covariance: Array | None = None, step: int = 0) -> Array:
        """Return the covariance one step later, of as many steps."""
        now = self.covariance if covariance is None else covariance
        within = self.within(step)
        joint = _joint(now, within, within @ self.before(step), self._disturbed)
        return joint[: len(now), : len(now)]

    def joint(self) -> Array:
        """Return the covariance of (z[t + 1], z[t], z[t - 1], ...)."""
        within = self.within()
        return _joint(self.covariance, within, within @ self.before(), self._disturbed)


def disturbed_law(model: Model, world: World, *, at: int) -> DisturbedLaw:
    """Return the law of small normal disturbances along a world, at one of its steps.

    Args:
        model: Of numbers, with time.
        world: W, with some steps after `at`; noise of the model's own is as drawn there.
        at: The step t.

    Raises:
        QuestionError: The model has no time, too many nodes or whole numbers that follow from
            others, or W leaves the floats.

    Example:
        >>> from causalopt import Model, world
        >>> decay = Model(name="decay", variables={"x": {"rule": "x[t-1]/2", "initial": 1}})
        >>> disturbed_law(decay, world(decay, steps=3), at=1).covariance.tolist()
        [[1.25]]
    """
    if model.is_static:
        raise QuestionError(f"'{model.name}' has no time: its law does not move")
    template = model.template
    kept = [e for e in template.equations if model.variables[e.owner].noise is None]
    lags = max(1, template.max_lag)
    for equation in kept:
        if equation.is_integer and equation.parents:
            raise QuestionError(
                f"'{equation.owner}' takes whole numbers: small disturbances do not pass through it"
            )
    if len(kept) * lags > MOST_STATES:
        raise QuestionError(
            f"the law of {len(kept)} nodes over {lags} steps is more than {MOST_STATES} numbers: "
            "ask of a smaller model"
        )
    if (world.steps + 1) * (lags + 1) * len(kept) ** 2 > MOST_SLOPES:
        raise QuestionError(
            f"the derivatives of {len(kept)} nodes at {world.steps:,} steps are more than "
            f"{MOST_SLOPES:,} numbers: ask at an earlier step"
        )
    slopes = _slopes(model, world, [e.name for e in kept], lags)
    if not np.isfinite(slopes).all():
        raise QuestionError("the derivatives of the rules are not finite along W")
    names, owners = tuple(e.name for e in kept), tuple(e.owner for e in kept)
    disturbed = np.array([n == o for n, o in zip(names, owners, strict=True)])
    covariance = _followed(slopes[: at + 1], disturbed)
    return DisturbedLaw(names, owners, lags, slopes[at + 1 :], covariance)


def _followed(slopes: Array, disturbed: npt.NDArray[np.bool_]) -> Array:
    """Return the covariance at the last step, of as many steps as are remembered.

    Nodes that no later step reads and nothing disturbs, an integrator's stages, are left out on the
    way and have zeros.
    """
    size, lags = len(disturbed), slopes.shape[1] - 1
    kept = np.flatnonzero(disturbed | slopes[:, 1:].any(axis=(0, 1, 2)))
    inner = disturbed[kept].astype(float)
    now = np.zeros((lags * len(kept),) * 2)
    for t, J in enumerate(slopes):
        read = np.concatenate([*J[1:, :, kept], np.eye(size)[:, kept]], axis=1)
        solved = np.linalg.solve(np.eye(size) - J[0], read)[kept]
        carried, within = solved[:, : len(now)], solved[:, len(now) :]
        now = _joint(now if t else np.zeros_like(now), within, carried, inner)[
            : len(now), : len(now)
        ]
    covariance = np.zeros((lags * size,) * 2)
    places = (np.arange(lags)[:, None] * size + kept).reshape(-1)
    covariance[np.ix_(places, places)] = now
    return covariance


def _slopes(model: Model, world: World, names: list[str], lags: int) -> Array:
    """Return the derivatives of every rule along W, shape [t, lag, node, node].

    Before a variable's rule takes over, a node follows from nothing. A lag that would fall before
    t = 0 is not read.
    """
    template, place = model.template, {name: i for i, name in enumerate(names)}
    steps = np.arange(world.steps + 1)
    values = template.values

    def leaf(term: Term) -> object:
        if isinstance(term.payload, tuple):
            name, lag = term.payload
            return world.table[np.maximum(steps - lag, 0), template.index[name]]
        if term.op in {"t", "time"}:
            return steps.astype(float) if term.op == "t" else template.time(steps)
        return np.float64(values[leaf_name(term)])

    slopes = np.zeros((len(steps), lags + 1, len(names), len(names)))
    for name in names:
        equation = template.equations[template.index[name]]
        if equation.rule is None:
            continue
        found = gradient(equation.rule)
        for source, slope in zip(found, evaluate_arrays([*found.values()], leaf), strict=True):
            assert isinstance(source.payload, tuple)
            parent, lag = source.payload
            if parent in place:
                ruled = steps >= max(lag, len(equation.initial))
                slopes[:, lag, place[name], place[parent]] = np.where(ruled, slope, 0.0)
    return slopes


def _joint(covariance: Array, within: Array, carried: Array, disturbed: Array) -> Array:
    """Return the covariance of the next step's nodes and of what was remembered.

    Args:
        covariance: Of what is remembered.
        within: What a disturbance makes of the next step's nodes.
        carried: What the remembered nodes make of them.
        disturbed: The variance of each disturbance.
    """
    size = len(within)
    whole = np.concatenate([carried, np.eye(len(covariance))])
    joint: Array = whole @ covariance @ whole.T
    joint[:size, :size] += within @ np.diag(disturbed) @ within.T
    return joint


def log_det(covariance: Array) -> float:
    """Return ln det of a covariance.

    Raises:
        QuestionError: It is singular to within rounding.
    """
    if not len(covariance):
        return 0.0
    scale = np.sqrt(np.diag(covariance))
    if not (scale > 0).all() or np.linalg.cond(covariance / np.outer(scale, scale)) > _DIGITS:
        raise QuestionError(
            "the law is singular to within rounding: disturbances have grown in one direction "
            "only; ask at an earlier step"
        )
    return float(np.linalg.slogdet(covariance)[1])
