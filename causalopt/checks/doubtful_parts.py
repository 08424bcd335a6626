"""What reads well and is probably not meant: parts of a model that change nothing, or sit badly.

Each doubt is a record like an error, with its place in the declaration, that nobody raises.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from causalopt.errors import CausaloptError, ModelError
from causalopt.language.operations import OPERATIONS
from causalopt.language.scope import normalized
from causalopt.language.term import Term, evaluate, postorder
from causalopt.language.text import to_text
from causalopt.model.declaration import Variable, motion
from causalopt.model.graph import declared_edges
from causalopt.model.model import Model
from causalopt.model.selectors import is_plain
from causalopt.model.template import ancestors, leaf_name

_MOST_STARTED = 20  # steps from t = 0 in which the first computed values are looked for
_MOST_EQUATIONS = 5_000
_TEXTS = ("rule", "flow", "algebraic", "initial", "noise", "table", "spread", "shape")


def doubts(model: Model) -> list[ModelError]:
    """Return what is doubtful in a model, in the order of its declaration.

    Example:
        >>> from causalopt import Model
        >>> model = Model(
        ...     name="m", parameters={"k": 2}, variables={"x": {"rule": "x[t-1]/2", "initial": 1}}
        ... )
        >>> [doubt.message for doubt in doubts(model)]
        ["nothing reads the parameter 'k': drop it, or write it into a rule"]
    """
    return [
        *_unread_parameters(model),
        *_unread_variables(model),
        *_histories(model),
        *_never_drawn(model),
        *_without_path(model),
        *_starts_on_kinks(model),
    ]


def _words(*parts: Any) -> set[str]:
    """Return the words in the texts of a declaration's parts."""
    return {
        normalized(word)
        for word in re.findall(r"[^\W\d]\w*", json.dumps(parts, default=str, ensure_ascii=False))
    }


def _unread_parameters(model: Model) -> Iterator[ModelError]:
    said = model.model_dump(mode="json")
    texts = [[v[key] for key in _TEXTS] for v in said["variables"].values()]
    read = _words(texts, list(said["parameters"].values()), list(said["functions"].values()))
    read |= _words(list(said["sizes"].values()), said["initial"])
    for name in model.parameters:
        if normalized(name) not in read:
            yield ModelError(
                f"nothing reads the parameter '{name}': drop it, or write it into a rule",
                ("parameters", name),
                is_key=True,
            )


def _asked(model: Model) -> tuple[set[str], set[str], set[str]]:
    """Return the variables that the question nudges, holds and measures, as far as it says them."""
    question = model.question
    known = {normalized(name): name for name in model.variables}

    def named(text: str | None) -> set[str]:
        return {known[word] for word in _words(text or "") if word in known}

    held = set(model.A)
    if question.hold is not None and is_plain(question.hold):
        try:
            held = {window.variable for window in model.selection(question.hold)}
        except CausaloptError:
            held = set()
    return named(question.nudge), held, named(question.target)


def _unread_variables(model: Model) -> Iterator[ModelError]:
    """Variables that nothing reads, where it is said what is measured."""
    _, held, measured = _asked(model)
    if not measured:
        return
    used = {parent for parent, child, _ in declared_edges(model) if parent != child} | measured
    used |= held  # what is held and leads nowhere has a doubt of its own
    used |= {fact.target for fact in model.facts if fact.target is not None}
    if model.training is not None:
        used |= _words(model.training.loss, model.training.performance)
    for name in model.variables:
        if name not in used:
            yield ModelError(
                f"nothing reads '{name}', and it is not what is measured: drop it, or read it in "
                "another variable's rule",
                ("variables", name),
                is_key=True,
            )


def _histories(model: Model) -> Iterator[ModelError]:
    """Initial values that no rule needs, and lags longer than the run."""
    if model.is_array or model.is_static:
        return
    steps = model.question.steps
    lags: dict[str, int] = {}
    for _, child, lag in declared_edges(model):
        lags[child] = max(lags.get(child, 0), lag)
    for name, variable in model.variables.items():
        key = motion(variable)
        text = getattr(variable, key)
        if text is None:
            continue
        lag, values = lags.get(name, 0), variable.initial
        if steps is not None and lag > steps:
            yield ModelError(
                f"the {key} of '{name}' looks back {lag} steps, and the run ends at step {steps}: "
                "that lag reads initial values alone; give the question more steps",
                ("variables", name, key),
            )
        if isinstance(values, tuple) and len(values) > max(lag, 1) and key == "rule":
            count = len(values)
            yield ModelError(
                f"'{name}' has {count} initial values and its rule looks back {lag} "
                f"step{'s' * (lag != 1)}: it follows its rule from t = {count} on alone; "
                f"{max(lag, 1)} would do",
                ("variables", name, "initial"),
            )


