"""What of a model can be trained: a loss that is a number, and weights that a run starts from."""

from __future__ import annotations

from causalopt.errors import ModelError, suggestion
from causalopt.model.arrays.array_template import ArrayTemplate
from causalopt.model.declaration import TrainingSettings

Path = tuple[str | int, ...]


def check_training(template: ArrayTemplate | None, training: TrainingSettings) -> None:
    """Refuse a training that has nothing to bring down, or nothing to bring it down by.

    Args:
        template: The model's array variables, None for a model without.
        training: What it is trained for.

    Raises:
        ModelError: A name is not declared, the loss is no number, or a weight does not start a run.
    """
    if template is None:
        raise ModelError(
            "a model with arrays is trained, and this has none: give a weight a shape, or a size",
            ("training",),
        )
    for key in ("loss", "performance"):
        name: str | None = getattr(training, key)
        path: Path = ("training", key)
        if name is None:
            continue
        _check_name(template, name, path)
        shape = template.by_name[name].shape
        if shape:
            raise ModelError(
                f"'{name}' has the shape {list(shape)}, and the {key} is a number: take its sum "
                "or its mean",
                path,
            )
    if not training.by:
        raise ModelError("name the weights that are trained: by: [W1, b1]", ("training", "by"))
    for i, name in enumerate(training.by):
        path = ("training", "by", i)
        _check_name(template, name, path)
        starts = len(template.by_name[name].initial)
        if starts != 1:
            raise ModelError(
                f"'{name}' is trained, so it needs one initial value, and has {starts}: give it "
                "initial: 0, a law such as normal(0, 0.1), or values from a file",
                path,
            )
        if name == training.loss:
            raise ModelError(f"'{name}' is the loss and cannot be a weight too", path)


def _check_name(template: ArrayTemplate, name: str, path: Path) -> None:
    if name not in template.names:
        raise ModelError(f"unknown variable '{name}'{suggestion(name, template.names)}", path)
