"""The derivative along every drawn edge: that of a child's own rule by one parent, along W."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from typing import Literal

from causalopt.drawing.graph.layout import Link
from causalopt.engine.contract import Floats, Plan
from causalopt.engine.linearization import Gap, linearize
from causalopt.errors import QuestionError
from causalopt.language.term import Term, evaluate
from causalopt.model.model import Model
from causalopt.model.selectors import Node
from causalopt.model.template import Template, leaf_name
from causalopt.worlds.world import number_world

Status = Literal["ok", "zero", "kink", "nonfinite", "whole"]


@dataclasses.dataclass(frozen=True)
class Slope:
    """dv/du along an edge u -> v.

    Attributes:
        value: The derivative; NaN where there is none.
        status: `ok`; `zero`; `kink` where the rule bends or jumps at just these values, so that
            the derivative is one side's; `nonfinite`; `whole` where u or v are whole numbers, which
            have none.
    """

    value: float
    status: Status

    @property
    def words(self) -> str:
        """It in words."""
        said = {
            "ok": "",
            "zero": ", none at these values",
            "kink": ", on a kink: one side's",
            "nonfinite": ", not finite",
            "whole": "none: whole numbers have no derivative",
        }[self.status]
        return said if self.status == "whole" else f"{self.value:.4g}{said}"


@dataclasses.dataclass(frozen=True, eq=False)
class Slopes:
    """The derivatives along drawn edges, and the sizes between which they lie.

    Attributes:
        of: Link -> derivative.
        largest: The largest size of those that are finite and not 0; 0 where there is none.
        smallest: The smallest.
    """

    of: Mapping[Link, Slope]
    largest: float
    smallest: float


def local_slopes(model: Model, links: Iterable[Link], *, steps: int) -> Slopes:
    """Return dv/du for edges of a model unrolled over `steps`, along its baseline W.

    An integrator's stages are gone through: the derivative of a step's end by its beginning.

    Args:
        model: A model of numbers.
        links: The edges.
        steps: The last step.

    Raises:
        QuestionError: The model is one of arrays or labels, which have no single derivative.
    """
    _refuse_others(model)
    baseline = number_world(model, steps=steps)
    table = _Table(model.template, baseline.plan, baseline.table)
    found = {link: table.slope(link.source, link.target) for link in links}
    sizes = [abs(s.value) for s in found.values() if s.value and math.isfinite(s.value)]
    return Slopes(found, max(sizes, default=0.0), min(sizes, default=0.0))


def _refuse_others(model: Model) -> None:
    if model.is_array:
        raise QuestionError(
            f"an edge of '{model.name}' joins arrays, and its derivative is a matrix: leave "
            "--slopes out (slopes=True in Python); its .html picture opens a layer with its "
            "derivatives, or draw causalopt.expand(model), element by element"
        )
    variables = model.variables.items()
    labelled = [name for name, v in variables if v.domain and not all(map(_is_number, v.domain))]
    if labelled:
        raise QuestionError(
            f"'{labelled[0]}' in '{model.name}' has labels, and labels have no derivative: leave "
            "--slopes out (slopes=True in Python)"
        )


def _is_number(label: int | float | str) -> bool:
    try:
        float(label)
    except ValueError:
        return False
    return True


class _Table:
    """W's values and the derivatives of its rules, asked for node by node."""

    def __init__(self, template: Template, plan: Plan, values: Floats) -> None:
        structure = template.structure
        self._template, self._values = template, values
        names = zip(structure.parameters, plan.parameters.tolist(), strict=True)
        self._parameters = dict(names)
        linear = linearize(structure)
        self._gaps: dict[int, list[Gap]] = {}
        owners = [equation.owner for equation in template.equations]
        for gap in linear.moving_gaps:
            self._gaps.setdefault(template.index[owners[gap.child]], []).append(gap)
        self._partials = linear.partials
        self._stages = {i for i, name in enumerate(structure.names) if owners[i] != name}
        self._rows: dict[int, dict[int, float]] = {}

    def slope(self, parent: Node, child: Node) -> Slope:
        """Return the derivative along one edge."""
        place = self._template.index
        i, j, t = place[parent.variable], place[child.variable], child.t
        equations = self._template.equations
        if equations[i].is_integer or equations[j].is_integer:
            return Slope(math.nan, "whole")
        value = self._through(i, j, t, t - parent.t)
        if not math.isfinite(value):
            return Slope(value, "nonfinite")
        if self._on_kink(j, t):
            return Slope(value, "kink")
        return Slope(value, "ok" if value else "zero")

    def _through(self, parent: int, child: int, t: int, lag: int) -> float:
        """Sum the products over the ways through the stages of one step."""
        moved: dict[int, float] = {}
        for k, partial in enumerate(self._partials):
            is_edge = partial.parent == parent and partial.lag == lag
            is_inner = (
                partial.parent in self._stages and partial.parent in moved and not partial.lag
            )
            if not is_edge and not is_inner:
                continue
            factor = moved[partial.parent] if is_inner else 1.0
            local = self._local(k, partial.term, t)
            product = 0.0 if local == 0 or factor == 0 else local * factor
            moved[partial.child] = moved.get(partial.child, 0.0) + product
        return moved.get(child, 0.0)

    def _local(self, k: int, term: Term, t: int) -> float:
        row = self._rows.setdefault(t, {})
        if k not in row:
            row[k] = float(evaluate(term, lambda leaf: self._leaf(leaf, t)))
        return row[k]

    def _leaf(self, term: Term, t: int) -> float:
        if isinstance(term.payload, tuple):
            name, lag = term.payload
            return (
                float(self._values[t - lag, self._template.index[name]]) if lag <= t else math.nan
            )
        if term.op == "t":
            return float(t)
        return float(self._parameters[leaf_name(term)])

    def _on_kink(self, child: int, t: int) -> bool:
        """Whether one of a child's rules, its stages' among them, bends or jumps here."""
        return any(self._is_met(gap, t) for gap in self._gaps.get(child, ()))

    def _is_met(self, gap: Gap, t: int) -> bool:
        def value(term: Term) -> float:
            return float(evaluate(term, lambda leaf: self._leaf(leaf, t)))

        kink = gap.kink
        is_asked = kink.guard is None or bool(value(kink.guard))
        return is_asked and value(kink.left) == value(kink.right)
