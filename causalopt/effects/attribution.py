"""Attribution: how Op of a set A is shared among its parts, by Shapley values."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from causalopt.effects.asked import asked_hold, asked_node, asked_target, one_node_each
from causalopt.effects.running import run
from causalopt.effects.shapley_values import Game, Values, exact_values, sampled_values
from causalopt.engine.contract import Floats
from causalopt.errors import QuestionError
from causalopt.model.asked_words import Nudged
from causalopt.model.model import Model, run_length
from causalopt.model.selectors import Node, Selection, selection_text
from causalopt.results import Plotted, Tabled, plain, plain_number
from causalopt.work.progress import Progress, long_work, tick
from causalopt.worlds.array_world import split_initial

_EXACT = 10  # parts up to which all sets are counted when nobody says how many orders


@dataclasses.dataclass(frozen=True, eq=False)
class Attribution(Plotted, Tabled):
    """How Op of a set is shared among its parts.

    A part's own Op is not its share: Op is neither additive nor monotone in A. Shapley values sum
    to the joint Op.

    Attributes:
        model: The model.
        nudge: The node n.
        target: The variable m.
        at: The step at which m is measured.
        parts: The parts of A, as selectors.
        values: Each part's Shapley value in nats, shape [part].
        errors: Their standard errors, 0 where all sets were counted.
        joint: Op with all parts held, in nats.
        permutations: How many random orders were drawn; None where all sets were counted.
    """

    model: Model
    nudge: str
    target: str
    at: int
    parts: tuple[str, ...]
    values: Floats
    errors: Floats
    joint: float
    permutations: int | None

    @property
    def effective(self) -> float:
        """How many parts share it: (sum of |value|)^2 / sum of value^2; 1 where one has it all."""
        return float(np.sum(np.abs(self.values)) ** 2 / np.sum(self.values**2))

    def carriers(self, share: float = 0.8) -> tuple[str, ...]:
        """Return the fewest parts whose values sum to a share of the joint Op, largest first."""
        order = np.argsort(-self.values * np.sign(self.joint))
        reached = np.cumsum(self.values[order]) / self.joint
        count = int(np.argmax(reached >= share - 1e-12)) + 1
        return tuple(self.parts[i] for i in order[:count])

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON's types."""
        return {
            "model": self.model.name,
            "nudge": self.nudge,
            "target": self.target,
            "step": self.at,
            "parts": list(self.parts),
            "shapley": plain(self.values),
            "errors": plain(self.errors),
            "joint": plain_number(self.joint),
            "permutations": self.permutations,
        }

    def __repr__(self) -> str:
        how = "all sets" if self.permutations is None else f"{self.permutations} random orders"
        lines = [
            f"Op(A; {self.nudge}, {self.target}[{self.at}]) = {self.joint:.6g} nats, shared by "
            f"Shapley values ({how})"
        ]
        order = np.argsort(-np.abs(self.values), kind="stable")
        width = max(len(part) for part in self.parts)
        for i in order:
            error = f" +- {self.errors[i]:.2g}" if self.errors[i] else ""
            lines.append(f"  {self.parts[i].ljust(width)}  {self.values[i]: .5g}{error}")
        return "\n".join(lines)


@long_work("sharing Op", direct=True)
def shapley(
    model: Model,
    *,
    nudge: Nudged | None = None,
    hold: str | Sequence[str | Node] | None = None,
    target: str | None = None,
    at: int | None = None,
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    parts: Sequence[str] | None = None,
    permutations: int | None = None,
    starts: int = 1,
    data: Mapping[str, Any] | None = None,
) -> Attribution:
    """Share Op of a set A among its parts by Shapley values.

    The game: a set of parts is worth its Op, none of them 0. A part's value is what it adds on
    average over the orders in which the parts join.

    Args:
        model: The model; its question gives what is not given here.
        nudge: The node n.
        hold: The set A.
        target: The variable m.
        at: The step at which m is measured; the question's last one when not given.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's.
        seed: Which draws starts, noises and random orders make.
        progress: Called with (done, total, what), in sets.
        parts: Selectors, the parts of A; its elements when it is one array, else its variables.
        permutations: How many random orders; all sets are counted, up to ten parts, when not given,
            and 120 orders beyond.
        starts: In a model with arrays, over how many random starts Op is pooled.
        data: In a model with arrays, variable without a rule -> its values, step first.

    Raises:
        QuestionError: A has one part only, too many to be counted, or a set's Op is not finite.

    Example:
        >>> from causalopt import load
        >>> found = shapley(load("lorenz"), nudge="b[0]", hold="a, c", target="b", at=100)
        >>> found.parts, bool(np.isclose(found.values.sum(), found.joint))
        (('a', 'c'), True)
    """
    del progress  # long_work tells it
    plain_initial, arrays = split_initial(initial)
    model = model.replace(parameters=parameters, initial=plain_initial)
    model, nudge, target = one_node_each(model, nudge, target)
    node, text = asked_node(model, nudge), asked_target(model, target)
    last = run_length(model, at)
    if parts is not None:
        told = {
            part: asked_hold(model, part, nudge=node, target=text, steps=last) for part in parts
        }
    else:
        held = asked_hold(model, hold, nudge=node, target=text, steps=last)
        told = parts_of(model, held)
    for windows in told.values():
        model.check_nudge(node, windows, last)
    texts = tuple(told)
    _check_parts(texts, permutations, starts)
    asked = _Asked(model, node, text, last, texts, tuple(told.values()), arrays, seed, starts, data)
    orders = 120 if permutations is None else permutations
    exact = permutations is None and len(texts) <= _EXACT
    sets = 2 ** len(texts) if exact else orders * len(texts)
    game = _counted(_finite(asked.game(), texts), sets + 1)
    whole = np.ones((1, len(texts)), dtype=bool)
    if permutations is None and len(texts) <= _EXACT:
        values = exact_values(game, len(texts))
        errors: Floats = np.zeros(len(texts))
    else:
        permutations = 120 if permutations is None else permutations
        values, errors = sampled_values(game, len(texts), permutations, seed)
    joint = float(game(whole)[0])
    return Attribution(
        model, model.node_text(node), text, last, texts, values, errors, joint, permutations
    )


