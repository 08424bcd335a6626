"""Starting points of a model: its own, or many that are drawn independently, each with its noise.

A share of starting points is a probability only over the law that they were drawn from; the law is
stated: a box, uniform, or the law that the model declares at t = 0.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from causalopt.engine.contract import Floats
from causalopt.errors import QuestionError
from causalopt.model.model import Model
from causalopt.worlds.array_draws import check_seed

OWN = "the model's own"
_HALF_WIDTH = 0.5  # of the default box, in units of a starting value's size or of 1


@dataclasses.dataclass(frozen=True, eq=False)
class StartingPoints:
    """Values that nodes start from, one world a lane.

    Attributes:
        model: The model, laws at t = 0 replaced by a value: each lane has its own.
        values: Variable -> its values at t = 0, 1, ..., shape [step, start].
        seeds: Which draws each lane's noise makes, one a start.
        law: What they were drawn from, in words.
    """

    model: Model
    values: Mapping[str, Floats]
    seeds: tuple[int, ...]
    law: str

    @property
    def count(self) -> int:
        """How many starting points."""
        return len(self.seeds)


def starting_points(
    model: Model,
    count: int = 1,
    *,
    within: Mapping[str, Sequence[float]] | None = None,
    seed: int = 0,
) -> StartingPoints:
    """Return starting points: the model's own for one, independent draws for more.

    Args:
        model: The model.
        count: How many. A single one is the model's own where it declares no law at t = 0.
        within: Variable -> (low, high): the box that is drawn from, uniformly; variables that are
            not named keep their value. When not given: every starting value v in
            v +- max(1, |v|)/2, labels from their law at t = 0.
        seed: Which draws are made; lane k's noise has the seed seed + k.

    Raises:
        QuestionError: A box is empty, is of a variable that starts from no value, labels are
            words, or the seed is out of range.
    """
    if not isinstance(count, int) or count < 1:
        raise QuestionError(f"starts is a whole number from 1 up, found {count}")
    check_seed(seed)
    if seed + count > 1 << 64:
        raise QuestionError(
            f"start k draws with the seed seed + k, up to 2^64 - 1; {count} from {seed} are more"
        )
    settled, laws = _settled(model)
    rng = np.random.default_rng([seed, 0xD1])
    template = settled.template
    starting = {name: template.equations[i].name for name, i in template.starting.items()}
    own = {
        name: template.initial_values(equation)
        for name, equation in starting.items()
        if name not in settled.asked_variables
    }
    own = {name: values for name, values in own.items() if values}
    box = _box(settled, own, laws, within, count)
    values: dict[str, Floats] = {}
    for name, (low, high) in box.items():
        values[name] = rng.uniform(low, high, (count, len(own[name]))).T
    values |= _drawn_laws(model, laws - box.keys(), count, rng)
    for name, numbers in own.items():  # a batch's lanes need one node at least that they start
        values.setdefault(name, np.repeat(np.array(numbers)[:, None], count, axis=1))
    words = OWN if count == 1 and not box and not laws else _words(box, laws - box.keys())
    return StartingPoints(settled, values, tuple(range(seed, seed + count)), words)


def _box(
    model: Model,
    own: Mapping[str, list[float]],
    laws: set[str],
    within: Mapping[str, Sequence[float]] | None,
    count: int,
) -> dict[str, tuple[float, float]]:
    if within is None:
        if count == 1:
            return {}
        free = [name for name in own if name not in laws and not _is_whole(model, name)]
        sizes = {name: (own[name][0], _HALF_WIDTH * max(1.0, abs(own[name][0]))) for name in free}
        return {name: (value - half, value + half) for name, (value, half) in sizes.items()}
    found = {}
    for text, ends in within.items():
        name = model.variable(text)
        if name not in own:
            raise QuestionError(f"'{name}' has no starting value that a box could hold")
        if _is_whole(model, name):
            raise QuestionError(f"'{name}' takes whole numbers: it starts from its law at t = 0")
        if len(ends) != 2 or not all(map(math.isfinite, ends)) or not ends[0] < ends[1]:
            raise QuestionError(
                f"the box of '{name}' is (low, high), low < high, both finite; found {ends}"
            )
        found[name] = (float(ends[0]), float(ends[1]))
    return found


def _is_whole(model: Model, name: str) -> bool:
    return model.template.equations[model.template.index[name]].is_integer


def _settled(model: Model) -> tuple[Model, set[str]]:
    """Return the model with a value for each law at t = 0, and the variables that had one."""
    noise = {name for name, variable in model.variables.items() if variable.noise is not None}
    laws = {e.name for e in model.template.equations if e.law is not None} - noise
    if not laws:
        return model, laws
    domains = model.finite.domains
    words = [label for name in laws for label in domains.get(name, ()) if isinstance(label, str)]
    if words:
        raise QuestionError(
            f"'{words[0]}' is a word, and an effect is a difference of numbers: write 0, 1, ... "
            "for the labels, or ask `causalopt entropy` for the law"
        )
    data = model.model_dump()
    data["initial"] = ()
    for name in laws:
        data["variables"][name] |= {"initial": domains[name][0]}
    return type(model)(model.array_source, **data), laws


def _drawn_laws(
    model: Model, names: set[str], count: int, rng: np.random.Generator
) -> dict[str, Floats]:
    """Return draws from the laws at t = 0, the joint one row by row, shape [1, start] each."""
    values: dict[str, Floats] = {}
    if not names:
        return values
    finite = model.finite
    if finite.joint is not None:
        columns, joint = finite.joint
        rows = list(joint)
        picked = rng.choice(len(rows), size=count, p=np.array([float(joint[row]) for row in rows]))
        for k, name in enumerate(columns):
            values[name] = np.array([[float(rows[i][k]) for i in picked]])
    for name in sorted(names - values.keys()):
        law = finite.marginals[name]
        labels = np.array([float(label) for label in law])
        shares = np.array([float(share) for share in law.values()])
        values[name] = labels[rng.choice(len(labels), size=count, p=shares)][None, :]
    return values


def _words(box: Mapping[str, tuple[float, float]], laws: set[str]) -> str:
    parts = [f"{name} in [{low:g}, {high:g}]" for name, (low, high) in box.items()]
    if laws:
        parts.append(f"{', '.join(sorted(laws))} from the law at t = 0")
    return "; ".join(parts) or f"{OWN}, other noise"
