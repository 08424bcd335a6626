"""Training a model's weights by the adjoint of its own run, and what a training leaves behind."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from causalopt.engine.arrays.array_plan import Values
from causalopt.engine.contract import Floats
from causalopt.errors import QuestionError, SizeError
from causalopt.model.arrays.trainable import check_training
from causalopt.model.declaration import TrainingSettings
from causalopt.model.files import write_whole
from causalopt.model.model import Model, machine_memory, run_length
from causalopt.results import Displayed, Plotted
from causalopt.training.adam import Adam, norms
from causalopt.work.progress import Progress, long_work, through
from causalopt.worlds.array_world import split_initial
from causalopt.worlds.unrolled import Unrolled, unrolled

_SEEDS = 1 << 32  # seeds below it, so that an update's draws are another seed's of none


@dataclasses.dataclass(frozen=True, eq=False)
class Training(Plotted, Displayed):
    """Networks over their training: weights after each update, and how they did.

    Attributes:
        model: The model that was trained.
        settings: For what, and how.
        steps: The last step of a run in training.
        seeds: Of each network: which draws its first weights, starts and noises make.
        weights: Weight -> its values after each update, shape [update, network, *shape]; update 0
            is before the first.
        loss: The mean loss over the batch that the next update is made of, shape [update, network].
        performance: The mean performance there, likewise; None where none is declared.
        norms: The gradient's norm before it is clipped, shape [update, network], one update less.
    """

    model: Model
    settings: TrainingSettings
    steps: int
    seeds: tuple[int, ...]
    weights: Mapping[str, Values]
    loss: Floats
    performance: Floats | None
    norms: Floats

    @property
    def updates(self) -> int:
        """How many updates were made."""
        return len(self.loss) - 1

    def network(self, update: int | None = None, seed: int | None = None) -> dict[str, Values]:
        """Return one network's weights: what `run` and its like take as `initial`.

        Args:
            update: After how many updates; the last one when not given.
            seed: Of which seed; the first when not given.

        Raises:
            QuestionError: There is no such update or seed.
        """
        after = self.updates if update is None else update
        if not 0 <= after <= self.updates:
            raise QuestionError(f"update must lie between 0 and {self.updates}, found {update}")
        own = self.seeds[0] if seed is None else seed
        if own not in self.seeds:
            raise QuestionError(f"seed {own} was not trained: there are {list(self.seeds)}")
        place = self.seeds.index(own)
        return {name: values[after, place] for name, values in self.weights.items()}

    def to_npz(self, path: str | Path) -> None:
        """Write the weights after each update as arrays of numpy, whole or not at all."""
        stream = io.BytesIO()
        arrays: dict[str, Any] = {**self.weights, "seeds": np.array(self.seeds), "loss": self.loss}
        np.savez(stream, **arrays)
        write_whole(Path(path), stream.getvalue())

    def __repr__(self) -> str:
        first, last = self.loss[0].mean(), self.loss[-1].mean()
        text = f"{len(self.seeds)} network{'s' * (len(self.seeds) != 1)} of '{self.model.name}'"
        lines = f"{text}, {self.updates} updates: mean loss {first:.4g} -> {last:.4g}"
        if self.performance is None:
            return lines
        before, after = self.performance[0].mean(), self.performance[-1].mean()
        return f"{lines}, {self.settings.performance} {before:.3g} -> {after:.3g}"


def settings_of(model: Model, **said: Any) -> TrainingSettings:
    """Return what the model is trained for: what is said, and else what it declares.

    Raises:
        QuestionError: Neither says what is brought down, and by what.
    """
    own = {} if model.training is None else model.training.model_dump()
    found = own | {key: value for key, value in said.items() if value is not None}
    missing = [key for key in ("loss", "by") if key not in found]
    if missing:
        raise QuestionError(
            f"what is '{model.name}' trained for? give it a section training: {{loss: cost, "
            "by: [W1, b1]}, or say loss and by"
        )
    try:
        settings = TrainingSettings(**found)
    except ValidationError as error:
        first = error.errors()[0]
        raise QuestionError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    check_training(model.arrays if model.is_array else None, settings)
    return settings


def gradient(
    model: Model,
    *,
    loss: str | None = None,
    by: Sequence[str] | None = None,
    steps: int | None = None,
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    seed: int = 0,
    batch: int = 1,
    data: Mapping[str, Any] | None = None,
) -> dict[str, Values]:
    """Return the derivatives of a loss at the last step by what a run starts from.

    Reverse accumulation through the whole run: its cost is that of a few runs, whatever the number
    of weights.

    Args:
        model: A model with arrays; its training and question give what is not given here.
        loss: The number that is differentiated.
        by: By which variables' values at t = 0.
        steps: The last step.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's.
        seed: Which draws starts and noises make.
        batch: Over how many runs with draws of their own the loss is the mean.
        data: Variable without a rule -> its values, step first.

    Returns:
        Variable -> derivatives, of its shape.

    Raises:
        QuestionError: The loss is no number, or a variable does not start a run.

    Example:
        >>> rules = {"x": {"shape": [2], "rule": "x[t-1]/2", "initial": [1, 3]}}
        >>> square = {"cost": {"rule": "sum(x[t]**2)"}}
        >>> model = Model(name="m", variables=rules | square)
        >>> gradient(model, loss="cost", by=["x"], steps=1)["x"]
        array([0.5, 1.5])
    """
    plain, arrays = split_initial(initial)
    model = model.replace(parameters=parameters, initial=plain)
    settings = settings_of(model, loss=loss, by=by, batch=batch)
    last = run_length(model, settings.steps if steps is None else steps)
    given = {name: value for name, value in arrays.items() if name not in settings.by}
    runs = _runs(model, settings, last, 1, initial=given, data=data)
    weights = {n: arrays.get(n, v[0])[None] for n, v in runs.first([seed]).items()}
    found = runs.gradients(weights, [seed], settings.loss)
    return {name: values[0] for name, values in found.items()}


@long_work("training")
def train(
    model: Model,
    *,
    loss: str | None = None,
    by: Sequence[str] | None = None,
    steps: int | None = None,
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    seeds: int | Sequence[int] = 1,
    updates: int | None = None,
    batch: int | None = None,
    rate: float | None = None,
    clip: float | None = None,
    performance: str | None = None,
    data: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Training:
    """Train networks by Adam on a loss at the end of the model's run.

    The gradient is the adjoint through the run; a batch is of runs whose starts and noises are
    drawn anew for each update. Networks of several seeds are trained at once.

    Args:
        model: A model with arrays; its `training` gives what is not given here.
        loss: The number that is brought down.
        by: The variables whose values at t = 0 are trained.
        steps: The last step of a run.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's; of weights too.
        seeds: How many networks, from seed 0 on, or their seeds.
        updates: How many updates are made.
        batch: How many runs an update is made of.
        rate: The learning rate.
        clip: The largest norm of a gradient.
        performance: A variable that tells how well it does.
        data: Variable without a rule -> its values, step first, in every run.
        progress: Called with (done, total, what), in updates.

    Raises:
        QuestionError: The model says not what it is trained for, or the training blew up.
        SizeError: The weights after all updates do not fit into memory.

    Example:
        >>> import causalopt
        >>> done = causalopt.train(causalopt.load("cart_pole"), seeds=2, updates=3)
        >>> done.weights["W1"].shape, done.loss.shape
        ((4, 2, 16, 4), (4, 2))
    """
    del progress  # long_work tells it
    plain, arrays = split_initial(initial)
    model = model.replace(parameters=parameters, initial=plain)
    said = {"updates": updates, "batch": batch, "rate": rate, "clip": clip}
    settings = settings_of(model, loss=loss, by=by, performance=performance, **said)
    last = run_length(model, settings.steps if steps is None else steps)
    chosen = _seeds(seeds)
    given = {name: value for name, value in arrays.items() if name not in settings.by}
    runs = _runs(model, settings, last, len(chosen), initial=given, data=data)
    weights = runs.first(chosen)
    for name in settings.by:
        if name in arrays:
            weights[name] = np.broadcast_to(arrays[name], weights[name].shape)
    return _trained(model, settings, last, chosen, runs, weights)


def _trained(
    model: Model,
    settings: TrainingSettings,
    steps: int,
    seeds: tuple[int, ...],
    runs: Unrolled,
    weights: dict[str, Values],
) -> Training:
    count = settings.updates
    _check_memory(weights, count)
    kept = {name: np.empty((count + 1, *values.shape)) for name, values in weights.items()}
    told = [settings.loss, *([settings.performance] if settings.performance else [])]
    scores = {name: np.empty((count + 1, len(seeds))) for name in told}
    lengths = np.empty((count, len(seeds)))
    optimizer = Adam(settings.rate, settings.clip)
    for update in through(range(count + 1)):
        draws = [seed + (update + 1) * _SEEDS for seed in seeds]
        for name, values in weights.items():
            kept[name][update] = values
        for name, values in runs.last(weights, draws, told).items():
            scores[name][update] = values
        if update == count:
            break
        gradients = runs.gradients(weights, draws, settings.loss)
        lengths[update] = norms(gradients)
        _check_finite(lengths[update], seeds, update)
        weights = optimizer.updated(weights, gradients)
    performance = scores[settings.performance] if settings.performance else None
    return Training(
        model, settings, steps, seeds, kept, scores[settings.loss], performance, lengths
    )


def _runs(
    model: Model,
    settings: TrainingSettings,
    steps: int,
    networks: int,
    *,
    initial: Mapping[str, Any],
    data: Mapping[str, Any] | None,
) -> Unrolled:
    return unrolled(
        model.arrays,
        settings.by,
        steps=steps,
        networks=networks,
        batch=settings.batch,
        initial=initial,
        data=data,
    )


def _seeds(seeds: int | Sequence[int]) -> tuple[int, ...]:
    chosen = tuple(range(seeds)) if isinstance(seeds, int) else tuple(int(s) for s in seeds)
    if not chosen or len(set(chosen)) < len(chosen) or not all(0 <= s < _SEEDS for s in chosen):
        raise QuestionError(
            f"seeds is how many networks are trained, from 1 up, or their seeds, different whole "
            f"numbers from 0 to 2^32 - 1; found {seeds}"
        )
    return chosen


def _check_memory(weights: Mapping[str, Values], updates: int) -> None:
    needed = 8 * (updates + 1) * sum(values.size for values in weights.values())
    if needed > machine_memory() / 2:
        raise SizeError(
            f"the weights after each of {updates} updates take {needed / 1e9:.3g} GB: train fewer "
            "networks at once, or for fewer updates"
        )


def _check_finite(lengths: Values, seeds: tuple[int, ...], update: int) -> None:
    wrong = np.flatnonzero(~np.isfinite(lengths))
    if len(wrong):
        raise QuestionError(
            f"the gradient of seed {seeds[wrong[0]]} is not finite at update {update}: lower the "
            "rate, train over fewer steps, or start closer to where the run stays bounded"
        )