def parts_of(model: Model, hold: Selection) -> dict[str, Selection]:
    """Return the parts of a set by name: the elements of a single array, or else its variables."""
    found: dict[str, Selection] = {}
    names = dict.fromkeys(window.variable for window in hold)
    single = model.is_array and len(names) == 1
    cells: dict[object, Selection] = {}
    for window in hold:
        shape = model.arrays.by_name[window.variable].shape if single else ()
        limits = window.elements or tuple((0, size) for size in shape)
        inside = itertools.product(*(range(*limit) for limit in limits)) if single else [()]
        for cell in inside:
            own = tuple((k, k + 1) for k in cell) if cell else window.elements
            key = cell if single else window.variable
            cells[key] = (*cells.get(key, ()), dataclasses.replace(window, elements=own))
    for windows in cells.values():
        found[selection_text(windows, model.named_shapes)] = windows
    return found


def _check_parts(parts: Sequence[str], permutations: int | None, starts: int) -> None:
    if len(parts) < 2:
        raise QuestionError(
            f"A has {len(parts)} part{'s' * (len(parts) != 1)}, and there is nothing to share: "
            "hold a wider set, or say parts"
        )
    if permutations is not None and permutations < 2:
        raise QuestionError(f"permutations is a whole number from 2 up, found {permutations}")
    if starts < 1:
        raise QuestionError(f"starts is a whole number from 1 up, found {starts}")


@dataclasses.dataclass(frozen=True, eq=False)
class _Asked:
    """One question, asked of many sets."""

    model: Model
    node: Node
    target: str
    last: int
    texts: Sequence[str]
    windows: Sequence[Selection]
    arrays: Mapping[str, Any]
    seed: int
    starts: int
    data: Mapping[str, Any] | None

    def game(self) -> Game:
        return self._of_arrays() if self.model.is_array else self._of_numbers()

    def _of_numbers(self) -> Game:
        if self.starts != 1:
            raise QuestionError("starts are of models with arrays: this one has one start")

        def worth(members: Values) -> Values:
            return np.array([self._one(row) for row in members])

        return worth

    def _one(self, members: Values) -> float:
        chosen = [w for w, is_in in zip(self.windows, members, strict=True) if is_in]
        held = selection_text(tuple(itertools.chain(*chosen)), self.model.named_shapes)
        if not held:
            return 0.0
        static = self.model.is_static
        found = run(
            self.model,
            nudge=self.node,
            hold=held,
            target=self.target,
            steps=None if static else self.last,
            seed=self.seed,
        )
        return float(found.op[self.last])

    def _of_arrays(self) -> Game:
        from causalopt.effects.arrays.pooled_op import coalition_ops
        from causalopt.engine.arrays.array_coalitions import Coalitions
        from causalopt.worlds.array_world import held_arrays
        from causalopt.worlds.unrolled import unrolled

        template, measured = self.model.arrays, self.model.target(self.target)
        training = self.model.training
        # Weights that no one gave are those of the seed, the same in every start.
        weights = [n for n in (training.by if training else ()) if n not in self.arrays]
        runs = unrolled(
            template,
            weights,
            steps=self.last,
            networks=1,
            batch=self.starts,
            initial=self.arrays,
            data=self.data,
        )
        plan, draw = runs.drawn(runs.first([self.seed]), [self.seed])
        players = [held_arrays(template, window) for window in self.windows]

        def worth(members: Values) -> Values:
            sets = Coalitions(players, members)
            found: Values = coalition_ops(runs, plan, draw, self.node, measured, sets)[:, 0]
            return found

        return worth


def _finite(game: Game, parts: Sequence[str]) -> Game:
    def worth(members: Values) -> Values:
        found = game(members)
        wrong = np.flatnonzero(~np.isfinite(found))
        if len(wrong):
            names = [part for part, is_in in zip(parts, members[wrong[0]], strict=True) if is_in]
            raise QuestionError(
                f"Op of {{{', '.join(names)}}} is {found[wrong[0]]:g}, and only finite Ops can be "
                "shared: measure another variable or step, or leave out parts that cut every path"
            )
        return found

    return worth


def _counted(game: Game, total: int) -> Game:
    """Return the game that tells how many sets it was asked of."""
    done = 0

    def worth(members: Values) -> Values:
        nonlocal done
        found = game(members)
        done += len(members)
        tick(done, max(total, done))
        return found

    return worth
