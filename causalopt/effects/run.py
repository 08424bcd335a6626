"""The run: the worlds of one question, with Comp, Op and status at every step."""

from __future__ import annotations

import dataclasses
import functools
import math
import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.effects.effect import Effect
from causalopt.effects.finite import finite_effect
from causalopt.effects.limit import tangent_effect
from causalopt.effects.measures import STATUSES, Measures, measure
from causalopt.engine.plan import Floats
from causalopt.engine.python import Progress
from causalopt.errors import QuestionError, UnknownNameError
from causalopt.model.length import run_length
from causalopt.model.model import Model
from causalopt.model.selectors import Node, Selection
from causalopt.model.template import unknown_name
from causalopt.worlds.interventions import Intervention, plan_for
from causalopt.worlds.results import labelled, plot

if TYPE_CHECKING:
    import matplotlib.figure
    import xarray


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Run:
    """Who optimizes what, and by how much, along one trajectory.

    Attributes:
        model: The model.
        nudge: The nudged node n.
        hold: The held set A.
        target: The measured variable m.
        steps: The last step.
        delta: The nudge's size, None for the limit delta -> 0.
        given: Interventions that make the baseline.
        seed: Which draws the noise variables made.
        t: Time units, shape [t].
        W: Variable -> its values in the baseline, shape [t] each.
        X: The same in the nudged world; None in the limit.
        Y: The same in the nudged world with A from W; None in the limit.
        effect: Total and direct effect of n on m.
        measures: Comp, Op and status.
    """

    model: Model
    nudge: Node
    hold: Selection
    target: str
    steps: int
    delta: float | None
    given: tuple[Intervention, ...]
    seed: int
    t: Floats
    W: dict[str, Floats]
    X: dict[str, Floats] | None
    Y: dict[str, Floats] | None
    effect: Effect
    measures: Measures

    @property
    def total(self) -> Floats:
        """The derivative of m by n over all paths, shape [t]."""
        return self.effect.total.value

    @property
    def direct(self) -> Floats:
        """The derivative of m by n over the paths that avoid A, shape [t]."""
        return self.effect.direct.value

    @property
    def comp(self) -> Floats:
        """Comp = total / direct, shape [t]; NaN where undefined."""
        return self.measures.comp

    @property
    def op(self) -> Floats:
        """Op = -ln |Comp| in nats, shape [t]; NaN where undefined."""
        return self.measures.op

    @property
    def status(self) -> np.ndarray:
        """What each step's numbers mean: keys of `causalopt.STATUSES`, shape [t]."""
        return self.measures.status

    @property
    def node_name(self) -> str:
        """The nudged node as the user writes it."""
        return node_text(self.model, self.nudge)

    @property
    def hold_name(self) -> str:
        """The held set as the user writes it."""
        return ", ".join(str(window) for window in self.hold)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON's types: infinities as "inf" and "-inf", undefined as None."""
        result: dict[str, Any] = {
            "model": self.model.name,
            "nudge": self.node_name,
            "hold": self.hold_name,
            "target": self.target,
            "steps": self.steps,
            "delta": self.delta,
            "t": plain(self.t),
            "W": {name: plain(values) for name, values in self.W.items()},
            "total": plain(self.total),
            "direct": plain(self.direct),
            "comp": plain(self.comp),
            "op": plain(self.op),
            "status": self.status.tolist(),
        }
        for name, world in (("X", self.X), ("Y", self.Y)):
            if world is not None:
                result[name] = {variable: plain(values) for variable, values in world.items()}
        return result

    @functools.cached_property
    def dataset(self) -> xarray.Dataset:
        """The result with labelled axes `world`, `variable` and `t`, and its provenance."""
        return labelled(self)

    def to_netcdf(self, path: str | os.PathLike[str]) -> None:
        """Write the dataset to a NetCDF file, whole or not at all.

        Raises:
            FileError: The file cannot be written.
        """
        from causalopt.effects.netcdf import write_netcdf

        write_netcdf(self.dataset, path)

    def plot(self) -> matplotlib.figure.Figure:
        """Return a figure of W, X and Y, of x - w and y - w, and of Op with its status."""
        return plot(self)

    @property
    def provenance(self) -> dict[str, str]:
        """What made these numbers: model, settings and versions."""
        return {
            "model": self.model.name,
            "model_hash": self.model.fingerprint,
            "source": self.model.source,
            "nudge": self.node_name,
            "hold": self.hold_name,
            "target": self.target,
            "delta": "limit" if self.delta is None else repr(self.delta),
            "execution": self.effect.execution,
            "given": "; ".join(repr(i) for i in self.given),
            "seed": str(self.seed),
            "causalopt": version("causalopt"),
            "numpy": np.__version__,
            "python": platform.python_version(),
        }

    def __repr__(self) -> str:
        last = self.steps
        op, status = self.op[last], self.status[last]
        size = "delta -> 0" if self.delta is None else f"delta = {self.delta:g}"
        head = f"Op({self.hold_name}; {self.node_name}, {self.target}) in {self.model.name}, {size}"
        lines = [head, f"  t = {self.t[last]:g}: " + _sentence(op, self.comp[last], status)]
        others = [s for s in STATUSES if s not in {"ok", status} and (self.status == s).any()]
        lines += [
            f"  {s} at {np.count_nonzero(self.status == s)} of {last + 1} steps: {STATUSES[s]}"
            for s in others
        ]
        if self.effect.nonfinite is not None:
            name, t = self.effect.nonfinite
            lines.append(f"  first non-finite value: {node_text(self.model, Node(name, t))}")
        return "\n".join(lines)


