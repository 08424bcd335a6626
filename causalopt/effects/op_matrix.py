"""Op between many nodes: every source n, every target m."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.asked import asked_hold, nudge_is_held
from causalopt.effects.backward import effects_from_all
from causalopt.effects.limit import effects_to_all
from causalopt.effects.matrices import IN_NATS, end_node, entries
from causalopt.errors import QuestionError
from causalopt.extras import need
from causalopt.model.asked_words import Nudged, names_one_node
from causalopt.model.declaration import motion
from causalopt.model.model import Model
from causalopt.model.selectors import Node, Selection, is_plain, selection_text
from causalopt.results import Plotted, Tabled, plain
from causalopt.work.progress import Progress, long_work, through
from causalopt.worlds.interventions import Intervention, plan_for

if TYPE_CHECKING:
    import xarray

LARGEST = 4_000_000
# The effects of a source that lies after its target: none.
_ABSENT = {
    "total": 0.0,
    "direct": 0.0,
    "log_total": -np.inf,
    "log_direct": -np.inf,
    "comp": np.nan,
    "op": np.nan,
}
_SHOWN = 8  # rows and columns of a text


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class OpMatrix(Tabled, Plotted):
    """Op(A; n, m) for many n and m in one model.

    Attributes:
        model: The model.
        hold: The set A as the user writes it.
        dataset: `total`, `direct`, `log_total`, `log_direct`, `comp`, `op` (nats) and `status`,
            with the axes `source` and `target`.
    """

    model: Model
    hold: str
    dataset: xarray.Dataset

    @property
    def sources(self) -> list[str]:
        """The nodes n as the user writes them, in the order of the rows."""
        return [str(name) for name in self.dataset.source.values]

    @property
    def targets(self) -> list[str]:
        """The nodes m, in the order of the columns."""
        return [str(name) for name in self.dataset.target.values]

    @property
    def op(self) -> NDArray[np.float64]:
        """Op in nats, shape [source, target]; NaN where undefined."""
        found: NDArray[np.float64] = self.dataset.op.values
        return found

    @property
    def comp(self) -> NDArray[np.float64]:
        """Comp, likewise."""
        found: NDArray[np.float64] = self.dataset.comp.values
        return found

    @property
    def total(self) -> NDArray[np.float64]:
        """The derivative of m by n over all paths, likewise."""
        found: NDArray[np.float64] = self.dataset.total.values
        return found

    @property
    def direct(self) -> NDArray[np.float64]:
        """The same over the paths that avoid A."""
        found: NDArray[np.float64] = self.dataset.direct.values
        return found

    @property
    def status(self) -> NDArray[np.object_]:
        """What each entry's numbers mean: keys of `causalopt.STATUSES`."""
        found: NDArray[np.object_] = self.dataset.status.values
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return the matrix as JSON's types, row by row."""
        numbers = {
            name: [plain(row) for row in self.dataset[name].values]
            for name in ("op", "comp", "total", "direct")
        }
        return {
            "model": self.model.name,
            "hold": self.hold,
            "source": self.sources,
            "target": self.targets,
            **numbers,
            "status": self.status.tolist(),
        }

    def __str__(self) -> str:
        return repr(self)

    def __repr__(self) -> str:
        rows, columns = len(self.sources), len(self.targets)
        head = f"Op({self.hold}; n, m) in {self.model.name}: {rows} n, {columns} m, nats"
        cells = [["n \\ m", *self.targets[:_SHOWN]]]
        for k, name in enumerate(self.sources[:_SHOWN]):
            pairs = zip(self.op[k, :_SHOWN].tolist(), self.status[k, :_SHOWN], strict=True)
            cells.append([name, *(_cell(op, status) for op, status in pairs)])
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = []
        for name, *row in cells:
            padded = (text.rjust(w) for text, w in zip(row, widths[1:], strict=True))
            lines.append("  ".join([name.ljust(widths[0]), *padded]))
        if rows > _SHOWN or columns > _SHOWN:
            lines.append(f"and {rows * columns - min(rows, _SHOWN) * min(columns, _SHOWN)} more")
        return "\n".join([head, *(f"  {line}" for line in lines)])


def _cell(op: float, status: str) -> str:
    """Return an entry as text: its Op, or the status that says why there is none."""
    return status if op != op else f"{op:.4g}"