def _never_drawn(model: Model) -> Iterator[ModelError]:
    """Labels of noise and of tables that have probability 0."""
    if model.is_array:
        return
    noisy = any(v.noise is not None or v.table is not None for v in model.variables.values())
    if not noisy:
        return
    for name, law in model.finite.noises.items():
        for label, chance in law.items():
            if chance == 0:
                yield ModelError(
                    f"'{name}' is never {label}: its probability is 0", ("variables", name, "noise")
                )
    for name, table in model.finite.tables.items():
        given = {label for law in table.rows.values() for label, chance in law.items() if chance}
        given |= set(model.finite.marginals.get(name, {}))
        if model.finite.joint is not None:
            continue
        for label in model.finite.domains[name]:
            if label not in given:
                yield ModelError(
                    f"no row of the table gives '{label}', and '{name}' does not start with it",
                    ("variables", name, "domain"),
                )


def _without_path(model: Model) -> Iterator[ModelError]:
    """A nudge or a held variable from which no path leads to m."""
    nudged, held, measured = _asked(model)
    known = set(model.skeleton.index)
    if not measured or not measured <= known:
        return
    owners = {equation.name: equation.owner for equation in model.skeleton.equations}
    above = {owners[name] for target in measured for name in ancestors(model.skeleton, target)}
    m = " and ".join(sorted(measured))
    for name in sorted(nudged - above):
        yield ModelError(
            f"no path leads from n = {name} to m = {m}: a nudge of {name} changes nothing there",
            ("question", "nudge"),
        )
    path = ("question", "hold") if model.question.hold not in {None, "A"} else ("partition", "A")
    for name in [name for name in model.variables if name in held - above]:
        at = model.A.index(name) if path[0] == "partition" and name in model.A else None
        yield ModelError(
            f"no path leads from '{name}' of A to m = {m}: holding it changes nothing there",
            path if at is None else (*path, at),
        )


def _starts_on_kinks(model: Model) -> Iterator[ModelError]:
    """Rules whose first values lie on a kink, where the two one-sided derivatives differ."""
    if model.is_array or len(model.template.equations) > _MOST_EQUATIONS:
        return
    for name, step, term in _first_kinks(model):
        variable: Variable = model.variables[name]
        key = motion(variable)
        arguments = [to_text(arg, static=model.is_static) for arg in term.args]
        met = " = ".join(arguments) if len(arguments) == 2 else _alone(term, arguments[0])
        at = "" if model.is_static else f" at t = {step}"
        yield ModelError(
            f"'{name}' starts on a kink: {met}{at}, where its derivative jumps and Op has the "
            "status 'kink'; start beside it",
            ("variables", name, key),
            text=getattr(variable, key),
        )


def _alone(term: Term, argument: str) -> str:
    return f"{argument} = 0" if OPERATIONS[term.op].kink == "zero" else f"{argument} is whole"


def _first_kinks(model: Model) -> Iterator[tuple[str, int, Term]]:
    """Yield (variable, step, operation) of each kink that the first computed values lie on."""
    template = model.template
    values: dict[tuple[str, int], float] = {}
    parameters = template.values
    last = max((len(e.initial) for e in template.equations), default=0)
    seen: set[tuple[str, Term]] = set()
    for step in range(min(last, _MOST_STARTED) + 1 if not template.is_static else 1):

        def leaf(term: Term, step: int = step) -> float:
            if isinstance(term.payload, tuple):
                name, lag = term.payload
                return values.get((name, step - lag), math.nan)
            if term.op in {"t", "time"}:
                return float(step) if term.op == "t" else template.time(step)
            return parameters.get(leaf_name(term), math.nan)

        for equation in template.equations:
            if equation.law is not None:
                continue
            first = len(equation.initial)
            if step < first:
                if equation.owner == equation.name:
                    values[equation.name, step] = evaluate(equation.initial[step], leaf)
            elif equation.rule is not None and step in {first, 0}:
                found = _kinks_of(equation.rule, leaf)
                values[equation.name, step] = found[1]
                for term in found[0]:
                    if (equation.owner, term) not in seen:
                        seen.add((equation.owner, term))
                        yield equation.owner, step, term


def _kinks_of(rule: Term, leaf: Any) -> tuple[list[Term], float]:
    """Return the operations of a rule that its values put on a kink, and its value."""
    values: dict[Term, float] = {}
    found = []
    for term in postorder(rule):
        try:
            values[term] = evaluate(term, leaf) if term.is_leaf else _applied(term, values)
        except (ArithmeticError, ValueError):
            values[term] = math.nan
        kink = OPERATIONS[term.op].kink if term.op in OPERATIONS else None
        if kink is not None and _depends(term) and _lies_on(kink, term, values):
            found.append(term)
    return found, values[rule]


def _depends(term: Term) -> bool:
    return any(isinstance(leaf.payload, tuple) for leaf in postorder(term) if leaf.is_leaf)


def _applied(term: Term, values: Mapping[Term, float]) -> float:
    arguments = [values[arg] for arg in term.args]
    more = [] if term.payload is None else [term.payload]
    return float(OPERATIONS[term.op].floats(*arguments, *more))


def _lies_on(kink: str, term: Term, values: Mapping[Term, float]) -> bool:
    arguments = [values[arg] for arg in term.args]
    if kink == "equal":
        return arguments[0] == arguments[1]
    if kink == "zero":
        return arguments[0] == 0
    return arguments[0] == math.floor(arguments[0]) if math.isfinite(arguments[0]) else False
