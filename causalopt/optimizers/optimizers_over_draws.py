"""Candidate sets over many draws of noise and starts: mean Op with Student's interval."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.ensembles.seed_lists import seed_numbers, seeds_text
from causalopt.effects.measures import NAMES, measure, status_codes
from causalopt.effects.student_interval import student_interval
from causalopt.engine.contract import Floats
from causalopt.errors import QuestionError
from causalopt.model.asked_words import Nudged
from causalopt.model.model import Model
from causalopt.model.selectors import Node, Window
from causalopt.optimizers.node_sets import NodeSets
from causalopt.optimizers.optimizers import find_optimizers, read_question
from causalopt.optimizers.set_effects import SetEffects
from causalopt.optimizers.set_parts import By, Selectors
from causalopt.optimizers.set_search import WITH_NUMBER, as_tuples
from causalopt.results import Plotted, Tabled, labelled, plain
from causalopt.work.progress import Progress, long_work, portion, through

if TYPE_CHECKING:
    import xarray

    from causalopt.effects.asked import Asked

_SHOWN = 12
_STREAM = 0x0B7  # of starts, apart from those of noise


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class OptimizersOverDraws(Plotted, Tabled):
    """Op of candidate sets over draws, the largest mean first.

    Attributes:
        asked: The question, among numbers, with the seed of the first draw.
        seeds: Which seeds, shape [draw].
        nudge: The node n as the user writes it.
        target: The node m likewise.
        spread: Variable -> the standard deviation by which its initial values were moved.
        sets: The parts of each set.
        op: Nats, shape [draw, set].
        status: Keys of `causalopt.STATUSES`, shape [draw, set].
        first: In how many draws the set has the largest Op, to rounding, shape [set].
        mean: Of Op, over the draws; NaN where it is not finite in some of them, shape [set].
        low: The lower end of Student's 95 % interval of the mean, shape [set].
        high: The upper end.
    """

    asked: Asked
    seeds: tuple[int, ...]
    nudge: str
    target: str
    spread: Mapping[str, float]
    sets: tuple[tuple[str, ...], ...]
    op: Floats
    status: NDArray[np.str_]
    first: NDArray[np.int64]
    mean: Floats
    low: Floats
    high: Floats

    @property
    def draws(self) -> int:
        """How many draws."""
        return len(self.op)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON's types."""
        return {
            "model": self.asked.model.name,
            "nudge": self.nudge,
            "target": self.target,
            "step": self.asked.steps,
            "draws": self.draws,
            "seeds": list(self.seeds),
            "sets": [list(hold) for hold in self.sets],
            "mean": plain(self.mean),
            "low": plain(self.low),
            "high": plain(self.high),
            "first": self.first.tolist(),
            "op": [plain(row) for row in self.op],
            "status": self.status.tolist(),
        }

    @property
    def dataset(self) -> xarray.Dataset:
        """Op and status with labelled axes `draw` and `candidate`, means, and provenance."""
        return labelled(self)

    @property
    def provenance(self) -> dict[str, str]:
        """What made these numbers: model, settings and versions."""
        spread = ", ".join(f"{name}: {size!r}" for name, size in self.spread.items())
        return self.asked.provenance_with(
            draws=str(self.draws),
            seed=str(self.asked.seed),
            seeds=seeds_text(self.seeds),
            spread=spread,
        )

    def __repr__(self) -> str:
        lines = [
            f"Op(A; {self.nudge}, {self.target}) in {self.asked.model.name} over {self.draws} "
            "draws, mean and 95 % interval"
        ]
        texts = ["{" + ", ".join(hold) + "}" for hold in self.sets[:_SHOWN]]
        wide = max(map(len, texts), default=0)
        for k, text in enumerate(texts):
            met, counts = np.unique(self.status[:, k], return_counts=True)
            told = ", ".join(
                str(s) if len(met) == 1 else f"{s} in {c}" for s, c in zip(met, counts, strict=True)
            )
            lines.append(
                f"  {text.ljust(wide)}  {self.mean[k]:10.6g}  [{self.low[k]:.6g}, "
                f"{self.high[k]:.6g}]  first in {self.first[k]}  {told}"
            )
        if len(self.sets) > _SHOWN:
            lines.append(f"  ... and {len(self.sets) - _SHOWN} more sets")
        return "\n".join(lines)


