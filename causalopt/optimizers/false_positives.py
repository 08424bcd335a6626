"""How often the test for an optimizer is wrong, counted on systems of which it is known."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from causalopt.errors import QuestionError
from causalopt.optimizers.binomial_interval import BinomialInterval, binomial_interval
from causalopt.optimizers.known_systems import (
    KnownFamily,
    KnownSystem,
    known_families,
    known_systems,
)
from causalopt.optimizers.set_lists import Held
from causalopt.optimizers.verdict import Verdict, detect_optimizer
from causalopt.results import Plotted, Tabled, labelled, plain_number
from causalopt.work.progress import Progress, begin, long_work, portion, through

if TYPE_CHECKING:
    import xarray

FAMILY = 40
_SHOWN = 3


@dataclasses.dataclass(frozen=True, eq=False)
class KnownCase:
    """A known system and what the test says of it.

    Attributes:
        name: The system.
        has_optimizer: Whether it has one.
        verdict: What the test says.
    """

    name: str
    has_optimizer: bool
    verdict: Verdict

    @property
    def outcome(self) -> str:
        """`right`, `missed` or `false positive`."""
        if self.has_optimizer:
            return "right" if self.verdict.found else "missed"
        return "false positive" if self.verdict.found else "right"

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON's types."""
        told = {"name": self.name, "has_optimizer": self.has_optimizer, "outcome": self.outcome}
        return told | self.verdict.to_dict()


@dataclasses.dataclass(frozen=True)
class FamilyCount:
    """What the test says of systems that are drawn at random.

    Attributes:
        name: The family.
        has_optimizer: Whether a controller was planted in each.
        answers: Answer -> how many.
        found: How many have an optimizer, says the test, with the interval of its share.
        named: In how many every set that it names holds a variable of the planted controller.
    """

    name: str
    has_optimizer: bool
    answers: dict[str, int]
    found: BinomialInterval
    named: int

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON's types."""
        told = {"name": self.name, "has_optimizer": self.has_optimizer, "answers": self.answers}
        return told | {"found": self.found.to_dict(), "named": self.named}


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class FalsePositives(Plotted, Tabled):
    """The test for an optimizer, set beside what is known.

    Attributes:
        cases: One a known system.
        families: One a family of random systems.
    """

    cases: tuple[KnownCase, ...]
    families: tuple[FamilyCount, ...]

    @property
    def false_positives(self) -> list[str]:
        """The systems without an optimizer in which the test finds one."""
        return [case.name for case in self.cases if case.outcome == "false positive"]

    @property
    def missed(self) -> list[str]:
        """The systems with an optimizer in which the test finds none."""
        return [case.name for case in self.cases if case.outcome == "missed"]

    def to_dict(self) -> dict[str, Any]:
        """Return the table as JSON's types."""
        return {
            "cases": [case.to_dict() for case in self.cases],
            "families": [family.to_dict() for family in self.families],
            "false_positives": self.false_positives,
            "missed": self.missed,
        }

    @property
    def dataset(self) -> xarray.Dataset:
        """The table with axes `system` and `family`."""
        return labelled(self)

    def __repr__(self) -> str:
        count = sum(case.has_optimizer for case in self.cases)
        return (
            f"the test on {count} systems with an optimizer and {len(self.cases) - count} without\n"
            f"  {len(self.missed)} missed, {len(self.false_positives)} false positives"
        )

    def __str__(self) -> str:
        return "\n".join(self.markdown())

    def markdown(self) -> Iterator[str]:
        """Yield the lines of the table, as a page shows it."""
        yield "| system | optimizer? | the test says | set | Op | needed | starts | |"
        yield "|---|---|---|---|---|---|---|---|"
        for case in self.cases:
            yield _row(case)
        for kind, has in (("with", True), ("without", False)):
            mine = [case for case in self.cases if case.has_optimizer == has]
            wrong = sum(case.outcome != "right" for case in mine)
            word = "missed" if has else "false positives"
            blank = " |" * 6
            yield f"| **{len(mine)} systems {kind} an optimizer** |{blank} **{wrong} {word}** |"
        yield ""
        yield "| drawn at random | planted? | optimizer | undecided | none | share found | named |"
        yield "|---|---|---|---|---|---|---|"
        for family in self.families:
            counts = [str(family.answers.get(a, 0)) for a in ("optimizer", "undecided", "none")]
            found = f"{family.found.share:.2f} [{family.found.low:.2f}, {family.found.high:.2f}]"
            named = str(family.named) if family.has_optimizer else ""
            planted = "yes" if family.has_optimizer else "no"
            yield f"| {family.name} | {planted} | {' | '.join(counts)} | {found} | {named} |"


@long_work("testing")
def false_positive_table(
    *, progress: Progress | None = None, draws: int = FAMILY
) -> FalsePositives:
    """Count how often `detect_optimizer` is wrong on systems of which it is known.

    Args:
        draws: How many systems of each random family.
        progress: Called with (done, total, what), in systems.

    Raises:
        QuestionError: There are none.

    Example:
        >>> from causalopt.optimizers.known_systems import known_systems
        >>> case_of(known_systems()[0]).outcome
        'right'
    """
    del progress  # long_work tells it
    if draws < 1:
        raise QuestionError(f"draws must be at least 1, found {draws}")
    systems, families = known_systems(), known_families()
    whole = len(systems) + draws * len(families)
    begin(whole)
    with portion(0.0, len(systems) / whole):
        cases = tuple(case_of(system) for system in through(systems))
    with portion(len(systems) / whole, 1.0):
        counts = tuple(count_of(family, draws) for family in through(families))
    return FalsePositives(cases, counts)


def case_of(system: KnownSystem) -> KnownCase:
    """Return what the test says of a known system."""
    verdict = detect_optimizer(system.build(), **system.question)
    return KnownCase(system.name, system.has_optimizer, verdict)


def count_of(family: KnownFamily, draws: int) -> FamilyCount:
    """Return what the test says of so many members of a family."""
    verdicts = [detect_optimizer(family.build(k), **family.question) for k in through(range(draws))]
    answers = collections.Counter(verdict.answer for verdict in verdicts)
    named = sum(v.found and all(set(family.planted) & set(h) for h in v.sets) for v in verdicts)
    found = binomial_interval(sum(verdict.found for verdict in verdicts), draws)
    return FamilyCount(family.name, family.has_optimizer, dict(answers), found, named)


def _row(case: KnownCase) -> str:
    verdict = case.verdict
    sets = " = ".join(_written(hold) for hold in verdict.sets[:_SHOWN]) or "no candidate"
    more = " = ..." if len(verdict.sets) > _SHOWN else ""
    op, level = (_rounded(value) for value in (verdict.op, verdict.level))
    passed = f"{verdict.passed.count}/{verdict.passed.of}" if verdict.sets else "-"
    wrong = "" if case.outcome == "right" else case.outcome
    has = "yes" if case.has_optimizer else "no"
    cells = [case.name, has, verdict.answer, sets + more, op, level, passed, wrong]
    return f"| {' | '.join(cells)} |"


def _written(hold: Held) -> str:
    return f"{{{', '.join(hold)}}}"


def _rounded(value: float) -> str:
    found = plain_number(value)
    return "-" if found is None else found if isinstance(found, str) else f"{found:.2f}"