@long_work("running")
def op_matrix(
    model: Model,
    *,
    sources: Sequence[Nudged] | None = None,
    targets: Sequence[str | Node] | None = None,
    hold: str | Sequence[str | Node] | None = None,
    steps: int | None = None,
    given: Sequence[Intervention] = (),
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> OpMatrix:
    """Measure Op(A; n, m) between nodes: every source n, every target m.

    Args:
        model: The model.
        sources: Nodes n, such as `["R[0]", "R[5]"]`, or spans and parameters as `run` nudges them;
            every variable at t = 0, or where the flows' history ends, when not given.
        targets: Nodes m, or variables and expressions at the last step; every variable when not
            given.
        hold: The set A.
        steps: The last step; the question's when not given.
        given: Interventions that make the baseline.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's.
        seed: Which draws noise makes, and in a model with arrays initial laws.
        progress: Called with (done, total, what), in nodes.

    Returns:
        The matrix. A source in A has the status `held`, one after its target `no_influence`; the
        direction of the sweep changes nothing.

    Raises:
        QuestionError: The question cannot be asked of this model, or has too many entries.

    Example:
        >>> from causalopt import load
        >>> op_matrix(load("thermostat"), sources=["R[0]"], targets=["R[10]"]).op.round(6)
        array([[0.091277]])
    """
    del progress  # long_work tells it
    need("xarray")
    model = model.replace(parameters=parameters, initial=initial)
    if model.is_array:
        model, sources, targets, hold = _among_numbers(model, sources, targets, hold, seed)
    model, rows, columns = _ends(model, sources, targets, steps)
    selection = asked_hold(model, hold, steps=max(node.t for node in columns), given=given)
    tables, execution = _filled(model, rows, columns, selection, tuple(given), seed)
    return OpMatrix(
        model,
        selection_text(selection),
        _labelled(model, rows, columns, selection, tables, execution),
    )


def _among_numbers(
    model: Model,
    sources: Sequence[Any] | None,
    targets: Sequence[str | Node] | None,
    hold: str | Sequence[str | Node] | None,
    seed: int,
) -> tuple[Model, Sequence[Any], Sequence[str | Node], list[str] | None]:
    """Return a model with arrays written out, and the question among its elements."""
    from causalopt.worlds.expand import Expanded  # few models have arrays

    if sources is None or targets is None:
        raise QuestionError(
            "in a model with arrays a matrix is between the nodes you name: say sources and targets"
        )
    expanded = Expanded.of(model, seed=seed)
    rows = [expanded.node(model.node(node)) for node in sources]
    columns = [expanded.node(model.node(node), "measured") for node in targets]
    said = hold if hold is not None else model.question.hold
    if said is None or is_plain(said):
        held = expanded.hold(hold) or ()
    else:
        length = max((node.t for node in columns), default=0)
        held = expanded.selection(asked_hold(model, said, steps=length))
    return expanded.model, rows, columns, [str(window) for window in held] or None


def _ends(
    model: Model,
    sources: Sequence[Nudged] | None,
    targets: Sequence[str | Node] | None,
    steps: int | None,
) -> tuple[Model, list[Node], list[Node]]:
    """Return the nodes n and m, and a model in which each is one node."""
    own = [name for name in model.variables if name not in model.asked_variables]
    begin = _first_step(model)
    rows = [Node(name, begin) for name in own] if sources is None else list(sources)
    columns = own if targets is None else list(targets)
    if not rows or not columns:
        raise QuestionError("a matrix needs at least one source and one target")
    if len(rows) * len(columns) > LARGEST:
        raise QuestionError(f"a matrix has at most {LARGEST} entries: ask for fewer nodes")
    said_rows: list[str | Node] = []
    said_columns: list[str | Node] = []
    for nudge in rows:
        model, said, _ = model.asking(nudge)
        said_rows.append(said if said is not None else "")
    for target in columns:
        if isinstance(target, str) and not names_one_node(target, static=model.is_static):
            model, _, measured = model.asking(target=target)
            said_columns.append(measured or target)
        else:
            said_columns.append(target)
    return (
        model,
        [model.node(said) for said in said_rows],
        [end_node(model, said, steps) for said in said_columns],
    )


def _first_step(model: Model) -> int:
    """Return the step from which flows are integrated: what is nudged before is lost on them."""
    equations, index = model.template.equations, model.template.index
    flows = [name for name, variable in model.variables.items() if motion(variable) == "flow"]
    return max((len(equations[index[name]].initial) - 1 for name in flows), default=0)


def _filled(
    model: Model,
    rows: list[Node],
    columns: list[Node],
    selection: Selection,
    given: tuple[Intervention, ...],
    noise_seed: int,
) -> tuple[dict[str, NDArray[Any]], Iterable[str]]:
    """Return what is said of each entry, by name, and what ran it."""
    backwards = len(set(columns)) < len(set(rows))
    many = 4 * len(columns if backwards else rows)  # each has up to three twins
    shape, last = (len(rows), len(columns)), max(node.t for node in columns)
    tables: dict[str, NDArray[Any]] = {name: np.full(shape, fill) for name, fill in _ABSENT.items()}
    tables["status"] = np.full(shape, "no_influence", dtype=object)
    plan = plan_for(model, given, steps=last, hold=selection, noise_seed=noise_seed)
    execution: dict[str, None] = {}
    others = rows if backwards else columns
    steps = np.array([node.t for node in others])
    places = np.array([model.template.names.index(node.variable) for node in others])
    in_a = [k for k, node in enumerate(rows) if nudge_is_held(model, node, selection)]
    for k, node in enumerate(through(columns if backwards else rows)):
        if backwards:
            ending = plan_for(model, given, steps=node.t, hold=selection, noise_seed=noise_seed)
            effect = effects_from_all(model, ending, node.variable, repeats=many)
            at = np.flatnonzero(steps <= node.t)
        elif k in in_a or node.t > last:
            continue
        else:
            model.check_nudge(node, selection, last)
            seed = node.t, model.template.index[node.variable]
            effect = effects_to_all(model, dataclasses.replace(plan, seed=seed), repeats=many)
            at = np.arange(len(columns))
        execution[effect.execution] = None
        for name, values in entries(effect.at((steps[at], places[at]))).items():
            line = tables[name][:, k] if backwards else tables[name][k]
            line[at] = values
    for name, table in tables.items():
        table[in_a] = "held" if name == "status" else np.nan
    return tables, execution


def _labelled(
    model: Model,
    rows: list[Node],
    columns: list[Node],
    selection: Selection,
    tables: dict[str, NDArray[Any]],
    execution: Iterable[str],
) -> xarray.Dataset:
    need("xarray")
    import xarray

    return xarray.Dataset(
        {
            name: (("source", "target"), table, {"units": "nat"} if name in IN_NATS else {})
            for name, table in tables.items()
        },
        coords={
            "source": [model.node_text(n) for n in rows],
            "target": [model.node_text(n) for n in columns],
        },
        attrs={
            "model": model.name,
            "hold": selection_text(selection),
            "execution": ", ".join(execution),
        },
    )
