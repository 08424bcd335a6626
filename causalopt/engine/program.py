"""The program: what step code has to compute, in what order, and how it is cut into parts."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable

from causalopt.engine.linearization import Gap, Linearization, linearize
from causalopt.engine.regimes import MOST, Regime, Rules, regimes
from causalopt.engine.source import Slots
from causalopt.language.term import Term, leaves, postorder
from causalopt.model.template import Structure

PART = 600  # operations; optimisers are superlinear in the size of a block
NEAR = 2.0**-36  # relative width of a gap that rounding may have opened
WHOLE = 2500  # operations below which a step stays one block, its state in registers


@dataclasses.dataclass(frozen=True)
class Program:
    """Step code to be made.

    Attributes:
        structure: The template's rules.
        mode: `values` (one world), `tangents` (W with its derivatives) or `finite` (W, X and Y).
        careful: Whether nodes may be forced, shifted or seeded.
        lanes: Worlds computed at once; 1 for one trajectory, every step of which is stored.
        register: Lanes of one vector register; lanes are a multiple of it.
        estimate: Whether tangents carry an estimate of their rounding error.
        varying: Parameters that differ from lane to lane.
        extras: Further terms to store at every step (one trajectory only).
        contract: Whether a product and a sum may be one rounding.
        watch: Whether the first non-finite node of each lane is noted.
        near: Whether lanes are noted that pass a kink within rounding.
        regime: The regime this is the step of, None for the whole step.
        held: A, where it is compiled in; None: a mask given with each call.
        watched: The equations whose kinks are looked for, None for all.
        brief: Whether so little is run that compiling counts most: one version of each step.
    """

    structure: Structure
    mode: str
    careful: bool = False
    lanes: int = 1
    register: int = 1
    estimate: bool = True
    varying: frozenset[int] = frozenset()
    extras: tuple[Term, ...] = ()
    contract: bool = False
    watch: bool = False
    near: bool = False
    regime: Regime | None = None
    held: frozenset[int] | None = None
    watched: frozenset[int] | None = None
    brief: bool = False

    def described(self) -> str:
        """Return a text that is the same for equal programs alone, of whole steps."""
        assert self.regime is None
        roots = [*self.structure.rules, *self.extras]
        places: dict[Term, int] = {}
        lines = []
        for term in postorder(*(root for root in roots if root is not None)):
            args = [places[arg] for arg in term.args]
            places[term] = len(places)
            lines.append(f"{term.op} {term.payload!r} {args}")
        lines.append(repr([None if root is None else places[root] for root in roots]))
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name == "structure":
                value = self.structure.names, self.structure.parameters
            elif field.name == "extras":
                value = len(value)
            elif isinstance(value, frozenset):
                value = sorted(value)
            lines.append(f"{field.name} {value!r}")
        return "\n".join(lines)

    @property
    def rules(self) -> Rules:
        """The rules, or what a regime leaves of them."""
        return self.structure.rules if self.regime is None else self.regime.rules

    @property
    def layout(self) -> Slots:
        """The lagged values a step reads."""
        return _layout(self.structure)

    @property
    def is_small(self) -> bool:
        """Whether a step is one block, its state in registers."""
        return operation_count(self.structure, self.mode) <= WHOLE

    @functools.cached_property
    def linear(self) -> Linearization:
        """The local derivatives, where the mode needs them."""
        if self.mode == "values":
            return _NO_DERIVATIVES
        if self.regime is not None:
            return self.regime.linear
        linear = linearize(self.structure)
        if self.watched is None:
            return linear
        gaps = tuple(gap for gap in linear.gaps if gap.child in self.watched)
        return dataclasses.replace(linear, gaps=gaps)

    def regimes(self) -> tuple[Regime, ...]:
        """Return the step's regimes, as many as are worth their code."""
        if self.brief:
            return ()
        most = min(MOST, WHOLE // operation_count(self.structure, self.mode))
        return regimes(self.structure.rules, self.linear, most)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """The kinks a nudge may reach."""
        return self.linear.moving_gaps

    def is_copy(self, i: int) -> bool:
        """Whether a tangent of the whole step is that of an only parent: nothing is rounded."""
        return linearize(self.structure).is_copy(i)

    def is_zero(self, letter: str, i: int) -> bool:
        """Whether a tangent of equation i is zero at every step: the direct one of a held node."""
        return letter in "yq" and self.held is not None and i in self.held

    def roots(self, i: int) -> list[Term]:
        """Return the terms that equation i needs."""
        rule = self.rules[i]
        found = [] if rule is None else [rule]
        if self.mode == "tangents":
            found += [partial.term for partial in self.linear.of(i)]
        for gap in self.linear.gaps_of(i):
            found += [term for term in (gap.kink.left, gap.kink.right, gap.kink.guard) if term]
            if self.mode == "tangents":
                found += [partial.term for partial in gap.slopes]
        return found


_NO_DERIVATIVES = Linearization((), ())


@functools.lru_cache(maxsize=256)
def _layout(structure: Structure) -> Slots:
    return Slots.of(structure)


@functools.lru_cache(maxsize=512)
def operation_count(structure: Structure, mode: str) -> int:
    """Return how many operations one step of one world takes, as an estimate of its cost."""
    program = Program(structure, mode)
    roots = [root for i in range(len(structure.names)) for root in program.roots(i)]
    own = sum(not term.is_leaf for term in postorder(*roots))
    if mode == "finite":
        return 3 * own + len(structure.names)
    return own + 8 * len(program.linear.partials) + len(structure.names)


def read_by(structure: Structure, outputs: Iterable[int]) -> frozenset[int]:
    """Return the equations that some may depend on, these included."""
    index = {name: i for i, name in enumerate(structure.names)}
    seen = set(outputs)
    stack = list(seen)
    while stack:
        rule = structure.rules[stack.pop()]
        found = leaves(rule) if rule is not None else ()
        new = {index[leaf.payload[0]] for leaf in found if isinstance(leaf.payload, tuple)} - seen
        seen |= new
        stack += new
    return frozenset(seen)


def parts(program: Program) -> list[list[int]]:
    """Return the equations cut into runs of about `PART` operations; one run for a small step."""
    count = len(program.structure.names)
    if operation_count(program.structure, program.mode) <= WHOLE:
        return [list(range(count))]
    cut: list[list[int]] = [[]]
    seen: set[Term] = set()
    weight = 0
    for i in range(count):
        cost = 2 + 8 * len(program.linear.of(i))
        for term in _unseen(program.roots(i), seen):
            cost += not term.is_leaf
        if cut[-1] and weight + cost > PART:
            cut.append([])
            weight = 0
        cut[-1].append(i)
        weight += cost
    return cut


def _unseen(roots: Iterable[Term], seen: set[Term]) -> list[Term]:
    found = []
    stack = list(roots)
    while stack:
        term = stack.pop()
        if term not in seen:
            seen.add(term)
            found.append(term)
            stack += term.args
    return found
