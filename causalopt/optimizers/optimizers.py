"""Which A? Sets ranked by Op, grouped where they are one conduit, with their statuses."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args, overload

from causalopt.effects.asked import Asked, ask_at
from causalopt.effects.measures import NAMES, STATUSES
from causalopt.errors import QuestionError
from causalopt.model.asked_words import Nudged
from causalopt.model.model import Model
from causalopt.model.selectors import Node, Selection, Window
from causalopt.optimizers.conduits import ConduitTie, ties_of
from causalopt.optimizers.node_sets import NodeSets
from causalopt.optimizers.set_effects import SetEffects
from causalopt.optimizers.set_parts import By, PartReader, Selectors, SetPart
from causalopt.optimizers.set_search import Method, Ranked, SearchRecord, SetSearch, as_tuples
from causalopt.results import Displayed, Plotted, Tabled, labelled, plain_number
from causalopt.work.progress import Progress, long_work
from causalopt.worlds.interventions import Intervention

if TYPE_CHECKING:
    import xarray

    from causalopt.optimizers.optimizers_over_time import OptimizersOverTime

BEST = 1000  # sets that are kept
_SHOWN = 12  # groups in a text


@dataclasses.dataclass(frozen=True)
class Candidate(Displayed):
    """A set A, and how much it compresses.

    Attributes:
        hold: Its parts, selectors each.
        op: Op(A; n, m) in nats; -inf where A is the only conduit.
        comp: Comp, total over direct effect.
        status: What the numbers mean, a key of `causalopt.STATUSES`.
        step: The step of m.
    """

    hold: tuple[str, ...]
    op: float
    comp: float
    status: str
    step: int

    @property
    def share(self) -> float:
        """What of the influence goes through A: 1 - 1/Comp; -inf where the total effect is 0."""
        return 1.0 - 1.0 / self.comp if self.comp else -math.inf

    def __str__(self) -> str:
        return _set_text(self.hold)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON's types."""
        numbers = {name: plain_number(getattr(self, name)) for name in ("op", "comp", "share")}
        return {"hold": list(self.hold), **numbers, "status": self.status, "step": self.step}


