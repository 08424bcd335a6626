"""Whether a plan is the sweep that a store holds: what differs, and which of it matters.

All of a plan's identity decides its numbers, and a difference is refused, with these exceptions:
texts about a model whose equations are the same, the size of chunks (the store's is taken), and
versions of packages that compute no number of a sweep, the third part of Python's among them.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterator, Mapping
from typing import Any

# Packages that read, store and show: another version of one gives the same numbers.
HARMLESS = frozenset(
    {"dask", "distributed", "matplotlib", "networkx", "pandas", "pydantic", "rich"}
    | {"ruamel.yaml", "typer", "xarray", "zarr"}
)
_LONG = 60  # characters of a value that stands on one line
_MOST = 24  # lines of a text's differences


@dataclasses.dataclass(frozen=True)
class Difference:
    """One entry of an identity that differs.

    Attributes:
        path: The entry, its keys joined by points.
        stored: The store's value; None where it has none.
        asked: The plan's.
        matters: Whether it can change a number.
    """

    path: str
    stored: Any
    asked: Any
    matters: bool

    def __str__(self) -> str:
        if (
            isinstance(self.stored, str)
            and isinstance(self.asked, str)
            and ("\n" in self.stored + self.asked)
        ):
            return f"{self.path}:\n{_text_difference(self.stored, self.asked)}"
        stored, asked = _shown(self.stored), _shown(self.asked)
        if len(stored) + len(asked) <= _LONG:
            return f"{self.path}: {stored} in the store, {asked} asked"
        return f"{self.path}:\n  - {stored}\n  + {asked}"


def differences(stored: Mapping[str, Any], asked: Mapping[str, Any]) -> list[Difference]:
    """Return the entries of two identities that differ, those that matter first.

    Args:
        stored: The store's identity.
        asked: A plan's.

    Example:
        >>> [str(found) for found in differences({"seed": 0}, {"seed": 1})]
        ['seed: 0 in the store, 1 asked']
    """
    left, right = dict(entries(stored)), dict(entries(asked))
    paths = [
        path for path in {**left, **right} if left.get(path, _ABSENT) != right.get(path, _ABSENT)
    ]
    same_equations = _hash_of(stored) is not None and _hash_of(stored) == _hash_of(asked)
    found = [
        Difference(
            ".".join(path),
            left.get(path),
            right.get(path),
            _matters(path, left.get(path), right.get(path), same_equations=same_equations),
        )
        for path in paths
    ]
    return sorted(found, key=lambda one: not one.matters)


_ABSENT = object()


def entries(tree: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Return the leaves of nested mappings; a list is one leaf."""
    if isinstance(tree, Mapping):
        for key, value in tree.items():
            yield from entries(value, (*path, str(key)))
    else:
        yield path, tree


def _hash_of(identity: Mapping[str, Any]) -> Any:
    model = identity.get("model")
    return model.get("hash") if isinstance(model, Mapping) else None


def _matters(path: tuple[str, ...], stored: Any, asked: Any, *, same_equations: bool) -> bool:
    if path[0] == "chunk":
        return False
    if path == ("versions", "python"):  # `sum` of floats rounds otherwise from 3.12 on
        return str(stored).split(".")[:2] != str(asked).split(".")[:2]
    if path[0] == "versions":
        return path[-1] not in HARMLESS
    if path[0] == "model" and same_equations:
        return path[-1] == "hash"
    return True


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    text = str(value)
    return text if len(text) <= 2 * _LONG else f"{text[: 2 * _LONG]}..."


def _text_difference(stored: str, asked: str) -> str:
    lines = list(difflib.unified_diff(stored.splitlines(), asked.splitlines(), lineterm="", n=0))
    changed = [line for line in lines[2:] if not line.startswith("@@")]
    shown = [f"  {line[0]} {line[1:]}" for line in changed[:_MOST]]
    if len(changed) > _MOST:
        shown.append(f"  ... and {len(changed) - _MOST} lines more")
    return "\n".join(shown)
