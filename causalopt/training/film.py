"""Watching an optimizer appear: Op along training, over seeds, beside how well the networks do."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.arrays.pooled_op import PooledOp, pooled_op, rms_op
from causalopt.effects.asked import asked_hold, asked_node, asked_target
from causalopt.effects.attribution import Attribution, parts_of, shapley
from causalopt.effects.student_interval import student_interval
from causalopt.engine.contract import Floats
from causalopt.errors import QuestionError
from causalopt.model.asked_words import Nudged, one_nudge
from causalopt.model.files import write_whole
from causalopt.model.model import Model, run_length
from causalopt.model.selectors import Node, Selection, selection_text
from causalopt.results import Plotted, Tabled, page, plain
from causalopt.training.training import Training, train
from causalopt.work.progress import Progress, long_work, portion, through
from causalopt.worlds.array_world import held_arrays, split_initial
from causalopt.worlds.unrolled import Unrolled, unrolled

_MOST_PARTS = 64  # parts of A among which Op is shared in a film
_ORDERS = 60


@dataclasses.dataclass(frozen=True, eq=False)
class Film(Plotted, Tabled):
    """Op of networks along their training.

    Attributes:
        model: The model that was measured.
        training: The networks.
        nudge: The nudged node n.
        hold: The held set A.
        target: The measured variable m.
        steps: The last step of the measured runs.
        frames: After how many updates each frame is taken, shape [frame].
        total: ln of the norm of m's derivatives by n over all paths, [t, frame, network, start].
        direct: Likewise over the paths that avoid A.
        status: Whether Op at the last step is a number that rounding does not decide, shape
            [frame, network]: `ok`, `unresolved`, `perfect`, `only_path`, `no_influence` or
            `nonfinite`.
        course: The measured variable in W, shape [t, frame, network, start, *shape].
        loss: The mean loss over the measured starts, shape [frame, network].
        performance: The mean performance there, likewise; None where none is declared.
        attributions: How Op is shared among A's parts, [frame][network]; empty where it is not.
        unshared: Why it is not shared; empty where it is.
    """

    model: Model
    training: Training
    nudge: Node
    hold: Selection
    target: str
    steps: int
    frames: tuple[int, ...]
    total: Floats
    direct: Floats
    status: NDArray[np.str_]
    course: Floats
    loss: Floats
    performance: Floats | None
    attributions: tuple[tuple[Attribution, ...], ...]
    unshared: str

    @property
    def op_course(self) -> Floats:
        """The rms Op of all starts in nats, shape [t, frame, network]."""
        return rms_op(self.total, self.direct)

    @property
    def op(self) -> Floats:
        """That at the last step, shape [frame, network]."""
        last: Floats = self.op_course[-1]
        return last

    @property
    def hold_name(self) -> str:
        """The held set as the user writes it."""
        return selection_text(self.hold, self.model.named_shapes)

    @property
    def op_name(self) -> str:
        """What is measured, as the theory writes it."""
        where = "" if self.model.is_static else f"[{self.steps}]"
        name = f"{self.target}{where}"
        return f"Op({self.hold_name}; {self.model.node_text(self.nudge)}, {name})"

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON's types, one entry a frame."""
        mean, low, high = student_interval(self.op)
        found = {
            "model": self.model.name,
            "nudge": self.model.node_text(self.nudge),
            "hold": self.hold_name,
            "target": self.target,
            "steps": self.steps,
            "seeds": list(self.training.seeds),
            "update": list(self.frames),
            "op": [plain(row) for row in self.op],
            "op_mean": plain(mean),
            "op_low": plain(low),
            "op_high": plain(high),
            "status": self.status.tolist(),
            "loss": [plain(row) for row in self.loss],
            "performance": None,
        }
        if self.performance is not None:
            found["performance"] = [plain(row) for row in self.performance]
        if self.attributions:
            found["parts"] = list(self.attributions[0][0].parts)
            for key, get in (("shapley", _values), ("shapley_errors", _errors)):
                found[key] = [[plain(get(one)) for one in frame] for frame in self.attributions]
        return found

    def html(self) -> str:
        """Return the film as one page with a slider over training; it needs only a browser."""
        return page(self)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the film, whole or not at all: `.html` is the page, others as of every result.

        Raises:
            FileError: The suffix is unknown, or the file cannot be written.
            MissingPackageError: What writes it is not installed.
        """
        target = Path(path)
        if target.suffix.lower() != ".html":
            return super().save(path)
        write_whole(target, self.html().encode())
        return target

    def __repr__(self) -> str:
        first, last = (float(np.mean(self.op[i])) for i in (0, -1))
        count = len(self.training.seeds)
        return (
            f"{self.op_name} of {count} network{'s' * (count != 1)}: {first:.4g} nats before "
            f"training, {last:.4g} after {self.frames[-1]} updates"
        )


def _values(one: Attribution) -> Floats:
    return one.values


def _errors(one: Attribution) -> Floats:
    return one.errors


@long_work("training and measuring")
def watch(
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
    seeds: int | Sequence[int] = 5,
    updates: int | None = None,
    frames: int = 21,
    starts: int = 32,
    permutations: int = _ORDERS,
    training: Training | None = None,
    data: Mapping[str, Any] | None = None,
) -> Film:
    """Train networks and measure Op of a set A along their training.

    Every frame is measured from the same starts, which training does not see. Op is the rms one
    over the starts.

    Args:
        model: A model with arrays that says what it is trained for.
        nudge: The node n.
        hold: The set A.
        target: The variable m.
        steps: The last step of a measured run.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's.
        seed: Which draws the measured starts make.
        progress: Called with (done, total, what), in per cent.
        seeds: How many networks are trained, or their seeds.
        updates: How many updates are made; the model's when not given.
        frames: How many frames are taken, closer together at the start of training.
        starts: From how many starts Op is measured.
        permutations: How many random orders share Op among A's parts; 0 for no sharing.
        training: Networks that are trained already, in place of seeds and updates.
        data: Variable without a rule -> its values, step first.

    Raises:
        QuestionError: The model says not what it is trained for, or something is out of range.

    Example:
        >>> import causalopt
        >>> model = causalopt.load("cart_pole")
        >>> film = causalopt.watch(model, seeds=2, updates=4, frames=3, permutations=0)
        >>> film.frames, film.op.shape
        ((0, 1, 4), (3, 2))
    """
    del progress  # long_work tells it
    if frames < 2 or starts < 1 or permutations < 0 or permutations == 1:
        raise QuestionError(
            f"frames is from 2 up, starts from 1 and permutations 0 or from 2 up; found {frames}, "
            f"{starts} and {permutations}"
        )
    plain_initial, arrays = split_initial(initial)
    model = model.replace(parameters=parameters, initial=plain_initial)
    node = asked_node(model, one_nudge(nudge))
    held = asked_hold(model, hold, nudge=node, target=target, steps=steps)
    text = asked_target(model, target)
    last = run_length(model, steps)
    model.check_nudge(node, held, last)
    if training is None:
        with portion(0.0, 0.5):
            training = train(model, initial=arrays, seeds=seeds, updates=updates, data=data)
    given = {name: v for name, v in arrays.items() if name not in training.weights}
    shot = _Shot(model, node, held, text, last, training, seed, starts, given, data)
    chosen = _frames(training.updates, frames)
    with portion(0.5, 0.7):
        takes = [shot.take(frame) for frame in through(chosen)]
    with portion(0.7, 1.0):
        attributions, unshared = shot.shared(chosen, permutations)
    pools = [pool for pool, _ in takes]
    scores = {name: np.stack([score[name] for _, score in takes]) for name in takes[0][1]}
    settings = training.settings
    return Film(
        model=model,
        training=training,
        nudge=node,
        hold=held,
        target=text,
        steps=last,
        frames=chosen,
        total=np.stack([pool.total for pool in pools], axis=1),
        direct=np.stack([pool.direct for pool in pools], axis=1),
        status=np.stack([pool.status[-1] for pool in pools]),
        course=np.stack([pool.course for pool in pools], axis=1),
        loss=scores[settings.loss],
        performance=scores[settings.performance] if settings.performance else None,
        attributions=attributions,
        unshared=unshared,
    )


def _frames(updates: int, count: int) -> tuple[int, ...]:
    """Return after how many updates frames are taken: closer together at the start."""
    places = np.rint(updates * np.linspace(0, 1, count) ** 2).astype(int)
    return tuple(int(place) for place in np.unique(places))


@dataclasses.dataclass(frozen=True, eq=False)
class _Shot:
    """One question, asked of the networks after some of their updates."""

    model: Model
    node: Node
    hold: Selection
    target: str
    last: int
    training: Training
    seed: int
    starts: int
    arrays: Mapping[str, Any]
    data: Mapping[str, Any] | None

    def take(self, update: int) -> tuple[PooledOp, dict[str, Floats]]:
        """Return Op and how well the networks do after an update."""
        weights = {name: values[update] for name, values in self.training.weights.items()}
        draws = [self.seed] * len(self.training.seeds)
        runs = self._runs(self.last)
        plan, draw = runs.drawn(weights, draws)
        pool = pooled_op(runs, plan, draw, self.node, self.model.target(self.target))
        settings = self.training.settings
        names = [settings.loss, *([settings.performance] if settings.performance else [])]
        return pool, self._runs(self.training.steps).last(weights, draws, names)

    def _runs(self, steps: int) -> Unrolled:
        return unrolled(
            self.model.arrays,
            tuple(self.training.weights),
            steps=steps,
            networks=len(self.training.seeds),
            batch=self.starts,
            held=held_arrays(self.model.arrays, self.hold),
            initial=self.arrays,
            data=self.data,
        )

    def shared(
        self, frames: Sequence[int], permutations: int
    ) -> tuple[tuple[tuple[Attribution, ...], ...], str]:
        """Return how Op is shared in each frame and network; nothing and why where it is not."""
        if not permutations:
            return (), "not asked for"
        parts = len(parts_of(self.model, self.hold))
        if not 2 <= parts <= _MOST_PARTS:
            return (), f"A has {parts} part{'s' * (parts != 1)}"
        try:
            found = tuple(
                tuple(self._one(frame, own, permutations) for own in self.training.seeds)
                for frame in through(frames)
            )
        except QuestionError as error:
            return (), error.message
        return found, ""

    def _one(self, frame: int, own: int, permutations: int) -> Attribution:
        return shapley(
            self.model,
            nudge=self.node,
            hold=selection_text(self.hold, self.model.named_shapes),
            target=self.target,
            at=self.last,
            initial={**self.arrays, **self.training.network(frame, own)},
            seed=self.seed,
            permutations=permutations,
            data=self.data,
        )
