"""Optimizing strength: how much entropy the correlation between A and B takes out of the world.

With P_t the law of the world and P'_t the law after A's nodes at t are replaced by those of an
independent replica (`causalopt.worlds.replacement`), both moved on by the same rules:

    optimizing strength   Omega = S[P'_{t+1}] - S[P_{t+1}]
    mutual information    I(A; B)_t = S[P'_t] - S[P_t]
    adjusted              Omega - I(A; B)_t

The step t is settled when the surgery is made: a rule that reads A within the same step has read
the world's own A there, and reads the replica's from t + 1 on, for as long as the surgery lasts.

Source: "Defining Optimization in a Deeper Way", Parts 1 and 2.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from causalopt.entropy.chain_rule import entropy_along
from causalopt.entropy.entropies import Entropies
from causalopt.entropy.information import Unit, entropy
from causalopt.errors import QuestionError
from causalopt.laws import factorised, sparse
from causalopt.laws.discrete import DiscreteModel
from causalopt.laws.law import Law
from causalopt.laws.propagation import Choice, advance, laws
from causalopt.laws.twin import pair, prime, twin, unprimed
from causalopt.results import plot
from causalopt.work.progress import through
from causalopt.worlds.replacement import replace

if TYPE_CHECKING:
    from causalopt.results import Places


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Decorrelated(Entropies):
    """The four entropies of one decorrelation, and how they were had.

    Args:
        lasting: For how many steps A stays replaced; None for every step from `at` on.
        targets: The variables whose entropies are taken; the mutual information is theirs too.
        choice: The engine that answered, and why.
    """

    lasting: int | None
    targets: tuple[str, ...]
    choice: Choice

    def __str__(self) -> str:
        return f"{super().__str__()}\n  {'engine':<22}{self.choice.engine}: {self.choice.reason}"


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Strength(Decorrelated):
    """The four entropies of one decorrelation with the laws they belong to.

    Args:
        P: The law at `at`; `P_decoupled` after the surgery; `P_next`, `P_next_decoupled` at
            `at + horizon`. All over `targets`.
    """

    P: Law
    P_decoupled: Law
    P_next: Law
    P_next_decoupled: Law

    @property
    def has_table(self) -> bool:
        """Whether the laws can be laid out as tables: targets lie in A and outside."""
        return len({name in self.A for name in self.targets}) == 2

    def plot(
        self,
        *,
        rows: str | None = None,
        columns: str | None = None,
        ax: Places | None = None,
        figsize: tuple[float, float] | None = None,
        panels: str | Sequence[str] | None = None,
        theme: Literal["light", "dark"] | None = None,
    ) -> Any:
        """Return a figure of the four laws as tables, as Parts 1 and 2 print them.

        Args:
            rows: The variable down the side; the first target in A when not given.
            columns: The variable along the top; the first target outside A when not given.
            ax: Your own axes; as of `causalopt.results.Plotted.plot`, as are the next three.
            figsize: The figure's width and height in inches.
            panels: Names of the panels that are drawn.
            theme: "light" or "dark".

        Raises:
            QuestionError: The targets lie all in A or all outside, and nothing is said.
        """
        inside = [name for name in self.targets if name in self.A]
        outside = [name for name in self.targets if name not in self.A]
        side, top = rows or next(iter(inside), None), columns or next(iter(outside), None)
        if side is None or top is None:
            raise QuestionError(
                "a table needs two variables: say rows and columns, one in A and one outside"
            )
        where: dict[str, Any] = {"ax": ax, "figsize": figsize, "panels": panels, "theme": theme}
        return plot(self, rows=side, columns=top, **where)


@dataclasses.dataclass(frozen=True)
class Decorrelation:
    """What is asked of a discrete model, with nothing left open.

    Args:
        model: The model, with its initial law, its kind of number and its A.
        targets: The variables whose entropies are compared.
        horizon: Steps from the surgery to the `next` entropies.
        lasting: For how many steps A stays replaced; None for ever.
        fresh: Whether A is taken from a new replica each step.
        unit: Bits or nats.
        choice: The engine.

    Raises:
        QuestionError: The horizon or the duration is out of range, or there is no A.
    """

    model: DiscreteModel
    targets: tuple[str, ...]
    horizon: int
    lasting: int | None
    fresh: bool
    unit: Unit
    choice: Choice

    def __post_init__(self) -> None:
        if self.horizon < 1:
            raise QuestionError(f"the horizon is at least one step, got {self.horizon}")
        if self.lasting is not None and self.lasting < 1:
            raise QuestionError(f"decorrelation lasts at least one step, got {self.lasting}")
        if not self.model.A:
            raise QuestionError(
                f"{self.model.name} names no A to replace: add partition: {{A: [...]}}, or say "
                "hold (hold=)"
            )

    def held(self, steps_on: int) -> bool:
        """Whether A is replaced this many steps after the surgery began."""
        return self.lasting is None or steps_on < self.lasting

    def at(self, steps: Sequence[int]) -> tuple[Decorrelated, ...]:
        """Return the optimizing strength at some steps, in any order, the law carried along once.

        The `chain` engine forms no law: what it returns is no `Strength`.

        Raises:
            QuestionError: A step is negative, or the engine cannot answer.
        """
        if not steps or min(steps) < 0:
            raise QuestionError(f"steps count from 0, got {list(steps)}")
        if self.choice.engine == "factorised":
            return tuple(_on_graph(self, t) for t in through(steps))
        if self.choice.engine == "chain":
            return tuple(_by_chain_rule(self, t) for t in through(steps))
        course = itertools.islice(laws(self.model, self.choice.engine), max(steps) + 1)
        reached = {
            t: _on_laws(self, t, P)
            for t, P in enumerate(through(course, max(steps) + 1))
            if t in steps
        }
        return tuple(reached[t] for t in steps)


def at_once(model: DiscreteModel, targets: tuple[str, ...], unit: Unit) -> Strength:
    """Return the entropies of a model without time, where what reads A can read a replica's.

    S_decoupled is that of A beside an independent B; in `next` what follows from A has followed
    from the replica's A.
    """
    choice = Choice("sparse", "no time: one variable after another, others summed out")
    question = Decorrelation(model, targets, 1, 1, fresh=False, unit=unit, choice=choice)
    P = sparse.begin(model, model.initial, names=targets)
    both = twin(model, replaced_before=False, replaced_now=True)
    taken = [prime(name) if name in model.A else name for name in targets]
    later = unprimed(sparse.begin(both, both.initial, names=taken))
    inside = [name for name in targets if name in model.A]
    found = _answer(question, 0, P, replace(P, inside, P), P, later)
    return dataclasses.replace(found, is_static=True)


def _on_laws(question: Decorrelation, t: int, P: Law) -> Strength:
    """Answer from the joint law at t."""
    P_decoupled: Law = replace(P, question.model.A, P)
    P_next = P
    for _ in range(question.horizon):
        P_next = advance(question.model, P_next, question.choice.engine)
    if question.lasting == 1:
        later: Law = P_decoupled
        for _ in range(question.horizon):
            later = advance(question.model, later, question.choice.engine)
    else:
        later = _fresh(question, P) if question.fresh else _same(question, P)
    return _answer(question, t, P, P_decoupled, P_next, later)


def _fresh(question: Decorrelation, P: Law) -> Law:
    """Replace A at every step by that of a replica never used before."""
    Y = replica = P
    for i in range(question.horizon):
        Y = replace(Y, question.model.A, replica) if question.held(i) else Y
        Y = advance(question.model, Y, question.choice.engine)
        replica = advance(question.model, replica, question.choice.engine)
    if question.held(question.horizon):
        Y = replace(Y, question.model.A, replica)
    return Y


def _same(question: Decorrelation, P: Law) -> Law:
    """Replace A at every step by that of one replica, which runs beside the world."""
    model, both = question.model, pair(P, P)
    course: Law = both
    for i in range(question.horizon):
        worlds = twin(model, replaced_before=question.held(i), replaced_now=question.held(i + 1))
        course = advance(worlds, course, question.choice.engine)
    if not question.held(question.horizon):
        return course.marginal(model.state.names)
    taken = [prime(name) if name in model.A else name for name in model.state.names]
    return unprimed(course.marginal(taken))


def _by_chain_rule(question: Decorrelation, t: int) -> Decorrelated:
    """Answer from the unrolled graph, the joint law never formed."""
    cut, names, unit = _cut(question, t), question.targets, question.unit

    def entropy_at(step: int, replaced: list[tuple[str, int]]) -> float:
        return entropy_along(question.model, names, at=step, replaced=replaced, unit=unit)

    end = t + question.horizon
    S, S_decoupled, S_next, S_next_decoupled = (
        entropy_at(step, replaced) for step, replaced in ((t, []), (t, cut), (end, []), (end, cut))
    )
    return Decorrelated(
        unit=unit,
        S=S,
        S_decoupled=S_decoupled,
        S_next=S_next,
        S_next_decoupled=S_next_decoupled,
        **_asked(question, t),
    )


def _cut(question: Decorrelation, t: int) -> list[tuple[str, int]]:
    """Return the nodes of A that the unrolled graph takes from the replica."""
    if question.fresh:
        raise QuestionError(
            "fresh replicas need the joint law; use engine='sparse' or 'dense', or fresh=False"
        )
    steps = [t + i for i in range(question.horizon + 1) if question.held(i)]
    return [(name, step) for name in question.model.A for step in steps]


def _asked(question: Decorrelation, t: int) -> dict[str, Any]:
    return {
        "model": question.model.name,
        "at": t,
        "horizon": question.horizon,
        "lasting": question.lasting,
        "A": question.model.A,
        "targets": question.targets,
        "choice": question.choice,
    }


def _on_graph(question: Decorrelation, t: int) -> Strength:
    """Answer for target variables from the unrolled graph."""
    model, names, cut = question.model, question.targets, _cut(question, t)
    end = t + question.horizon
    P, P_next = (factorised.marginal(model, names, at=step) for step in (t, end))
    P_decoupled, later = (
        factorised.marginal(model, names, at=step, replaced=cut) for step in (t, end)
    )
    return _answer(question, t, P, P_decoupled, P_next, later)


def _answer(question: Decorrelation, t: int, *courses: Law) -> Strength:
    P, P_decoupled, P_next, later = (law.marginal(question.targets) for law in courses)
    unit = question.unit
    return Strength(
        unit=unit,
        S=entropy(P, unit=unit),
        S_decoupled=entropy(P_decoupled, unit=unit),
        S_next=entropy(P_next, unit=unit),
        S_next_decoupled=entropy(later, unit=unit),
        **_asked(question, t),
        P=P,
        P_decoupled=P_decoupled,
        P_next=P_next,
        P_next_decoupled=later,
    )
