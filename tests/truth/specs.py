"""Models of the oracle: what is drawn at random, and the model file that says the same."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import Literal

from tests.truth.expressions import Tree, written

Kind = Literal["rule", "flow", "algebraic", "data", "noise"]


@dataclasses.dataclass(frozen=True)
class VariableSpec:
    """One variable.

    Attributes:
        name: Its name.
        kind: What its expression means; `data` and `noise` have none.
        expression: The rule, the time derivative, or the value at every instant.
        initial: Its values at t = 0, 1, ...; all of them for data.
        sampled: Whether a flow may read this rule under a method of higher order.
    """

    name: str
    kind: Kind
    expression: Tree | None
    initial: tuple[Fraction, ...] = ()
    sampled: bool = False


@dataclasses.dataclass(frozen=True)
class Spec:
    """A model with a question.

    Attributes:
        variables: In an order in which each follows its same-step parents.
        parameters: Name -> value.
        nudge: The nudged variable and step.
        hold: Held variable -> the last step it is held at, None for all.
        target: The measured variable.
        steps: The last step; 0 without time.
        is_static: Whether it has no time.
        dt: The length of a step, where there are flows.
        method: How they are integrated.
    """

    variables: tuple[VariableSpec, ...]
    parameters: dict[str, Fraction]
    nudge: tuple[str, int]
    hold: dict[str, int | None]
    target: str
    steps: int
    is_static: bool = False
    dt: Fraction | None = None
    method: Literal["euler", "rk4"] = "euler"

    def is_held(self, name: str, t: int) -> bool:
        """Whether A has the node."""
        if name not in self.hold:
            return False
        last = self.hold[name]
        return last is None or t <= last


def _quoted(value: Fraction) -> str:
    return f'"{value.numerator}/{value.denominator}"' if value.denominator > 1 else str(value)


def _declared(spec: Spec, variable: VariableSpec) -> str:
    parts = []
    if variable.kind == "noise":
        return '{noise: "normal(0, 1)"}'
    if variable.expression is not None:
        bare = spec.is_static or variable.kind != "rule"
        parts.append(f'{variable.kind}: "{written(variable.expression, bare=bare)}"')
    if variable.initial:
        values = [_quoted(value) for value in variable.initial]
        parts.append("initial: " + (values[0] if len(values) == 1 else f"[{', '.join(values)}]"))
    if variable.sampled:
        parts.append("sampled: true")
    return "{" + ", ".join(parts) + "}"


def model_text(spec: Spec) -> str:
    """Return the model file, in YAML."""
    lines = ["name: random"]
    if spec.parameters:
        values = [f"{name}: {_quoted(value)}" for name, value in spec.parameters.items()]
        lines.append(f"parameters: {{{', '.join(values)}}}")
    lines.append("variables:")
    lines += [f"  {v.name}: {_declared(spec, v)}" for v in spec.variables]
    if spec.dt is not None:
        lines += [f"dt: {float(spec.dt)}", f"method: {spec.method}"]
    name, t = spec.nudge
    held = [f"{a}[t<={last}]" if last is not None else a for a, last in spec.hold.items()]
    node = name if spec.is_static else f"{name}[{t}]"
    lines.append(f"partition: {{A: [{', '.join(spec.hold)}]}}")
    length = "" if spec.is_static else f", steps: {spec.steps}"
    hold = ", ".join(held)
    question = f'nudge: "{node}", hold: "{hold}", target: {spec.target}{length}'
    lines.append(f"question: {{{question}}}")
    return "\n".join(lines) + "\n"
