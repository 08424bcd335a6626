"""Optimizing strength beside Op on one system: where the two agree, and where they cannot.

Both replace A. Op takes A from the baseline W and compares slopes; optimizing strength takes it
from an independent replica and compares entropies. Let n alone be uncertain, a narrow law round its
value in W, and let A be replaced at every step. To first order the measured m is

    x = total * n                                  in the world as it is,
    y = direct * n + (total - direct) * n'         with A from a replica whose n is n',

since what reaches m through A now comes from the replica. With c = Comp = total / direct the
entropy of m differs, for a normal n, by

    Omega = (1/2) ln((1 + (1 - c)^2) / c^2) = Op + (1/2) ln(1 + (1 - c)^2).

They agree at c = 1 (A does nothing: both 0) and grow together, within (1/2) ln 2, as c -> 0: here
is the point-state limit that Part 2 looked for in its continuous thermostat. They cannot agree
where A amplifies: Op falls without bound as c grows, while Omega is never below -(1/2) ln 2 (at
c = 2) and returns to 0, for a replica's A is as noisy as one's own. Nor can they agree on labels:
merging two states is Op = inf, whatever numbers the labels are given, and some finite part of a
bit.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from causalopt.effects.asked import ask
from causalopt.effects.running import run
from causalopt.entropy.declared import finite_model, strength
from causalopt.entropy.information import Unit, entropy_of, per_nat
from causalopt.errors import QuestionError
from causalopt.laws import sparse
from causalopt.laws.discrete import DiscreteModel
from causalopt.laws.law import SparseLaw, law_of
from causalopt.laws.space import Label
from causalopt.model.asked_words import Nudged
from causalopt.model.model import Model
from causalopt.model.selectors import Node
from causalopt.results import Plotted, Tabled
from causalopt.work.progress import Progress, long_work
from causalopt.worlds.interventions import Set
from causalopt.worlds.replacement import replace
from causalopt.worlds.world import number_world

Array = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class SideBySide(Plotted, Tabled):
    """Op and optimizing strength of m at each step, A replaced at every step.

    Args:
        comp: total / direct, or (x - w) / (y - w) for labels.
        op: -log |comp|.
        optimizing_strength: The entropy of m with A from a replica, less that of m as it is.
        unit: Of the last two.
    """

    comp: Array
    op: Array
    optimizing_strength: Array
    unit: Unit

    def __repr__(self) -> str:
        last = f"Op = {self.op[-1]:.6g}, optimizing strength {self.optimizing_strength[-1]:.6g}"
        head = f"Op beside optimizing strength, t = 0..{len(self.op) - 1}, in {self.unit}s"
        return f"{head}\n  at the end {last}"


def strength_from_comp(
    comp: float, *, law: Literal["normal", "uniform"] = "normal", unit: Unit = "nat"
) -> float:
    """Return the optimizing strength that a Comp implies in the limit of a narrow law of n.

    Args:
        comp: c = total / direct; infinite when A is the only conduit.
        law: The law of n. For a uniform one y is a sum of two uniforms of widths |1| and |1 - c|,
            so Omega = ln(a / |c|) + b / (2 a), a the larger of the two and b the smaller.
        unit: Bits or nats.

    Example:
        >>> strength_from_comp(1.0), strength_from_comp(0.0)
        (0.0, inf)
        >>> round(strength_from_comp(2.0), 6)  # the lowest it can be: -(1/2) ln 2
        -0.346574
    """
    if math.isnan(comp):
        return math.nan
    if math.isinf(comp):
        return 0.0
    if comp == 0.0:
        return math.inf
    if law == "normal":
        return math.log(math.hypot(1.0, 1.0 - comp) / abs(comp)) * per_nat(unit) + 0.0
    wide, narrow = max(1.0, abs(1.0 - comp)), min(1.0, abs(1.0 - comp))
    return (math.log(wide / abs(comp)) + narrow / (2.0 * wide)) * per_nat(unit) + 0.0


def side_by_side(
    model: Model,
    *,
    nudge: Nudged | None = None,
    hold: str | Sequence[str | Node] | None = None,
    target: str | None = None,
    steps: int | None = None,
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    seed: int = 0,
    law: Literal["normal", "uniform"] = "normal",
    unit: Unit = "nat",
) -> SideBySide:
    """Return Op and optimizing strength of a real model at every step, in the narrow limit.

    Args:
        model: A model of real variables.
        nudge: n, whose law is narrow; the question's by default, like all that follow.
        hold: A, replaced at every step.
        target: m, whose entropy is compared.
        steps: The last step.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's.
        seed: Which draws the noise variables make, the same in all worlds.
        law: The law of n.
        unit: Bits or nats.

    Example:
        >>> from causalopt import load
        >>> found = side_by_side(load("thermostat"), steps=1000)
        >>> round(float(found.op[500]), 6), round(float(found.optimizing_strength[500]), 6)
        (5.066454, 5.409875)
    """
    model = model.replace(parameters=parameters, initial=initial)
    found = run(model, nudge=nudge, hold=hold, target=target, steps=steps, seed=seed)
    strengths = [strength_from_comp(float(c), law=law, unit=unit) for c in found.comp]
    return SideBySide(found.comp, found.op * per_nat(unit), np.array(strengths), unit)


@long_work("running")
def binned_strength(
    model: Model,
    *,
    nudge: Nudged | None = None,
    hold: str | Sequence[str | Node] | None = None,
    target: str | None = None,
    steps: int | None = None,
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    width: float,
    draws: int = 17,
    bins: int = 256,
    unit: Unit = "nat",
) -> float:
    """Return the optimizing strength of m at the last step, its values counted in fine bins.

    Every pair of a world (n uniform over `width`) and a replica is run; between the `draws` values
    of n, m is taken as linear. It needs no narrow limit and knows nothing of slopes.

    Args:
        model: A model of real variables.
        nudge: n; the question's by default, like the next three.
        hold: A, replaced at every step.
        target: m.
        steps: The last step, at which m is measured.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's.
        seed: Which draws the noise variables make, the same in all worlds.
        progress: Called with (done, total, what), in per cent.
        width: Of the uniform law of n round its value in W.
        draws: Values of n that are run, and as many of the replica's.
        bins: Bins over the wider of the two laws of m.
        unit: Bits or nats.

    Raises:
        QuestionError: Fewer than two draws or bins, or a width that is not positive.

    Example:
        >>> from causalopt import load
        >>> binned_strength(load("thermostat"), width=0.1, steps=1)  # A has not answered yet
        0.0
    """
    del progress  # long_work tells it
    if draws < 2 or bins < 2 or not width > 0:
        raise QuestionError(
            f"binning needs a positive width and two draws and bins at least, got width {width}, "
            f"{draws} draws and {bins} bins"
        )
    model = model.replace(parameters=parameters, initial=initial)
    asked = ask(model, nudge=nudge, hold=hold, target=target, steps=steps, seed=seed)
    node, last = asked.nudge, asked.steps
    m, centre = (asked.target, last), float(number_world(model, steps=last, seed=seed)[node])
    values = centre + width * np.linspace(-0.5, 0.5, draws)
    worlds = [number_world(model, (Set(node, float(v)),), steps=last, seed=seed) for v in values]
    x = np.array([found[m] for found in worlds])
    y = np.array([[replace(found, asked.hold, other)[m] for other in worlds] for found in worlds])
    refined = _refined(x[None, :], bins)[0], _refined(_refined(y, bins).T, bins)
    return _binned_gain(*refined, bins) * per_nat(unit)


def label_side_by_side(
    model: Model | DiscreteModel,
    state: Mapping[str, Label] | Sequence[Label],
    *,
    nudge: str,
    to: Label,
    target: str,
    steps: int,
    embedding: Mapping[Label, float] | None = None,
    unit: Unit = "bit",
) -> SideBySide:
    """Return finite Comp, Op and optimizing strength of a deterministic label model.

    W starts from `state`, X with the nudged variable at another label; Y is X with A from W. For
    the entropies the variable has either label with probability one half, and A is a replica's.

    Args:
        model: A model of finite domains, without chance.
        state: The state W starts from.
        nudge: The variable of B that is changed at t = 0.
        to: The label it is changed to.
        target: The variable measured.
        steps: The last step.
        embedding: Numbers for the target's labels; their places 0, 1, 2, ... by default. Comp and
            Op depend on it, optimizing strength does not.
        unit: Bits or nats.

    Raises:
        QuestionError: A rule is stochastic, or the nudged variable is in A.

    Example:
        >>> from causalopt import load
        >>> asked = {"nudge": "room", "to": "hot", "target": "room", "steps": 2}
        >>> found = label_side_by_side(load("thermostat_smart"), ["low", "warm"], **asked)
        >>> found.op.tolist(), found.optimizing_strength.tolist()
        ([0.0, 0.0, inf], [0.0, 0.0, 1.5])
    """
    model = finite_model(model)
    if not model.deterministic:
        raise QuestionError("worlds W, X and Y of labels need rules without chance")
    if nudge in model.A:
        raise QuestionError(f"'{nudge}' is in A: the nudge is made in B")
    start = model.state.position(state)
    names = model.state.names
    here = dict(zip(names, model.state.state(start), strict=True))
    other = model.state.position(here | {nudge: to})
    w, x, y = _label_worlds(model, start, other, steps)
    labels = model.state.domain(target)
    numbers = np.array([(embedding or {}).get(label, i) for i, label in enumerate(labels)], float)
    place = model.state.axis(target)
    ahead = [numbers[course[:, place]] - numbers[w[:, place]] for course in (x, y)]
    with np.errstate(divide="ignore", invalid="ignore"):
        comp = ahead[0] / ahead[1]
        op = -np.log(np.abs(comp)) * per_nat(unit) + 0.0
    half = Fraction(1, 2)
    pair = {model.state.state(start): half, model.state.state(other): half}
    begun = dataclasses.replace(model, initial=law_of(model.state, pair))
    gains = [0.0] + [
        strength(begun, targets=[target], horizon=t, lasting=None, unit=unit).optimizing_strength
        for t in range(1, steps + 1)
    ]
    return SideBySide(comp, op, np.array(gains), unit)


_A_BIN = 8  # points in a bin along each axis: counts are then even to about one per cent


def _refined(rows: Array, bins: int) -> Array:
    """Return rows with linear values between their points, each point's share in the middle."""
    count = rows.shape[1] - 1
    between = math.ceil(_A_BIN * bins / count)
    at = (np.arange(count * between) + 0.5) / between
    return np.array([np.interp(at, np.arange(count + 1), row) for row in rows])


def _binned_gain(x: Array, y: Array, bins: int) -> float:
    """Return S[y] - S[x] in nats, both counted in bins of one width."""
    low = min(x.min(), y.min())
    high = max(x.max(), y.max())
    edges = np.linspace(low, high, bins + 1)
    counts = [np.histogram(values, edges)[0] for values in (x, y)]
    S, S_replaced = (entropy_of(c / c.sum(), unit="nat") for c in counts)
    return S_replaced - S


def _label_worlds(
    model: DiscreteModel, start: tuple[int, ...], other: tuple[int, ...], steps: int
) -> tuple[npt.NDArray[np.int64], ...]:
    """Return the courses of W, X and Y, shape (steps + 1, variables)."""
    inside = [model.state.axis(name) for name in model.A]
    courses = [[np.array(start)], [np.array(other)], [np.array(other)]]
    for _ in range(steps):
        now = np.array([course[-1] for course in courses])
        after = sparse.images(model, SparseLaw(model.state, now, np.full(3, 1 / 3)))
        after[2:] = replace(after[2:], inside, after[:1])  # Y takes A from W
        for course, row in zip(courses, after, strict=True):
            course.append(row)
    w, x, y = (np.array(course) for course in courses)
    return w, x, y
