"""What names mean where a rule on arrays stands, and the functions such rules have."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence, Set
from fractions import Fraction

from causalopt.language.scope import function_names
from causalopt.tensors.named import Dims, Named
from causalopt.tensors.tensor import Shape

STRUCTURE = (
    *("sum", "mean", "max", "min", "logsumexp", "softmax", "argmax", "onehot", "take", "einsum"),
    *("transpose", "reshape", "concat", "stack", "shift", "roll", "convolve", "windows", "index"),
    *("identity", "ones", "zeros", "where", "grad", "diff"),
)


@dataclasses.dataclass(frozen=True)
class MacroFunction:
    """A declared one-line function of arrays: its text is read anew at each call.

    Attributes:
        name: The function.
        arguments: What its arguments are called.
        text: Its body.
        told: Told the arguments of each call that can be read; equal calls of one text once.
    """

    name: str
    arguments: tuple[str, ...]
    text: str
    told: Callable[[Sequence[Named]], None] | None = None


@dataclasses.dataclass(frozen=True)
class TensorScope:
    """What names mean where a rule on arrays stands.

    Attributes:
        dims: Variable -> the names of its dims, None for one that has none.
        shapes: Variable -> its shape.
        sizes: Name of a dim -> its size.
        names: Parameters, clock names and function arguments, with their values.
        functions: Declared functions.
        bare: Whether variables are written without `[t]` (models without time, flows, algebraic).
        kind: What the text is, for messages: "rule", "initial value", ...
        steps: How many steps a lag in steps ("t") or in time units ("time") is, None where it is
            no number. When not given a lag is a number, and `dt` among the names a constant.
    """

    dims: Mapping[str, Dims] = dataclasses.field(default_factory=dict)
    shapes: Mapping[str, Shape] = dataclasses.field(default_factory=dict)
    sizes: Mapping[str, int] = dataclasses.field(default_factory=dict)
    names: Mapping[str, Named] = dataclasses.field(default_factory=dict)
    functions: Mapping[str, MacroFunction] = dataclasses.field(default_factory=dict)
    bare: bool = False
    kind: str = "rule"
    steps: Callable[[Named, str], Fraction | None] | None = None

    @property
    def variables(self) -> Set[str]:
        """Names that may be referred to."""
        return self.dims.keys()


def tensor_function_names() -> set[str]:
    """Return the functions of rules on arrays."""
    return function_names() | set(STRUCTURE)