def _sentence(op: float, comp: float, status: str) -> str:
    text = f"Op = {op:.6g} nats (Comp = {comp:.6g}), status {status}"
    if status == "ok":
        if op == 0:
            return text + ": A changes nothing"
        verb = "leaves" if op > 0 else "makes"
        return text + f": A {verb} {abs(comp):.4g} times the disturbance that reaches m without it"
    return text + f": {STATUSES[status]}"


def node_text(model: Model, node: Node) -> str:
    """Return a node as the user writes it: `R[0]`, or `z` in a model without time."""
    return node.variable if model.is_static else f"{node.variable}[{node.t}]"


def plain(values: Floats) -> list[float | str | None]:
    """Return an array as JSON's types: infinities as "inf" and "-inf", NaN as None."""
    return [plain_number(value) for value in values.tolist()]


def plain_number(value: float) -> float | str | None:
    """Return one number as JSON's types."""
    if math.isfinite(value):
        return value
    return None if value != value else "inf" if value > 0 else "-inf"


def run(
    model: Model,
    *,
    nudge: str | Node | None = None,
    hold: str | Sequence[str | Node] | None = None,
    target: str | None = None,
    steps: int | None = None,
    delta: float | None = None,
    given: Sequence[Intervention] = (),
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Run:
    """Measure Comp(A; n, m) and Op(A; n, m) at every step.

    Comp = (x^m - w^m) / (y^m - w^m): X is the world in which n is nudged, Y the one in which A
    keeps its values from the baseline W besides. Op = -ln |Comp|, in nats.

    Args:
        model: The model; its question gives what is not given here.
        nudge: The node n, such as `R[0]`; it is made in B.
        hold: The set A, such as `a`, `a[t<=10]`, `A` (the partition's) or several of them.
        target: The variable m.
        steps: The last step.
        delta: The nudge's size; the limit delta -> 0, by exact tangents, when not given.
        given: Interventions that make the baseline W itself.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's.
        seed: Which draws the noise variables make, the same in W, X and Y.
        progress: Called with the number of steps done, now and then.

    Returns:
        The run; its `status` says at each step what the numbers mean.

    Raises:
        QuestionError: The question cannot be asked of this model.
        UnknownNameError: It names a variable that the model does not declare.

    Example:
        >>> from causalopt import load
        >>> run(load("thermostat"), steps=100).op[-1].round(6).item()
        1.005085
    """
    model = model.replace(parameters=parameters, initial=initial)
    question = ask(model, nudge=nudge, hold=hold, target=target, steps=steps)
    plan = plan_for(
        model,
        tuple(given),
        steps=question.steps,
        hold=question.hold,
        seed=question.nudge,
        noise_seed=seed,
    )
    template = model.template
    if delta is None:
        effect, tangents = tangent_effect(model, plan, question.target, progress=progress)
        tables: tuple[Floats, ...] = (tangents.values,)
    else:
        if not math.isfinite(delta) or delta == 0:
            raise QuestionError(f"delta must be a finite number other than 0, found {delta}")
        effect, tables = finite_effect(model, plan, question.target, delta, progress=progress)
    check_integers(model, tables[0])
    worlds = [{name: table[:, template.index[name]] for name in template.names} for table in tables]
    return Run(
        model=model,
        nudge=question.nudge,
        hold=question.hold,
        target=question.target,
        steps=question.steps,
        delta=delta,
        given=tuple(given),
        seed=seed,
        t=np.arange(question.steps + 1, dtype=np.float64) * float(template.dt),
        W=worlds[0],
        X=worlds[1] if len(worlds) > 1 else None,
        Y=worlds[2] if len(worlds) > 1 else None,
        effect=effect,
        measures=measure(effect),
    )


@dataclasses.dataclass(frozen=True)
class Asked:
    """A question with nothing left open: n, A, m and the number of steps."""

    nudge: Node
    hold: Selection
    target: str
    steps: int


def ask(
    model: Model,
    *,
    nudge: str | Node | None = None,
    hold: str | Sequence[str | Node] | None = None,
    target: str | None = None,
    steps: int | None = None,
) -> Asked:
    """Return the question in full: what the caller says, else the model's own.

    Raises:
        QuestionError: A part is said nowhere, or n lies in A.
        UnknownNameError: A variable is not declared.
    """
    default = model.question
    n = _required(
        nudge if nudge is not None else default.nudge,
        "which node is nudged",
        "nudge",
        "z" if model.is_static else "R[0]",
    )
    selection = _required(model.held_set(hold), "which nodes are held (the set A)", "hold", "a")
    m = _required(
        target if target is not None else default.target,
        "which variable is measured",
        "target",
        "R",
    )
    node = model.node(n)
    if m not in model.variables:
        raise UnknownNameError(unknown_name(m, model.template))
    length = run_length(model, steps)
    inside = [window for window in selection if node in window]
    if inside:
        raise QuestionError(
            f"the nudged node {node_text(model, node)} is in the held set ({inside[0]}): the nudge "
            "is made in B; nudge another node, or hold a set without it"
        )
    late = [window for window in selection if window.first > length]
    if late:
        raise QuestionError(f"the held nodes {late[0]} lie after the last step {length}")
    if node.t > length:
        raise QuestionError(
            f"the nudged node {node_text(model, node)} lies after the last step {length}"
        )
    return Asked(node, selection, m, length)


def _required(value: Any, what: str, option: str, example: str) -> Any:
    if value is None:
        raise QuestionError(
            f'{what}? say --{option} {example} ({option}="{example}" in Python), '
            "or give the model a question"
        )
    return value


def check_integers(model: Model, table: Floats) -> None:
    """Refuse a run in which an integer variable took a value that is not whole.

    Raises:
        QuestionError: With the node and the value.
    """
    for i, equation in enumerate(model.template.equations):
        if not equation.is_integer:
            continue
        values = table[:, i]
        bad = np.flatnonzero(np.isfinite(values) & (values != np.floor(values)))
        if len(bad):
            t = int(bad[0])
            raise QuestionError(
                f"the integer variable '{equation.name}' took the value {values[t]:g} at t = {t}: "
                "wrap its rule in floor(...), or declare it real"
            )
