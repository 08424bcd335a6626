"""The smallest systems on which Op and another measure disagree, found by looking at all.

Each claim is of a family of `causalopt.comparison.small_systems`; the family is gone through from
the fewest arrows up, so that nothing smaller was passed over.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from causalopt.comparison.small_systems import (
    BinaryDag,
    BooleanNetwork,
    LinearRule,
    binary_dags,
    boolean_networks,
    linear_rules,
)
from causalopt.errors import UnknownNameError, suggestion
from causalopt.results import Displayed
from causalopt.work.progress import Progress, long_work, through

_ROUNDING = 1e-9  # of entropies of a few states


@dataclasses.dataclass(frozen=True)
class Claim:
    """What is looked for.

    Attributes:
        text: The claim as it is read.
        family: Yields systems, smallest first.
        holds: Whether a system shows it.
    """

    text: str
    family: Callable[[], Iterator[Any]]
    holds: Callable[[Any], bool]


@dataclasses.dataclass(frozen=True)
class Disagreement(Displayed):
    """The smallest systems that show a claim.

    Attributes:
        claim: What they show.
        size: Their number of arrows.
        examples: All systems of that size that do, in the order of the family.
        smaller: How many smaller systems were looked at; none of them does.
        searched: How many were looked at in all.
    """

    claim: str
    size: int
    examples: tuple[Any, ...]
    smaller: int
    searched: int

    def __repr__(self) -> str:
        count = len(self.examples)
        return (
            f"{self.claim}\n  {self.examples[0]}\n  {self.size} arrows; {count} such of "
            f"{self.searched} systems looked at, {self.smaller} of them smaller"
        )


def _is_zero(value: float) -> bool:
    return abs(value) <= _ROUNDING


def _never_compresses(network: BooleanNetwork) -> bool:
    """Whether Op is 0 from every state."""
    return all(op == 0.0 for op in network.ops)


def _always_perfect(network: BooleanNetwork) -> bool:
    return all(op == math.inf for op in network.ops)


def _mirrored(rule: LinearRule) -> LinearRule:
    """Return the rule with the sign of what a reads turned."""
    return dataclasses.replace(rule, q=-rule.q)


def _blind(rule: LinearRule) -> bool:
    """Whether turning the feedback turns Op, and no information measure notices."""
    other = _mirrored(rule)
    if not (math.isfinite(rule.op) and rule.op > 0 > other.op > -math.inf):
        return False
    same = all(_is_zero(x - y) for x, y in zip(rule.information, other.information, strict=True))
    return same and rule.information[1] > _ROUNDING


CLAIMS: Mapping[str, Claim] = {
    "lockstep": Claim(
        "Op is infinite from every state, and transfer entropy is 0",
        boolean_networks,
        lambda n: _always_perfect(n) and _is_zero(n.transfer),
    ),
    "news": Claim(
        "transfer entropy and causal strength are 1 bit, and Op is 0 from every state",
        boolean_networks,
        lambda n: _never_compresses(n) and _is_zero(n.transfer - 1.0) and _is_zero(n.causal - 1.0),
    ),
    "permutation": Claim(
        "Op is infinite from every state, and optimizing strength is 0",
        boolean_networks,
        lambda n: _always_perfect(n) and _is_zero(n.strength),
    ),
    "shared_past": Claim(
        "optimizing strength is positive, and Op is 0 from every state",
        boolean_networks,
        lambda n: _never_compresses(n) and n.strength > _ROUNDING,
    ),
    "idle_power": Claim(
        "empowerment is 1 bit in every state, and Op is 0 from every state",
        boolean_networks,
        lambda n: _never_compresses(n) and all(_is_zero(e - 1.0) for e in n.empowerments),
    ),
    "powerless": Claim(
        "Op is not 0 from some state, and empowerment is 0 in every state",
        boolean_networks,
        lambda n: (
            any(op != 0.0 for op in n.ops if not math.isnan(op))
            and all(_is_zero(e) for e in n.empowerments)
        ),
    ),
    "open_loop": Claim(
        "goal-directedness is 1 bit, the most there is, and Op is nowhere above 0",
        boolean_networks,
        lambda n: (
            not any(op > 0 for op in n.ops)
            and any(_is_zero(n.directedness(goal) - 1.0) for goal in (0, 1))
        ),
    ),
    "no_goal": Claim(
        "Op is infinite from every state, and goal-directedness is 0 towards b = 0 and b = 1",
        boolean_networks,
        lambda n: _always_perfect(n) and all(_is_zero(n.directedness(goal)) for goal in (0, 1)),
    ),
    "sign_of_feedback": Claim(
        "turning the sign of one arrow turns the sign of Op, and transfer entropy, causal strength "
        "and empowerment stay",
        linear_rules,
        _blind,
    ),
    "lone_loop": Claim(
        "the loops through a have a share of 1, and Op is finite and below 0",
        linear_rules,
        lambda rule: -math.inf < rule.op < 0 and _is_zero(rule.loop_share - 1.0),
    ),
    "uninformed": Claim(
        "Op is infinite, and a and m share no information",
        binary_dags,
        lambda dag: dag.op == math.inf and _is_zero(dag.information),
    ),
    "informed": Claim(
        "a and m share 1 bit, and Op is 0",
        binary_dags,
        lambda dag: dag.op == 0.0 and _is_zero(dag.information - 1.0),
    ),
}
"""Name -> claim."""


@long_work("searching")
def smallest_disagreement(claim: str, *, progress: Progress | None = None) -> Disagreement | None:
    """Return the smallest systems on which a claim holds.

    Args:
        claim: A name of `CLAIMS`, such as `lockstep`.
        progress: Called with (done, total, what), in systems.

    Returns:
        None where no system of the family shows it.

    Raises:
        UnknownNameError: There is no such claim.

    Example:
        >>> smallest_disagreement("uninformed")
        Op is infinite, and a and m share no information
          a(n) = 01, m(n, a) = 0010
          3 arrows; 8 such of 64 systems looked at, 44 of them smaller
    """
    del progress  # long_work tells it
    if claim not in CLAIMS:
        raise UnknownNameError(f"no claim '{claim}'{suggestion(claim, CLAIMS)}")
    sought = CLAIMS[claim]
    found: list[BooleanNetwork | LinearRule | BinaryDag] = []
    smaller = searched = 0
    count = sum(1 for _ in sought.family())
    for system in through(sought.family(), count):
        if found and system.size > found[0].size:
            break
        searched += 1
        if sought.holds(system):
            found.append(system)
    if not found:
        return None
    smaller = sum(system.size < found[0].size for system in sought.family())
    return Disagreement(sought.text, found[0].size, tuple(found), smaller, searched)
