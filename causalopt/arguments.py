"""What callers give to the public functions: looked at once, before any work, by one rule for all.

The annotations of a function say what it takes. An argument of another type is an error that says
what was expected, whatever the function would have made of it; a model may be given by its name.
"""

from __future__ import annotations

import ast
import functools
import inspect
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from causalopt.errors import ArgumentError, suggestion
from causalopt.model.declaration import shown
from causalopt.model.files import load
from causalopt.model.model import Model

Function = TypeVar("Function", bound=Callable[..., Any])

_EXAMPLES = {
    "nudge": "'R[0]'",
    "hold": "'a'",
    "target": "'R'",
    "steps": "100",
    "at": "10",
    "delta": "0.1",
    "seed": "0",
    "workers": "2",
    "parameters": "{'k': 0.02}",
    "initial": "{'R': 30}",
    "given": "[causalopt.Set('R[0]', 30)]",
    "model": "causalopt.load('thermostat')",
    "grid": "{'k': [0.1, 0.2]}",
}
# What one word of the package takes wherever it stands, where its types say less.
_TAKES = {
    "hold": "a text, a region or a list of them",
    "nudge": "a node, several, or a mapping of nodes to weights",
    "given": "a list of interventions",
    "steps": "a whole number from 0 up",
}
_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "a text",
    "bool": "True or False",
    "Mapping": "a mapping of names to values",
    "Sequence": "a list",
    "Iterable": "a list",
    "os.PathLike": "a path",
}


def _is_number(value: Any) -> bool:
    return hasattr(type(value), "__float__") and not isinstance(value, bool)


def _is_list(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)


_CHECKS: dict[str, Callable[[Any], bool]] = {
    "None": lambda value: value is None,
    "bool": lambda value: isinstance(value, bool) or type(value).__name__ in {"bool_", "bool"},
    "int": lambda value: (
        _is_number(value) and (hasattr(type(value), "__index__") or float(value).is_integer())
    ),
    "float": _is_number,
    "str": lambda value: isinstance(value, str),
    "os.PathLike": lambda value: isinstance(value, os.PathLike),
    "Mapping": lambda value: isinstance(value, Mapping),
    "Sequence": _is_list,
    "Iterable": _is_list,
    "Model": lambda value: isinstance(value, Model),
    "Nudged": lambda value: isinstance(value, str | Mapping) or _is_list(value) or _is_ours(value),
}


def _is_ours(value: Any) -> bool:
    """Whether a value is of a class of this package, such as a node or a region."""
    return type(value).__module__.split(".")[0] == "causalopt" and not isinstance(value, Model)


def checked(function: Function, name: str) -> Function:
    """Return a public function that looks at its arguments before it is called.

    Args:
        function: The function; its annotations are texts.
        name: What it is called in the package.

    Example:
        >>> import causalopt
        >>> causalopt.run("thermostat", seed="a")
        Traceback (most recent call last):
        causalopt.errors.ArgumentError: run: seed takes a whole number, found 'a': write seed=0
    """
    signature = inspect.signature(function)
    annotations = {p.name: str(p.annotation) for p in signature.parameters.values()}
    rules = {argument: _alternatives(text) for argument, text in annotations.items()}
    names = {argument for argument, text in annotations.items() if "[str]" in text}

    @functools.wraps(function)
    def looked_at(*args: Any, **kwargs: Any) -> Any:
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError as error:
            raise _no_such_argument(name, signature, kwargs, error) from None
        for argument, value in bound.arguments.items():
            kind = signature.parameters[argument].kind
            if kind not in {inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL}:
                if argument in names and isinstance(value, str) and "str" not in rules[argument]:
                    value = [value]  # one name where a list of them is taken
                bound.arguments[argument] = _taken(name, argument, value, rules[argument])
        return function(*bound.args, **bound.kwargs)

    # It is found, and pickled, as what users call it.
    looked_at.__module__, looked_at.__qualname__ = "causalopt", name
    return looked_at  # type: ignore[return-value]


