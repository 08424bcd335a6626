"""Worlds: frozen assignments of values to all nodes of one graph.

W is the baseline, X the world in which one node of B was nudged, and Y the nudged world in which A
keeps its values from W.
"""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from causalopt.engine.contract import Floats, Plan, Trajectory
from causalopt.engine.executions import run_values, run_worlds
from causalopt.errors import QuestionError
from causalopt.language.term import Term
from causalopt.model.model import Model, refuse_for_numbers, run_length
from causalopt.model.selectors import Node, Selection, selection_text
from causalopt.results import Tabled, plot
from causalopt.work.progress import Progress, long_work
from causalopt.worlds.interventions import Intervention, Nudge, Replace, intervened, plan_for
from causalopt.worlds.replacement import replace

if TYPE_CHECKING:
    from causalopt.results import Places
    from causalopt.worlds.array_world import ArrayWorld


@dataclasses.dataclass(frozen=True, eq=False)
class World(Tabled):
    """One assignment of values to all nodes.

    Attributes:
        model: The model it is a world of.
        name: W, X, Y or the caller's name.
        interventions: What was done to the baseline, in order.
        begun: The plan before the last of them.
        moves: Those that are not in that plan.
        trajectory: Where it led.
    """

    model: Model
    name: str
    interventions: tuple[Intervention, ...]
    begun: Plan
    moves: tuple[Intervention, ...]
    trajectory: Trajectory

    @functools.cached_property
    def plan(self) -> Plan:
        """What was run."""
        return intervened(self.model, self.begun, *self.moves) if self.moves else self.begun

    @property
    def steps(self) -> int:
        """The last step."""
        return self.begun.steps

    @property
    def table(self) -> Floats:
        """Values of every equation, stages included, shape [t, equation]; read-only."""
        table = self.trajectory.values.view()
        table.flags.writeable = False
        return table

    def __getitem__(self, key: str | Node | tuple[str, int]) -> float | Floats:
        """Return a variable's values over t, or one node's value for a key such as `R[3]`.

        Raises:
            UnknownNameError: The variable is not declared.
        """
        template = self.model.template
        if isinstance(key, str) and "[" not in key:
            name = key if key in template.names else self.model.variable(key)
            return self.table[:, template.index[name]]
        node = self.model.node(key)
        if node.t > self.steps:
            raise QuestionError(f"{node.variable}[{node.t}] lies after the last step {self.steps}")
        return float(self.table[node.t, template.index[node.variable]])

    def plot(
        self,
        *others: World,
        ax: Places | None = None,
        figsize: tuple[float, float] | None = None,
        panels: str | Sequence[str] | None = None,
        theme: Literal["light", "dark"] | None = None,
    ) -> Any:
        """Return a figure of every variable over time, with other worlds of the model in it.

        Args:
            others: Further worlds of the model.
            ax: Your own axes; as of `causalopt.results.Plotted.plot`, as are the next three.
            figsize: The figure's width and height in inches.
            panels: Names of the panels that are drawn.
            theme: "light" or "dark".
        """
        where: dict[str, Any] = {"ax": ax, "figsize": figsize, "panels": panels, "theme": theme}
        return plot(self, *others, **where)

    def _ipython_key_completions_(self) -> list[str]:
        return list(self.model.variables)

    def __repr__(self) -> str:
        done = ", ".join(_short(i) for i in self.interventions) or "baseline"
        return f"World({self.name}: {self.model.name}, t = 0..{self.steps}, {done})"


def _short(intervention: Intervention) -> str:
    if isinstance(intervention, Replace):
        nodes = intervention.nodes
        text = nodes if isinstance(nodes, str) else selection_text(nodes)
        return f"replace {text} from {intervention.world.name}"
    return repr(intervention)


