"""Which sets of variables are tried: those of the variables between n and m, by size.

A variable that no path from n to m passes changes no Op: it is idle, and left out without loss.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator, Sequence

from causalopt.errors import QuestionError
from causalopt.model.model import Model
from causalopt.model.selectors import Node
from causalopt.model.template import ancestors, descendants

Held = tuple[str, ...]
MOST = 4096


@dataclasses.dataclass(frozen=True)
class SetList:
    """The variables that A may hold, and how far their sets are tried one by one.

    Attributes:
        core: Variables on a path from a nudged node to m, in the order of the declaration.
        idle: Other variables that A might hold: no path passes them.
        whole: The size up to which every set of `core` is tried.
    """

    core: tuple[str, ...]
    idle: tuple[str, ...]
    whole: int

    @property
    def is_complete(self) -> bool:
        """Whether every set is tried."""
        return self.whole == len(self.core)

    def sets(self) -> Iterator[Held]:
        """Yield the sets that are tried, the smaller first, the empty one left out."""
        for size in range(1, self.whole + 1):
            yield from itertools.combinations(self.core, size)

    @property
    def count(self) -> int:
        """How many sets are tried."""
        return sum(math.comb(len(self.core), size) for size in range(1, self.whole + 1))


def set_list(
    model: Model,
    nudges: Sequence[Node],
    target: str,
    *,
    among: Sequence[str] | None = None,
    most: int = MOST,
) -> SetList:
    """Return which sets are tried for nudges of some nodes.

    Args:
        model: The model, of numbers.
        nudges: The nodes n; A holds none of their variables.
        target: The variable m; A does not hold it.
        among: The variables that A may hold; all others when not given.
        most: The most sets that are tried one by one: those of one size all, or none.

    Raises:
        QuestionError: `among` holds a variable of n, or m, or is a text; fewer sets than variables
            are allowed.
    """
    if isinstance(among, str):
        raise QuestionError(f"among is a list of variables, such as ['{among}'], found a text")
    nudged = {window.variable for node in nudges for window in model.nudged(node)}
    outside = model.asked_variables | nudged | {target}
    names = model.template.names
    if among is not None:
        chosen = {model.variable(name) for name in among}
        if chosen & outside:
            name = min(chosen & outside)
            raise QuestionError(f"'{name}' is nudged or measured: A holds neither n nor m")
        names = tuple(name for name in names if name in chosen)
    owner = {e.name: e.owner for e in model.template.equations}
    before = {owner[name] for name in ancestors(model.template, target)}
    after = {owner[e] for e in descendants(model.template, [n.variable for n in nudges])}
    free = [name for name in names if name not in outside]
    core = tuple(name for name in free if name in before & after)
    if most < len(core):
        raise QuestionError(f"most must be at least {len(core)}, one set a variable; found {most}")
    whole, count = 0, 0
    while whole < len(core) and count + math.comb(len(core), whole + 1) <= most:
        whole += 1
        count += math.comb(len(core), whole)
    return SetList(core, tuple(name for name in free if name not in core), whole)