def _alternatives(annotation: str) -> tuple[str, ...]:
    """Return the types that an annotation names, what stands in brackets left out but of Literal.

    Example:
        >>> _alternatives("str | Sequence[str | Node] | None")
        ('str', 'Sequence', 'None')
    """
    parts, deep, start = [], 0, 0
    for i, character in enumerate(annotation):
        deep += (character == "[") - (character == "]")
        if character == "|" and deep == 0:
            parts.append(annotation[start:i])
            start = i + 1
    parts.append(annotation[start:])
    names = [part.strip() for part in parts]
    return tuple(n if n.startswith("Literal[") else n.partition("[")[0] for n in names)


def _taken(name: str, argument: str, value: Any, rules: tuple[str, ...]) -> Any:
    """Return an argument as the function takes it.

    Raises:
        ArgumentError: It is of another type.
    """
    if "Model" in rules and "str" not in rules and isinstance(value, str | os.PathLike):
        return _model_called(name, argument, value)
    literals = [ast.literal_eval(f"({r[8:-1]},)") for r in rules if r.startswith("Literal[")]
    values = [item for group in literals for item in group]
    if any(type(item) is type(value) and item == value for item in values):
        return value
    if any(_CHECKS[rule](value) for rule in rules if rule in _CHECKS):
        whole = "int" in rules and isinstance(value, float) and "float" not in rules
        return int(value) if whole else value
    open_ended = any(rule not in _CHECKS and not rule.startswith("Literal[") for rule in rules)
    if open_ended or (_is_ours(value) and "str" in rules):
        return value  # of a class that no text here describes
    raise ArgumentError(f"{name}: {_expected(argument, value, rules, values)}")


def _expected(argument: str, value: Any, rules: tuple[str, ...], values: list[Any]) -> str:
    """Return what an argument should have been."""
    found = type(value).__name__ if _is_ours(value) else shown(value)
    if "Model" in rules:
        return f"{argument} takes a model or its name, found {found}{_instead_of_model(value)}"
    words = list(dict.fromkeys(_WORDS[rule] for rule in rules if rule in _WORDS))
    words = [_TAKES[argument]] if argument in _TAKES else [*words, *map(repr, values)]
    example = f": write {argument}={_EXAMPLES[argument]}" if argument in _EXAMPLES else ""
    return f"{argument} takes {' or '.join(words)}, found {found}{example}"


def _instead_of_model(value: Any) -> str:
    if isinstance(value, Mapping):
        return ": write causalopt.Model(**declaration) for a dict"
    if hasattr(value, "model"):
        return f": give the {type(value).__name__}'s own, its .model"
    return f": write {_EXAMPLES['model']}"


def _model_called(name: str, argument: str, value: str | os.PathLike[str]) -> Model:
    """Return the model that a name or a path means."""
    if isinstance(value, str) and "\n" in value:
        raise ArgumentError(
            f"{name}: {argument} is a text of many lines: write causalopt.parse_model(text) for a "
            "declaration"
        )
    return load(value)


def _no_such_argument(
    name: str, signature: inspect.Signature, given: Mapping[str, Any], error: TypeError
) -> ArgumentError:
    """Return the error of a call that does not fit the function's arguments."""
    known = [p.name for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    for word in given:
        if word not in known:
            return ArgumentError(f"{name} has no argument '{word}'{suggestion(word, known)}")
    required = [
        p.name
        for p in signature.parameters.values()
        if p.default is p.empty and p.kind not in {p.VAR_KEYWORD, p.VAR_POSITIONAL}
    ]
    options = [p.name for p in signature.parameters.values() if p.kind is p.KEYWORD_ONLY]
    hint = "; all others are named, as in " + f"{options[0]}=..." if options else ""
    return ArgumentError(f"{name}: {error}; it takes {', '.join(required)}{hint}")
