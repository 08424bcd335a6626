"""Is there an optimizer here at all? A test of Op against what cancels by chance.

What reaches m goes beside A, d, or through A, s: |Comp| = |1 + r| with r = s / d. Where A does not
control, the sign of s has nothing to do with that of d: r has a law that is symmetric about 0. Of
all such laws with one mode, mixtures of uniform laws on [-c, c] (Khinchine 1938), the one with
c = 1 + e^-L makes Op >= L most likely: 1 / (1 + e^L). Laws of whole numbers may have many modes,
and 1/2.

A set passes where Op reaches the level at which that probability is the set's part of alpha. That
it passes at a share q of the starting points has at most the probability part / q, by Markov's
inequality, however they depend on each other. The part halves with each variable and is shared by
the sets of one size: that is the price of a set.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.asked import Asked, ask, check_delta
from causalopt.effects.measures import Measures
from causalopt.engine.contract import Bools
from causalopt.errors import QuestionError
from causalopt.model.asked_words import Nudged
from causalopt.model.model import Model
from causalopt.optimizers.binomial_interval import (
    BinomialInterval,
    binomial_interval,
    binomial_tail,
)
from causalopt.optimizers.minimal_sets import is_tie
from causalopt.optimizers.set_lists import MOST, Held, SetList, set_list
from causalopt.optimizers.start_effects import DOUBTFUL, StartEffects
from causalopt.optimizers.starting_points import starting_points
from causalopt.results import Plotted, Tabled, labelled, plain_number
from causalopt.work.progress import Progress, long_work, through
from causalopt.worlds.interventions import Intervention

if TYPE_CHECKING:
    import xarray

COHERENT = math.log(2)


@dataclasses.dataclass(frozen=True)
class SetScore:
    """How one set fared against its level.

    Attributes:
        hold: Its variables.
        op: The median over starting points, the lower of two, of its weaker block's Op, in nats;
            NaN of none.
        level: The Op that it needs in both blocks, in nats.
        passed: At how many starting points it reaches it.
        halved: At how many it takes half of the disturbance, at least.
        informative: At how many n reaches m, with or without A.
        doubtful: At how many its status counts as not passed.
        part: Its part of alpha.
    """

    hold: Held
    op: float
    level: float
    passed: int
    halved: int
    informative: int
    doubtful: int
    part: float

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON's types."""
        numbers = {name: plain_number(getattr(self, name)) for name in ("op", "level", "part")}
        counts = {
            name: getattr(self, name) for name in ("passed", "halved", "informative", "doubtful")
        }
        return {"hold": list(self.hold), **numbers, **counts}


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Verdict(Asked, Plotted, Tabled):
    """Whether some set of variables compresses what n does to m, beyond chance and for long.

    Attributes:
        answer: `optimizer`: a set passes its level nearly everywhere and throughout. `undecided`:
            none does, but one compresses by half nearly everywhere, which independent starting
            points would not do by chance; or every status is in doubt. `none`: neither.
        sets: The sets that pass, of the one that passes by most those that tie with it; when none
            passes, the set that comes nearest.
        op: Its median Op over starting points, in nats; NaN where no set has one.
        level: The Op that it needed, in nats.
        passed: At how many of the starting points at which n reaches m it passed.
        alpha: How often the test errs at most where nothing controls.
        quorum: The share of starting points that must pass.
        starts: How many starting points were drawn.
        doubtful: Of all sets and starting points, how many had a status that counts as not passed.
        listed: Which sets were tried.
        law: What starting points were drawn from.
        blocks: The stretches of steps in each of which Op must pass, first and last step.
        scores: Every set that was tried.
    """

    answer: str
    sets: tuple[Held, ...]
    op: float
    level: float
    passed: BinomialInterval
    alpha: float
    quorum: float
    starts: int
    doubtful: int
    listed: SetList
    law: str
    blocks: tuple[tuple[int, int], ...]
    scores: tuple[SetScore, ...]

    @property
    def found(self) -> bool:
        """Whether the answer is `optimizer`."""
        return self.answer == "optimizer"

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as JSON's types."""
        return {
            "answer": self.answer,
            "sets": [list(hold) for hold in self.sets],
            "op": plain_number(self.op),
            "level": plain_number(self.level),
            "passed": self.passed.to_dict(),
            "alpha": self.alpha,
            "quorum": self.quorum,
            "starts": self.starts,
            "doubtful": self.doubtful,
            "tried": self.listed.count,
            "complete": self.listed.is_complete,
            "law": self.law,
            "blocks": [list(block) for block in self.blocks],
            "scores": [score.to_dict() for score in self.scores],
        }

    @property
    def dataset(self) -> xarray.Dataset:
        """Every set's Op and level, with an axis `set`, and provenance."""
        return labelled(self)

    @property
    def provenance(self) -> dict[str, str]:
        """What made these numbers: model, settings and versions."""
        return self.provenance_with(
            given="; ".join(repr(i) for i in self.given),
            seed=str(self.seed),
            starts=str(self.starts),
            law=self.law,
            alpha=repr(self.alpha),
            quorum=repr(self.quorum),
            answer=self.answer,
        )

    def __repr__(self) -> str:
        first = f"{self.model.name}, n = {self.node_name}, m = {self.target}: {self.answer}"
        if not self.sets:
            return f"{first}: no variable lies between n and m"
        names = " = ".join("{" + ", ".join(hold) + "}" for hold in self.sets)
        op = "no Op" if math.isnan(self.op) else f"Op {self.op:.4g} nats in the median"
        told = f"{op}, {self.level:.4g} needed, reached at {self.passed} starting points"
        if self.passed.of < self.starts:
            told += f"; at the other {self.starts - self.passed.of} n does not reach m"
        return f"{first}\n  {names}: {told}"


