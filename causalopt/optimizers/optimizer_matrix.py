"""The best set A for each of many n and m."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.errors import QuestionError
from causalopt.model.model import Model
from causalopt.model.selectors import Node, Window, is_plain, overlap, selection_text
from causalopt.optimizers.optimizers import Optimizers, ranked_parts, read_parts, read_question
from causalopt.optimizers.set_parts import By, PartReader, Selectors
from causalopt.results import Plotted, Tabled, labelled
from causalopt.work.progress import Progress, long_work, through
from causalopt.worlds.interventions import Intervention

if TYPE_CHECKING:
    import xarray

    from causalopt.engine.contract import Floats


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class OptimizerMatrix(Plotted, Tabled):
    """For every n and m the candidates, best first.

    Attributes:
        model: The model.
        sources: The nodes n as the user writes them.
        targets: The nodes m likewise.
        found: The candidates of each pair, [source][target]; None where n lies after m, is m, or
            leaves no candidate.
    """

    model: Model
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    found: tuple[tuple[Optimizers | None, ...], ...]

    @property
    def op(self) -> Floats:
        """The best set's Op in nats, shape [source, target]; NaN where there is none."""
        return np.array([[f[0].op if f else np.nan for f in row] for row in self.found])

    @property
    def best(self) -> list[list[str]]:
        """The best set of each pair as text, [source][target]; empty where there is none."""
        return [[_best(f) for f in row] for row in self.found]

    @property
    def status(self) -> list[list[str]]:
        """Its status, a key of `causalopt.STATUSES`."""
        return [[f[0].status if f else "no_influence" for f in row] for row in self.found]

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON's types."""
        rows = [[f[0].to_dict() if f else None for f in row] for row in self.found]
        kinds = [[f.search.kind if f else None for f in row] for row in self.found]
        return {
            "model": self.model.name,
            "sources": list(self.sources),
            "targets": list(self.targets),
            "best": rows,
            "search": kinds,
        }

    @property
    def dataset(self) -> xarray.Dataset:
        """Best set, Op, status and kind of search with axes `source` and `target`."""
        return labelled(self)

    @property
    def provenance(self) -> dict[str, str]:
        """What made these numbers: model, settings and versions."""
        known = [f for row in self.found for f in row if f]
        if not known:
            return {"model": self.model.name, "model_hash": self.model.fingerprint}
        return {k: v for k, v in known[0].provenance.items() if k not in {"nudge", "target"}}

    def __repr__(self) -> str:
        lines = [f"the best set A of {self.model.name}, rows n, columns m"]
        cells = [["", *self.targets]]
        for source, row in zip(self.sources, self.found, strict=True):
            cells.append([source, *(f"{_best(f)} {f[0].op:.4g}" if f else "-" for f in row)])
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        for row_ in cells:
            texts = [text.ljust(width) for text, width in zip(row_, widths, strict=True)]
            lines.append("  " + "  ".join(texts).rstrip())
        return "\n".join(lines)


def _best(found: Optimizers | None) -> str:
    return str(found[0]) if found else ""


@long_work("searching")
def optimizer_matrix(
    model: Model,
    *,
    sources: Sequence[str | Node],
    targets: Sequence[str | Node],
    given: Sequence[Intervention] = (),
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    size: int = 2,
    among: str | Sequence[str | Node | Window] | None = None,
    by: By | None = None,
    windows: int | Sequence[int] | None = None,
    candidates: Sequence[Selectors] | None = None,
    best: int = 20,
) -> OptimizerMatrix:
    """Find the best set A for each of many n and m.

    Args:
        model: The model.
        sources: The nodes n, such as `R[0]`.
        targets: The nodes m, such as `R[100]`.
        given: Interventions that make the baseline.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's.
        seed: Which draws the noise variables make.
        progress: Called with (done, total, what), in pairs of n and m.
        size: The most parts of a set.
        among: What sets are made of, as for `find_optimizers`; a part that holds n or m is left out
            for that pair.
        by: What a variable is divided into, likewise.
        windows: The windows that variables are cut into, likewise.
        candidates: The sets themselves; those that hold n or m are left out for that pair.
        best: How many sets are kept for each pair.

    Raises:
        QuestionError: There is no source or target, or the question cannot be asked.

    Example:
        >>> from causalopt import load
        >>> found = optimizer_matrix(load("lorenz"), sources=["a[0]", "b[0]"],
        ...     targets=["b[60]", "c[60]"], size=1)
        >>> found.best
        [['{c}', '{b}'], ['{c}', '{a}']]
    """
    del progress  # long_work tells it
    model = model.replace(parameters=parameters, initial=initial)
    if not sources or not targets:
        raise QuestionError("a matrix needs at least one source and one target")
    for name, nodes in (("sources", sources), ("targets", targets)):
        if isinstance(nodes, str):
            raise QuestionError(f"{name} is a list of nodes, such as [{nodes!r}], found a text")
    starts = [model.node(node) for node in sources]
    ends = [model.node(node) for node in targets]

    def pair(n: Node, m: Node) -> Optimizers | None:
        if n.t > m.t or n == m:
            return None
        reader, texts = read_question(
            model,
            nudge=n,
            target=_target_text(model, m),
            steps=None if model.is_static else m.t,
            at=None,
            given=given,
            seed=seed,
        )
        sets = {"among": among, "candidates": candidates}
        left = {key: _without(reader, sets[key]) for key in sets}
        if any(found == [] and sets[key] is not None for key, found in left.items()):
            return None
        parts = read_parts(reader, left["among"], by, windows, left["candidates"])
        if not parts:
            return None
        most = size if candidates is None else 1
        return ranked_parts(reader, texts, parts, size=most, best=best)

    pairs = iter([pair(n, m) for n, m in through([*itertools.product(starts, ends)])])
    found = tuple(tuple(next(pairs) for _ in ends) for _ in starts)
    texts = [tuple(map(model.node_text, nodes)) for nodes in (starts, ends)]
    return OptimizerMatrix(model, texts[0], texts[1], found)


def _target_text(model: Model, node: Node) -> str:
    """Return a node without its step, as a target is written."""
    window = Window(node.variable, elements=node.elements)
    return selection_text((window,), model.named_shapes)


def _without(reader: PartReader, sets: Any) -> list[Any] | None:
    """Return those of some sets that hold neither n nor m."""
    if sets is None:
        return None
    is_split = isinstance(sets, str) and is_plain(sets)
    items: list[Any] = list(reader.selection(sets)) if is_split else list(sets)
    items = [sets] if isinstance(sets, str) and not is_split else items

    def holds(item: Any) -> bool:
        windows = reader.selection([item] if isinstance(item, Node | Window) else item)
        ends = reader.nudge, reader.target
        return any(end in window and overlap(end, window) for window in windows for end in ends)

    return [item for item in items if not holds(item)]
