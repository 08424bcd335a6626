"""Which command has which common option, and why it has not the others."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from keyword import iskeyword

from causalopt.commands.told_options import Option, told_of

COMMON = (
    "--set", "--initial", "--nudge", "--hold", "--target", "--steps", "--at", "--delta", "--dt",
    "--method", "--seed", "--plot", "--theme", "--out", "--csv", "--json",
)  # fmt: skip

_LIMIT = "it takes the limit of a small nudge"
_NO_NUDGE = "nothing is nudged"
_MODEL = "--set --initial --dt --method"
_QUESTION = "--nudge --hold --target --steps --at --delta --seed"
_FILES = "--plot --theme --out --csv"
_NO_MODEL = {"it takes no model": f"{_MODEL} {_QUESTION}", "its answer is text": _FILES}

# Command -> why -> the common options that have no meaning for it.
_WHY: Mapping[str, Mapping[str, str]] = {
    "models": _NO_MODEL,
    "schema": _NO_MODEL,
    "cache": _NO_MODEL,
    "check": {"it asks no question": _QUESTION, "its answer is text": _FILES},
    "draw": {
        "a graph has no numbers": "--at --delta --seed --csv",
        "--out is where the picture goes": "--plot",
    },
    "import": {
        "it takes no model": f"{_MODEL} {_QUESTION}",
        "it writes a model": "--plot --theme --csv",
    },
    "run": {"it measures at every step": "--at"},
    "derive": {
        _LIMIT: "--delta",
        "a formula is not of one draw": "--seed",
        "formulas are text: see --latex, --report and --python": _FILES,
    },
    "currents": {_LIMIT: "--delta", "m is measured at the last step, --steps": "--at"},
    "rates": {_LIMIT: "--delta", "rates are of the long run": "--at"},
    "frequency": {_LIMIT: "--delta"},
    "sensitivity": {_LIMIT: "--delta"},
    "sweep": {},
    "refine": {},
    "show": {
        "it takes no model": f"{_MODEL} {_QUESTION}",
        "the store is where the numbers are": "--out --csv",
    },
    "matrix": {_LIMIT: "--delta", "--target takes a node such as R[5]": "--at"},
    "basins": {_LIMIT: "--delta"},
    "landscapes": {
        "it takes no model": f"{_MODEL} {_QUESTION}",
        "--out is a folder of pictures and data": "--plot --csv",
    },
    "optimizers": {_LIMIT: "--delta", "A is what is looked for": "--hold"},
    "divide": {
        "A is what is looked for": "--hold",
        "--window says which of the last steps count": "--at",
    },
    "across": {
        _LIMIT: "--delta",
        "--region is held, and --sources and --targets say where n and m lie": "--nudge --hold "
        "--target --at",
    },
    "watch": {_LIMIT: "--delta", "m is measured at the last step, --steps": "--at"},
    "compare": {
        "models are asked their own questions": "--nudge --hold --target --steps --at --delta"
    },
    "entropy": {
        _NO_NUDGE: "--nudge --delta",
        "--targets says which variables count": "--target",
        "--at and --horizon say when": "--steps",
        "laws are followed, and nothing is drawn": "--seed",
    },
    "escape": {
        _NO_NUDGE: "--nudge --hold --delta",
        "--within says after how many steps": "--steps --at",
    },
    "transitions": {
        _NO_NUDGE: "--nudge --hold --target --delta",
        "it is of all times": "--steps --at",
        "laws are followed, and nothing is drawn": "--seed",
    },
    "action": {
        _NO_NUDGE: "--nudge --hold --delta",
        "--end says where it leads": "--target",
        "--steps says when": "--at",
        "the cheapest noise is found, and none is drawn": "--seed",
    },
    "descent": {
        "its pictures are of the descent itself": "--nudge --hold --target --at --delta",
        "it is a picture; --json prints its lines": "--csv",
    },
    "data": {
        "it takes no model": f"{_MODEL} --nudge --hold --target --at --delta",
        "it writes images": "--plot --theme --csv",
    },
    "reproduce": {
        "it takes no model": f"{_MODEL} {_QUESTION}",
        "--out is a folder of pages": "--plot --theme --csv",
    },
}


def absences(command: str) -> dict[str, str]:
    """Return the common options that a command has not, each with the reason.

    Example:
        >>> absences("run")
        {'--at': 'it measures at every step'}
    """
    return {option: why for why, options in _WHY[command].items() for option in options.split()}


def options_of(command: str) -> tuple[str, ...]:
    """Return the options of a command, as they are written.

    Example:
        >>> options_of("check")
        ('--set', '--initial', '--dt', '--method', '--stages', '--strict', '--json')
    """
    own = command + "_" * iskeyword(command)
    function = getattr(importlib.import_module(f"causalopt.commands.{own}"), own)
    found: list[str] = []
    for name, (_, told) in told_of(function).items():
        if isinstance(told, Option) and not told.is_hidden:
            found += [word for word in told.written(name) if word.startswith("--")]
    return tuple(found)


def commands_with(option: str) -> list[str]:
    """Return the commands that have an option.

    Example:
        >>> commands_with("--horizon")
        ['sweep', 'entropy']
    """
    return [command for command in _WHY if option in options_of(command)]