@dataclasses.dataclass(frozen=True)
class ConduitGroup:
    """Candidates with one effect to rounding, because each carries the same paths.

    Attributes:
        op: Op in nats.
        comp: Comp.
        status: A key of `causalopt.STATUSES`.
        minimal: The sets of which no smaller candidate has the effect.
        idle: Supersets of these that add nothing.
    """

    op: float
    comp: float
    status: str
    minimal: tuple[tuple[str, ...], ...]
    idle: tuple[tuple[str, ...], ...]

    @property
    def is_idle(self) -> bool:
        """Whether it changes nothing at all, as the empty set does."""
        return self.comp == 1 or (abs(self.op) < 1e-12 and self.comp > 0)

    def __str__(self) -> str:
        sets = [_set_text(hold) for hold in self.minimal]
        if self.is_idle:
            return ", ".join(sets) + (" change nothing" if len(sets) > 1 else " changes nothing")
        return sets[0] if len(sets) == 1 else ", ".join(sets) + " are one conduit"

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON's types."""
        return {
            "minimal": [list(hold) for hold in self.minimal],
            "idle": [list(hold) for hold in self.idle],
            "op": plain_number(self.op),
            "comp": plain_number(self.comp),
            "status": self.status,
        }


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Optimizers(Plotted, Tabled, Sequence[Candidate]):
    """Sets A, the strongest optimizer of m against n first.

    Candidates whose Op is unresolved come after those whose Op is known, undefined ones last.

    Attributes:
        asked: The question, among numbers; its own set A plays no part.
        nudge: The node n as the user writes it.
        target: The node m likewise.
        parts: What sets are made of.
        ranked: The sets that were kept.
        search: What the ranking is worth.
        effects: What evaluates further sets.
    """

    asked: Asked
    nudge: str
    target: str
    parts: tuple[SetPart, ...]
    ranked: Ranked
    search: SearchRecord
    effects: SetEffects

    def __len__(self) -> int:
        return len(self.ranked.op)

    @overload
    def __getitem__(self, place: int) -> Candidate: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Candidate, ...]: ...
    def __getitem__(self, place: int | slice) -> Candidate | tuple[Candidate, ...]:
        """Return the candidate at a rank, from 0."""
        return self.candidates[place]

    def __iter__(self) -> Iterator[Candidate]:
        return iter(self.candidates)

    @functools.cached_property
    def candidates(self) -> tuple[Candidate, ...]:
        """The sets that were kept, the strongest first."""
        found = self.ranked
        rows = zip(
            as_tuples(found.sets.members),
            found.op.tolist(),
            found.comp.tolist(),
            NAMES[found.codes].tolist(),
            strict=True,
        )
        return tuple(
            Candidate(self._names(members), op, comp, status, self.step)
            for members, op, comp, status in rows
        )

    @functools.cached_property
    def groups(self) -> tuple[ConduitGroup, ...]:
        """The candidates in groups of one effect, the strongest first."""
        return tuple(map(self._group, ties_of(self.effects, self.ranked, NAMES.tolist())))

    @property
    def step(self) -> int:
        """The step of m."""
        return self.asked.steps

    @property
    def total(self) -> float:
        """The total effect of n on m; it may overflow."""
        return float(self.effects.total.total.value[-1])

    def over_time(self, *, count: int = 50, every: int | None = None) -> OptimizersOverTime:
        """Return Op of the best candidates, and of single parts, at every step.

        Args:
            count: How many of the best candidates are followed; up to 50 single parts are besides.
            every: From one step told to the next; such that about 1,000 are, when not given.
        """
        from causalopt.optimizers.optimizers_over_time import follow

        labels = [part.label for part in self.parts]
        return follow(self.asked, self.nudge, labels, self.ranked.sets, count, every)

    def selection(self, candidate: Candidate) -> Selection:
        """Return a candidate as nodes of the model of numbers."""
        nodes = {part.label: part.nodes for part in self.parts}
        return tuple(window for label in candidate.hold for window in nodes[label])

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON's types: infinities as "inf" and "-inf", undefined as None."""
        search = self.search
        return {
            "model": self.asked.model.name,
            "nudge": self.nudge,
            "target": self.target,
            "step": self.step,
            "total": plain_number(self.total),
            "parts": [part.label for part in self.parts],
            "search": search.kind,
            "how": search.how,
            "evaluated": search.evaluated,
            "sets": search.count,
            "bound": plain_number(search.bound),
            "left": search.left,
            "candidates": [candidate.to_dict() for candidate in self.candidates],
            "groups": [group.to_dict() for group in self.groups],
        }

    @property
    def dataset(self) -> xarray.Dataset:
        """The candidates with labelled axes `candidate` and `part`, and provenance."""
        return labelled(self)

    @property
    def provenance(self) -> dict[str, str]:
        """What made these numbers: model, settings and versions."""
        return self.asked.provenance_with(
            step=str(self.step),
            search=str(self.search),
            given="; ".join(repr(i) for i in self.asked.given),
            seed=str(self.asked.seed),
        )

    def rows(self, count: int | None = None) -> list[list[str]]:
        """Return the groups as texts: set, Op, Comp, share, status, idle supersets."""
        found = []
        for group in self.groups[:count]:
            share = 1.0 - 1.0 / group.comp if group.comp else -math.inf
            more = f"{len(group.idle)} superset{'s' * (len(group.idle) != 1)}" if group.idle else ""
            numbers = [f"{value:.6g}" for value in (group.op, group.comp, share)]
            found.append([str(group), *numbers, group.status, more])
        return found

    def __repr__(self) -> str:
        lines = [
            f"Op(A; {self.nudge}, {self.target}) in {self.asked.model.name}, "
            f"{len(self)} sets A of {len(self.parts)} parts"
        ]
        rows = self.rows(_SHOWN)
        wide = max((len(row[0]) for row in rows), default=0)
        for text, op, comp, share, status, more in rows:
            idle = f"  (+ {more} that add nothing)" if more else ""
            lines.append(
                f"  {text.ljust(wide)}  Op {op.rjust(10)}  Comp {comp.rjust(10)}  share "
                f"{share.rjust(10)}  {status}{idle}"
            )
        if len(self.groups) > _SHOWN:
            lines.append(f"  ... and {len(self.groups) - _SHOWN} more groups")
        met = {group.status for group in self.groups} - {"ok"}
        lines += [f"  {status}: {STATUSES[status]}" for status in STATUSES if status in met]
        return "\n".join([*lines, f"  {self.search}"])

    def _names(self, members: Sequence[int]) -> tuple[str, ...]:
        return tuple(self.parts[k].label for k in members)

    def _group(self, tie: ConduitTie) -> ConduitGroup:
        minimal, idle = (tuple(map(self._names, sets)) for sets in (tie.minimal, tie.idle))
        return ConduitGroup(tie.op, tie.comp, tie.status, minimal, idle)