@long_work("searching")
def optimizers_over_draws(
    model: Model,
    *,
    nudge: Nudged | None = None,
    target: str | None = None,
    steps: int | None = None,
    at: int | None = None,
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    seeds: int | Sequence[int] | None = None,
    draws: int = 20,
    spread: Mapping[str, float] | None = None,
    size: int = 2,
    among: str | Sequence[str | Node | Window] | None = None,
    by: By | None = None,
    windows: int | Sequence[int] | None = None,
    candidates: Sequence[Selectors] | None = None,
    best: int = 50,
) -> OptimizersOverDraws:
    """Rank sets A over many draws of noise and of starts.

    The sets are the best of the first draw; each draw is a run of its own, with noise from the
    seeds seed, seed + 1, ... (common to all sets) and starts moved by independent normal numbers.

    Args:
        model: The model.
        nudge: The node n; the model's own when not given.
        target: The variable m.
        steps: The last step.
        at: The step at which m is measured; the last one when not given.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's.
        seed: The first draw's.
        progress: Called with (done, total, what), in per cent.
        seeds: How many seeds, from `seed` on, or a list of them, as for `run`; `draws` from `seed`
            on when not given.
        draws: How many draws, at least 2.
        spread: Variable -> the standard deviation by which its initial values are moved.
        size: The most parts of a set.
        among: What sets are made of, as for `find_optimizers`.
        by: What a variable is divided into, likewise.
        windows: The windows that variables are cut into, likewise.
        candidates: The sets themselves, a selector each.
        best: How many sets are kept.

    Raises:
        QuestionError: Nothing is random, or the question cannot be asked.

    Example:
        >>> from causalopt import load
        >>> found = optimizers_over_draws(load("lorenz"), steps=100, spread={"a": 1.0}, draws=5)
        >>> found.sets[0], found.draws
        (('c',), 5)
    """
    del progress  # long_work tells it
    if seeds is None and draws < 2:
        raise QuestionError(f"an interval needs at least 2 draws, found {draws}")
    numbers = seed_numbers(draws if seeds is None else seeds, seed)
    model = model.replace(parameters=parameters, initial=initial)
    moved = {model.variable(name): float(size_) for name, size_ in (spread or {}).items()}
    _check_random(model, moved)
    question: dict[str, Any] = {"nudge": nudge, "target": target, "steps": steps, "at": at}
    drawn = [(_started(model, moved, one), one) for one in numbers]
    with portion(0.0, 0.4):
        found = find_optimizers(
            drawn[0][0],
            **question,
            seed=numbers[0],
            size=size,
            among=among,
            by=by,
            windows=windows,
            candidates=candidates,
            best=best,
        )
    nodes = [part.nodes for part in found.parts]
    members = found.ranked.sets.members
    op, codes = [], []
    with portion(0.4, 1.0):
        for other, number in through(drawn):
            reader, _ = read_question(other, given=(), seed=number, **question)
            sets = NodeSets.of_selections(reader.asked.model, nodes, reader.asked.steps)
            effect = SetEffects(reader.asked).of(sets.unions(members)).effect
            op.append(measure(effect).op)
            codes.append(status_codes(effect))
    asked = read_question(model, given=(), seed=numbers[0], **question)[0].asked
    texts = found.nudge, found.target
    return _summed_up(asked, numbers, texts, moved, found.parts, members, op, codes)


def _check_random(model: Model, moved: Mapping[str, float]) -> None:
    bad = [name for name, size in moved.items() if not (np.isfinite(size) and size >= 0)]
    if bad:
        raise QuestionError(f"the spread of '{bad[0]}' must be a number from 0 up")
    has_noise = any(variable.noise is not None for variable in model.variables.values())
    if not has_noise and not model.is_array and not any(moved.values()):
        raise QuestionError(
            f"nothing in '{model.name}' is random: give a spread of starts, such as "
            f'spread={{"{next(iter(model.variables))}": 0.1}}'
        )


def _started(model: Model, moved: Mapping[str, float], seed: int) -> Model:
    """Return the model with its initial values moved by a draw."""
    changes: dict[str, Any] = {}
    for name, size in moved.items():
        given = model.variables[name].initial
        if given is None or model.is_array:
            raise QuestionError(
                f"'{name}' has no initial numbers of its own whose spread could be drawn"
            )
        values = model.template.initial_values(name)
        place = list(model.variables).index(name)
        rng = np.random.Generator(np.random.Philox(key=[seed, (_STREAM << 32) + place]))
        new = (np.array(values) + size * rng.standard_normal(len(values))).tolist()
        changes[name] = new[0] if len(new) == 1 else new
    return model.replace(initial=changes)


def _summed_up(
    asked: Asked,
    seeds: tuple[int, ...],
    texts: tuple[str, str],
    spread: Mapping[str, float],
    parts: Sequence[Any],
    members: NDArray[np.int64],
    op: list[Floats],
    codes: list[NDArray[np.int8]],
) -> OptimizersOverDraws:
    values, known = np.array(op), WITH_NUMBER[np.array(codes)]
    known &= ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        level = np.where(np.isfinite(values), np.round(values, 10), values)
        level = np.where(known, level, -np.inf)
        is_first = known & (level == level.max(axis=1, keepdims=True))
        finite = np.where(known & np.isfinite(values), values, np.nan)
    mean, low, high = student_interval(finite.T)
    order = np.lexsort((np.arange(len(mean)), -np.where(np.isnan(mean), -np.inf, mean)))
    names = [tuple(parts[k].label for k in row) for row in as_tuples(members[order])]
    return OptimizersOverDraws(
        asked,
        seeds,
        *texts,
        dict(spread),
        tuple(names),
        values[:, order],
        NAMES[np.array(codes)][:, order],
        is_first.sum(axis=0)[order],
        mean[order],
        low[order],
        high[order],
    )
