"""The shipped models, and `load`: a shipped name or a file to a Model."""

from __future__ import annotations

import functools
import os
from pathlib import Path

from causalopt.errors import FileError, UnknownNameError, suggestion
from causalopt.model.files import FORMATS, read_model
from causalopt.model.model import Model

_PACKAGE = Path(__file__).resolve().parents[1]


@functools.cache
def models_folder() -> Path:
    """Return the folder of the shipped models: in the wheel, else at the top of the checkout.

    Raises:
        FileError: Neither is there.
    """
    for folder in (_PACKAGE / "_models", _PACKAGE.parent / "models"):
        if folder.is_dir():
            return folder
    raise FileError("the shipped models are missing: install causalopt again")


def shipped() -> dict[str, Path]:
    """Return name -> file of every shipped model, in alphabetical order.

    Example:
        >>> "thermostat" in shipped()
        True
    """
    return {file.stem: file for file in sorted(models_folder().glob("*.yaml"))}


def load(name: str | os.PathLike[str]) -> Model:
    """Return a shipped model by its name, or the model of a file.

    Args:
        name: A name that `causalopt models` lists, or a path ending in .yaml, .toml or .json.

    Raises:
        UnknownNameError: It is neither.
        ModelError: The file declares no valid model.

    Example:
        >>> load("thermostat").title
        'Continuous thermostat'
    """
    text = os.fspath(name)
    if Path(text).suffix.lower() in FORMATS or os.sep in text:
        return read_model(text)
    files = shipped()
    if text in files:
        return read_model(files[text])
    if os.path.isfile(text):  # a name too long for a path is simply no file
        return read_model(text)
    if os.path.isdir(text):
        raise FileError(f"'{text}' is a folder: name a model file in it")
    raise UnknownNameError(
        f"no shipped model is called '{text}' (a file's name ends in {', '.join(FORMATS)})"
        f"{suggestion(text, files)}"
    )
