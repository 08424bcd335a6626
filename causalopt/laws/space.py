"""The finite space a law lives on: named variables, each with an ordered tuple of labels."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence

from causalopt.errors import QuestionError, UnknownNameError, suggestion

Label = str | int | float | bool
"""What one variable can be: a word or a number."""


@dataclasses.dataclass(frozen=True)
class Space:
    """The product of the domains of some named variables.

    Args:
        names: The variables, in the order of a law's axes.
        labels: For each variable its labels, in order.

    Raises:
        QuestionError: A name or a label comes twice, or a domain is empty.

    Example:
        >>> space = Space(("T", "R"), (("on", "off"), ("hot", "warm", "cold")))
        >>> space.shape, space.size
        ((2, 3), 6)
        >>> space.position({"R": "cold", "T": "on"})
        (0, 2)
    """

    names: tuple[str, ...]
    labels: tuple[tuple[Label, ...], ...]

    def __post_init__(self) -> None:
        if len(self.names) != len(self.labels):
            raise QuestionError(
                f"{len(self.names)} variables came with {len(self.labels)} domains; give one each"
            )
        if len(set(self.names)) != len(self.names):
            raise QuestionError(f"variables must differ, got {', '.join(self.names)}")
        for name, labels in zip(self.names, self.labels, strict=True):
            if not labels or len(set(labels)) != len(labels):
                raise QuestionError(
                    f"the domain of {name!r} needs distinct labels, got {list(labels)}"
                )

    @property
    def shape(self) -> tuple[int, ...]:
        """How many labels each variable has."""
        return tuple(len(labels) for labels in self.labels)

    @property
    def size(self) -> int:
        """How many states the space has."""
        return math.prod(self.shape)

    def axis(self, name: str) -> int:
        """Return the axis of a variable.

        Raises:
            UnknownNameError: No such variable.
        """
        if name not in self.names:
            raise UnknownNameError(
                f"no variable {name!r} in this law{suggestion(name, self.names)}"
            )
        return self.names.index(name)

    def domain(self, name: str) -> tuple[Label, ...]:
        """Return the labels of a variable."""
        return self.labels[self.axis(name)]

    def only(self, names: Iterable[str]) -> Space:
        """Return the space of some of the variables, in the order given."""
        chosen = tuple(names)
        return Space(chosen, tuple(self.domain(name) for name in chosen))

    def without(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the names that are not among `names`, in this space's order."""
        left_out = set(names)
        for name in left_out:
            self.axis(name)
        return tuple(name for name in self.names if name not in left_out)

    def position(self, state: Mapping[str, Label] | Sequence[Label]) -> tuple[int, ...]:
        """Return a state's index along every axis.

        Args:
            state: Labels by variable, or in the order of `names`.

        Raises:
            QuestionError: A variable is missing, or a label is not in its domain.
        """
        labels = self._in_order(state)
        return tuple(
            _index(name, domain, label)
            for name, domain, label in zip(self.names, self.labels, labels, strict=True)
        )

    def state(self, position: Sequence[int]) -> tuple[Label, ...]:
        """Return the labels at an index along every axis."""
        return tuple(labels[i] for labels, i in zip(self.labels, position, strict=True))

    def _in_order(self, state: Mapping[str, Label] | Sequence[Label]) -> tuple[Label, ...]:
        if isinstance(state, Mapping):
            if set(state) != set(self.names):
                raise QuestionError(
                    f"a state gives one label to each of {', '.join(self.names)}, "
                    f"got {', '.join(state) or 'none'}"
                )
            return tuple(state[name] for name in self.names)
        if len(state) != len(self.names):
            raise QuestionError(
                f"a state needs {len(self.names)} labels ({', '.join(self.names)}), "
                f"got {len(state)}"
            )
        return tuple(state)


def _index(name: str, domain: tuple[Label, ...], label: Label) -> int:
    if label not in domain:
        hint = suggestion(str(label), [str(known) for known in domain])
        raise QuestionError(f"{label!r} is no label of {name!r}{hint}")
    return domain.index(label)