@long_work("running", direct=True)
def world(
    model: Model,
    *interventions: Intervention,
    steps: int | None = None,
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    name: str = "W",
    seed: int = 0,
    progress: Progress | None = None,
    data: Mapping[str, Any] | None = None,
    keep: Sequence[str] | None = None,
    execution: str | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: int | None = None,
) -> World | ArrayWorld:
    """Return the world a model takes under interventions, applied in order.

    Args:
        model: The model.
        interventions: None for the baseline.
        steps: The last step; the model's question says it when not given.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's.
        name: What to call the world.
        seed: Which draws the noise variables make; a replica has another seed.
        progress: Called with (done, total, what), in steps.
        data: In a model with arrays, variable without a rule -> its values, step first.
        keep: In a model with arrays, the variables whose courses are kept.
        execution: In a model with arrays, `numpy` or `jax`; by the work when not given.
        checkpoint: In a model with arrays, a file .npz that the run is written to now and then, and
            goes on from where there is one.
        checkpoint_every: After how many steps; ten times in the run when not given.

    Example:
        >>> model = Model(name="m", variables={"x": {"rule": "x[t-1]/2", "initial": 1}})
        >>> world(model, Nudge("x[1]", 1), steps=2)["x"].tolist()
        [1.0, 1.5, 0.75]
    """
    del progress  # long_work tells it
    if model.is_array:
        from causalopt.worlds.array_world import array_world, split_initial  # few models have any

        numbers, arrays = split_initial(initial)
        model = model.replace(parameters=parameters, initial=numbers)
        return array_world(
            model,
            interventions,
            steps=run_length(model, steps),
            name=name,
            seed=seed,
            data=data,
            initial=arrays,
            keep=keep,
            execution=execution,
            checkpoint=checkpoint,
            checkpoint_every=checkpoint_every,
        )
    refuse_for_numbers(data=data, keep=keep, execution=execution, checkpoint=checkpoint)
    return number_world(
        model.replace(parameters=parameters, initial=initial),
        interventions,
        steps=steps,
        name=name,
        seed=seed,
    )


def number_world(
    model: Model,
    interventions: tuple[Intervention, ...] = (),
    *,
    steps: int | None = None,
    name: str = "W",
    seed: int = 0,
) -> World:
    """Return the world of a model of numbers, as `world` does."""
    plan = plan_for(model, interventions, steps=run_length(model, steps), noise_seed=seed)
    return _followed(model, name, interventions, plan)


def three_worlds(
    model: Model,
    *,
    nudge: Node,
    hold: Selection,
    steps: int,
    delta: float,
    given: tuple[Intervention, ...] = (),
    seed: int = 0,
    extras: tuple[Term, ...] = (),
) -> tuple[World, World, World]:
    """Return W, X and Y for a finite nudge.

    Args:
        model: The model.
        nudge: The nudged node n.
        hold: The held set A.
        steps: The last step.
        delta: The nudge's size.
        given: Interventions that make W.
        seed: Which draws the noise variables make, the same in all three.
        extras: Further terms evaluated at every step of each.
    """
    plan = plan_for(model, given, steps=steps, hold=hold, seed=nudge, noise_seed=seed)
    return worlds_along(
        model, plan, nudge=nudge, hold=hold, delta=delta, given=given, extras=extras
    )


def worlds_along(
    model: Model,
    plan: Plan,
    *,
    nudge: Node,
    hold: Selection,
    delta: float,
    given: tuple[Intervention, ...] = (),
    extras: tuple[Term, ...] = (),
) -> tuple[World, World, World]:
    """Return W, X and Y for a finite nudge, where W's plan is known: as `three_worlds` does.

    Args:
        model: The model.
        plan: W's run.
        nudge: The nudged node n.
        hold: The held set A.
        delta: The nudge's size.
        given: Interventions that made the plan.
        extras: Further terms evaluated at every step of each.
    """
    how: Any = {"extras": extras}
    found = run_worlds(model.template.structure, plan, delta, extras)
    if found is not None:
        w = World(model, "W", given, plan, (), found[0])
        moves: tuple[Intervention, ...] = (Nudge(nudge, delta), Replace(hold, w))
        x = World(model, "X", (*given, *moves[:1]), plan, moves[:1], found[1])
        return w, x, World(model, "Y", (*given, *moves), plan, moves, found[2])
    w = _followed(model, "W", given, plan, **how)
    x = _after(w, Nudge(nudge, delta), name="X", **how)
    return w, x, replace(x, hold, w, name="Y", **how)


@replace.register
def _replace_nodes(
    x: World, nodes: str | Selection, source: World, *, name: str = "Y", **how: Any
) -> World:
    return _after(x, Replace(nodes, source), name=name, **how)


def _after(before: World, move: Intervention, *, name: str, **how: Any) -> World:
    """Return the world that a further intervention makes."""
    plan = intervened(before.model, before.plan, move)
    return _followed(before.model, name, (*before.interventions, move), plan, **how)


def _followed(
    model: Model,
    name: str,
    interventions: tuple[Intervention, ...],
    plan: Plan,
    *,
    extras: tuple[Term, ...] = (),
) -> World:
    trajectory = run_values(model.template.structure, plan, extras)
    return World(model, name, interventions, plan, (), trajectory)