@long_work("testing")
def detect_optimizer(
    model: Model,
    *,
    nudge: Nudged | None = None,
    target: str | None = None,
    steps: int | None = None,
    delta: float | None = None,
    given: Sequence[Intervention] = (),
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    starts: int = 32,
    within: Mapping[str, Sequence[float]] | None = None,
    alpha: float = 0.05,
    quorum: float = 0.9,
    among: Sequence[str] | None = None,
    most: int = MOST,
) -> Verdict:
    """Test whether any set of variables is an optimizer of m against n.

    The second half of the run counts, its two quarters each on its own: Op of their root mean
    square effects, which passes over the steps at which an effect changes its sign, and which a
    transient does not keep up. Of the k variables between n and m, each set of s has the level
    ln(1/p - 1), p = alpha * quorum / ((2^s - 2^(s-k)) C(k, s)); it passes where both quarters reach
    it with a status that is certain. A set is an optimizer where it passes at a share `quorum` of
    the starting points at which n reaches m. Where m takes whole numbers, Op is 0 or infinite at
    most starting points: there a set passes where half of the disturbance is gone, and so many must
    do so that as many heads of a fair coin have a smaller chance than the set's part of alpha.

    Args:
        model: The model; its question gives what is not given here.
        nudge: The node n.
        target: The variable m, measured in the second half of the run.
        steps: The last step.
        delta: The nudge's size; the limit delta -> 0 when not given. Whole numbers need it.
        given: Interventions that make the baseline.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's.
        seed: Which starting points are drawn.
        progress: Called with (done, total, what), in sets.
        starts: How many.
        within: Variable -> (low, high), the box that they are drawn from; as in
            `division_stability`.
        alpha: How often the test may find an optimizer where nothing controls.
        quorum: The share of starting points at which a set must pass.
        among: The variables that A may hold.
        most: How many sets are tried.

    Raises:
        QuestionError: The question cannot be asked of this model.
        UnknownNameError: It names a variable that the model does not declare.

    Example:
        >>> from causalopt import load
        >>> detect_optimizer(load("thermostat")).answer
        'optimizer'
    """
    del progress  # long_work tells it
    for name, value in (("alpha", alpha), ("quorum", quorum)):
        if not 0 < value <= 1 or (name == "alpha" and value == 1):
            ends = "below" if name == "alpha" else "at most"
            raise QuestionError(f"{name} is a share above 0 and {ends} 1, found {value}")
    if delta is not None:
        check_delta(delta)
    asked = ask(
        model,
        nudge=nudge,
        hold=[],
        target=target,
        steps=steps,
        given=given,
        parameters=parameters,
        initial=initial,
        seed=seed,
    )
    listed = set_list(asked.model, [asked.nudge], asked.target, among=among, most=most)
    points = starting_points(asked.model, starts, within=within, seed=seed)
    length = asked.steps - asked.nudge.t
    window = max((length + 1) // 2, 1)
    effects = StartEffects(asked, points, window=window, blocks=min(2, window), delta=delta)
    trial = _Trial(effects, listed, alpha, quorum)
    return Verdict(
        **vars(asked),
        **trial.outcome(),
        alpha=alpha,
        quorum=quorum,
        starts=starts,
        listed=listed,
        law=points.law,
        blocks=tuple(effects.blocks),
    )


def chance_of(op: float, *, is_whole: bool = False) -> float:
    """Return how likely an Op so large is at most, at one starting point, where nothing controls.

    Args:
        op: Nats, 0 or more.
        is_whole: Whether effects are whole numbers, whose laws may have many modes.

    Example:
        >>> chance_of(0.0), round(chance_of(math.log(19)), 3)
        (0.5, 0.05)
    """
    return 0.5 if is_whole else 1.0 / (1.0 + math.exp(op))


def set_weight(size: int, count: int) -> float:
    """Return a set's part of alpha: halved with each variable, shared by the sets of its size.

    Args:
        size: Variables of the set.
        count: Variables between n and m.

    Example:
        >>> sum(math.comb(3, s) * set_weight(s, 3) for s in (1, 2, 3))
        1.0
    """
    return 2.0**-size / (1.0 - 2.0**-count) / math.comb(count, size)


class _Trial:
    """All sets, each against its level."""

    def __init__(self, effects: StartEffects, listed: SetList, alpha: float, quorum: float) -> None:
        self._effects, self._listed = effects, listed
        self._alpha, self._quorum, self._doubtful = alpha, quorum, 0

    def outcome(self) -> dict[str, Any]:
        """Return the fields of a verdict that the sets decide."""
        scores = [self._score(hold) for hold in through(list(self._listed.sets()))]
        winners = [score for score in scores if self._is_optimizer(score)]
        coherent = [score for score in scores if self._is_coherent(score)]
        # Where every status is in doubt nothing is known of any set.
        nothing = bool(scores) and all(0 < score.informative <= score.doubtful for score in scores)
        answer = "optimizer" if winners else "undecided" if coherent or nothing else "none"
        chosen = winners or coherent or scores
        best = max(chosen, key=_rank, default=None)
        sets: tuple[Held, ...] = ()
        if best is None:
            passed, op, level = binomial_interval(0, 0), math.nan, math.nan
        else:
            sets = tuple(score.hold for score in chosen if _is_tie(score, best))
            passed = binomial_interval(best.passed, best.informative)
            op, level = best.op, best.level
        return {
            "answer": answer,
            "sets": sets,
            "op": op,
            "level": level,
            "passed": passed,
            "doubtful": self._doubtful,
            "scores": tuple(scores),
        }

    def _score(self, hold: Held) -> SetScore:
        found = self._effects.measures(hold)
        part = self._alpha * set_weight(len(hold), len(self._listed.core))
        level = COHERENT if self._effects.is_whole else level_of(part * self._quorum)
        doubtful = np.isin(found.status, DOUBTFUL)
        in_doubt = int(doubtful.any(axis=0).sum())
        self._doubtful += in_doubt
        passed, informative = _passing(found, level, doubtful)
        halved, _ = _passing(found, COHERENT, doubtful)
        known = np.where(doubtful, np.nan, found.op)
        with np.errstate(invalid="ignore"):
            worst = np.where(informative, np.fmin.reduce(known, axis=0), np.nan)
        worst = np.sort(worst[~np.isnan(worst)])
        op = float(worst[(len(worst) - 1) // 2]) if len(worst) else math.nan
        return SetScore(
            hold,
            op,
            level,
            passed=int(passed.sum()),
            halved=int(halved.sum()),
            informative=int(informative.sum()),
            doubtful=in_doubt,
            part=part,
        )

    def _is_optimizer(self, score: SetScore) -> bool:
        if not score.informative or score.passed < self._quorum * score.informative:
            return False
        if not self._effects.is_whole:
            return True
        return binomial_tail(score.passed, score.informative, 0.5) <= score.part

    def _is_coherent(self, score: SetScore) -> bool:
        if not score.informative or score.halved < self._quorum * score.informative:
            return False
        chance = chance_of(COHERENT, is_whole=self._effects.is_whole)
        return binomial_tail(score.halved, score.informative, chance) <= score.part


def level_of(probability: float) -> float:
    """Return the Op that has at most a probability where nothing controls, in nats.

    Example:
        >>> round(level_of(0.05), 4)  # ln 19
        2.9444
    """
    return math.log(1.0 / probability - 1.0) if probability < 0.5 else 0.0


def _rank(score: SetScore) -> tuple[float, ...]:
    """Return what the best set has most of: by how much it passes, at how many points, how small.

    Where Op is infinite, as of whole numbers, a point more counts a coin's toss, less the price.
    """
    margin = -math.inf if math.isnan(score.op) else score.op - score.level
    return (margin, score.passed * COHERENT + math.log(score.part), -len(score.hold))


def _is_tie(one: SetScore, other: SetScore) -> bool:
    same = (one.passed, one.informative, len(one.hold))
    if same != (other.passed, other.informative, len(other.hold)):
        return False
    return is_tie(one.op, other.op) or (math.isnan(one.op) and math.isnan(other.op))


def _passing(found: Measures, level: float, doubtful: NDArray[np.bool_]) -> tuple[Bools, Bools]:
    """Return at which starting points a set passes, and which tell of it, shape [start].

    A point passes where every block reaches the level; it tells where it passes or where some block
    fails, by its Op or by its status. Elsewhere n does not reach m, with or without A.
    """
    with np.errstate(invalid="ignore"):
        reaches = (found.op >= level) & ~doubtful
        fails = (found.op < level) | doubtful
    passed: Bools = np.asarray(reaches.all(axis=0))
    return passed, passed | np.asarray(fails.any(axis=0))