@long_work("searching")
def find_optimizers(
    model: Model,
    *,
    nudge: Nudged | None = None,
    target: str | None = None,
    steps: int | None = None,
    at: int | None = None,
    given: Sequence[Intervention] = (),
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    size: int = 3,
    among: str | Sequence[str | Node | Window] | None = None,
    by: By | None = None,
    windows: int | Sequence[int] | None = None,
    candidates: Sequence[Selectors] | None = None,
    best: int = BEST,
    search: Method = "auto",
) -> Optimizers:
    """Rank sets A by Op: which part of the model optimizes m against n?

    All sets of up to `size` parts, where they are few enough; of more the best are found by sums of
    currents where no path crosses a set twice, by branch and bound where bounds close, and else by
    growing the best ones: `search` of the result says which, and what it is worth.

    Args:
        model: The model.
        nudge: The node n; the model's own when not given.
        target: The variable m.
        steps: The last step.
        at: The step at which m is measured; the last one when not given.
        given: Interventions that make the baseline.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's.
        seed: Which draws the noise variables make.
        progress: Called with (done, total, what), in per cent.
        size: The most parts of a set.
        among: What sets are made of, as selectors: variables, windows such as `a[t<=10]`, units and
            regions of arrays; all variables but n's and m's when not given.
        by: What a variable is divided into: `variable` leaves it whole, `unit` gives the elements
            of an array (a model with arrays is divided so when nothing is said), `node` its steps.
        windows: Into how many pieces the run is cut, or the steps of the cuts: parts are then all
            windows of a variable between two cuts.
        candidates: The sets themselves, a selector each; then nothing is searched.
        best: How many sets are kept.
        search: `all` sets, `sums` of currents, `bounds` (branch and bound), `grown` part by part;
            `auto` takes the first that is exact and fast enough.

    Returns:
        The candidates, the strongest optimizer first, with groups of those that are one conduit.

    Raises:
        QuestionError: A part of the question is missing, a candidate holds n or is empty, the
            measured step lies outside the run, candidates come with `among`, `by` or `windows`, or
            `sums` or `bounds` are asked for where shares do not add up or are not defined.

    Example:
        >>> from causalopt import load
        >>> found = find_optimizers(load("lorenz").replace(parameters={"rho": 0.8}))
        >>> [c.hold for c in found]
        [('c',), ('a', 'c'), ('a',)]
    """
    del progress  # long_work tells it
    model = model.replace(parameters=parameters, initial=initial)
    for name, count in (("size", size), ("best", best)):
        if count < 1:
            raise QuestionError(f"{name} must be at least 1, found {count}")
        if count != int(count):
            raise QuestionError(f"{name} must be a whole number, found {count}")
    for name, word, words in (("by", by, get_args(By)), ("search", search, get_args(Method))):
        if word is not None and word not in words:
            raise QuestionError(f"{name} is one of {', '.join(words)}, found {word!r}")
    reader, texts = read_question(
        model, nudge=nudge, target=target, steps=steps, at=at, given=given, seed=seed
    )
    parts = read_parts(reader, among, by, windows, candidates)
    if not parts:
        raise QuestionError(
            "there are no candidates: every part holds n or m; name others by among, or cut "
            "variables into windows"
        )
    if candidates is not None:
        size, search = 1, "all"
    return ranked_parts(reader, texts, parts, size=size, best=best, search=search)


def read_parts(
    reader: PartReader,
    among: Selectors | None,
    by: By | None,
    windows: int | Sequence[int] | None,
    candidates: Sequence[Selectors] | None,
) -> list[SetPart]:
    """Return what sets are made of, or the sets that are said.

    Raises:
        QuestionError: A part holds n, the list is empty, or it comes with what divides a model.
    """
    if candidates is None:
        return reader.parts(among, by, windows)
    search = {"among": among, "by": by, "windows": windows}
    if others := [name for name, value in search.items() if value is not None]:
        raise QuestionError(
            f"candidates are asked as they are, nothing is divided or cut: leave out "
            f"{' and '.join(others)}, or candidates"
        )
    if not candidates:
        raise QuestionError("there are no candidates: the list is empty")
    return list(dict.fromkeys(reader.part(text) for text in candidates))


def ranked_parts(
    reader: PartReader,
    texts: tuple[str, str],
    parts: Sequence[SetPart],
    *,
    size: int,
    best: int,
    search: Method = "auto",
) -> Optimizers:
    """Return the best unions of parts.

    Args:
        reader: The question.
        texts: The nodes n and m as the user writes them.
        parts: The parts.
        size: The most parts of a set.
        best: How many sets are kept.
        search: How they are searched.
    """
    asked = reader.asked
    effects = SetEffects(asked)
    sets = NodeSets.of_selections(asked.model, [part.nodes for part in parts], asked.steps)
    found = SetSearch(effects, sets, size, best)
    if why := found.refusal(search):
        raise QuestionError(f"{why}; take search 'auto'")
    ranked, record = found.run(search)
    return Optimizers(asked, *texts, tuple(parts), ranked, record, effects)


def read_question(
    model: Model, *, nudge: Nudged | None, target: str | None, **more: Any
) -> tuple[PartReader, tuple[str, str]]:
    """Return what reads the parts of a question, and n and m as the user writes them.

    Args:
        model: The model.
        nudge: The node n.
        target: The variable m.
        more: The rest, as for `ask_at`.
    """
    from causalopt.effects.asked import asked_node, asked_target, one_node_each

    model, nudge, target = one_node_each(model, nudge, target)
    node, measured = asked_node(model, nudge), asked_target(model, target)
    expanded, among = None, model
    at_numbers, to_numbers = node, measured
    if model.is_array:
        from causalopt.worlds.expand import Expanded  # few models have arrays

        expanded = Expanded.of(model, seed=more["seed"])
        among = expanded.model
        at_numbers = expanded.node(node)
        to_numbers = expanded.node(model.target(measured), "measured").variable
    asked = ask_at(among, nudge=at_numbers, hold=(), target=to_numbers, **more)
    m = dataclasses.replace(model.target(measured), t=asked.steps)
    reader = PartReader(model, expanded, asked, node, m)
    return reader, (model.node_text(node), model.node_text(m))


def _set_text(hold: Sequence[str]) -> str:
    return "{" + ", ".join(hold) + "}"
