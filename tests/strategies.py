"""Random models for property tests: one place, so that every law is tried on the same ground."""

from __future__ import annotations

from hypothesis import strategies as st

from causalopt import Model

NAMES = ("p", "q", "r", "s", "u")
coefficients = st.integers(-8, 8).filter(bool).map(lambda i: i / 4)


@st.composite
def terms(draw: st.DrawFn, references: list[str], *, linear: bool) -> str:
    """One summand of a rule: a coefficient times a reference, or a smooth function of some."""
    a = draw(st.sampled_from(references))
    shapes = ["{c}*{a}"]
    if not linear:
        shapes += ["{c}*{a}*{b}", "{c}*sin({a})", "{c}*tanh({a} - {b})", "{c}*{a}**2/(1 + {b}**2)"]
    shape = draw(st.sampled_from(shapes))
    b = draw(st.sampled_from(references))
    return shape.format(c=f"({draw(coefficients)})", a=a, b=b)


@st.composite
def rules(draw: st.DrawFn, references: list[str], *, linear: bool) -> str:
    """A rule: a constant plus one to three summands."""
    parts = draw(st.lists(terms(references, linear=linear), min_size=1, max_size=3))
    return " + ".join([str(draw(coefficients)), *parts])


@st.composite
def static_models(draw: st.DrawFn, *, linear: bool = False) -> Model:
    """A DAG of three to five variables in which the first is given and the last comes last."""
    names = NAMES[: draw(st.integers(3, 5))]
    variables: dict[str, object] = {names[0]: {"initial": draw(coefficients)}}
    for i, name in enumerate(names[1:], 1):
        variables[name] = {"rule": draw(rules(list(names[:i]), linear=linear))}
    held = draw(st.lists(st.sampled_from(names[1:-1]), unique=True, min_size=1))
    return Model(
        name="random",
        variables=variables,
        partition={"A": held},
        question={"nudge": names[0], "hold": "A", "target": names[-1]},
    )


@st.composite
def templates(draw: st.DrawFn, *, linear: bool = False) -> Model:
    """Two to four variables with lags 0, 1 and 2; same-step edges follow the order of names."""
    names = NAMES[: draw(st.integers(2, 4))]
    variables = {}
    for i, name in enumerate(names):
        references = [f"{other}[t-{lag}]" for other in names for lag in (1, 2)]
        references += [f"{other}[t]" for other in names[:i]]
        start = [draw(coefficients), draw(coefficients)]
        variables[name] = {"rule": draw(rules(references, linear=linear)), "initial": start}
    held = draw(st.lists(st.sampled_from(names[1:]), unique=True, min_size=1))
    return Model(
        name="random",
        variables=variables,
        partition={"A": held},
        question={
            "nudge": f"{names[0]}[{draw(st.integers(0, 2))}]",
            "hold": "A",
            "target": draw(st.sampled_from(names)),
            "steps": draw(st.integers(2, 6)),
        },
    )


FUNCTIONS = ("exp", "sin", "cos", "tanh", "atan", "sqrt", "log", "abs")
expressions = st.recursive(
    st.sampled_from(["x", "y", "2", "0.5", "3", "pi"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        st.tuples(st.sampled_from(FUNCTIONS), inner).map(lambda p: f"{p[0]}({p[1]})"),
        st.tuples(inner, st.sampled_from(["2", "3", "-1"])).map(lambda p: f"({p[0]})**{p[1]}"),
        st.tuples(inner, inner, inner).map(lambda p: f"where({p[0]} < {p[1]}, {p[1]}, {p[2]})"),
        st.tuples(st.sampled_from(["min", "max"]), inner, inner).map(
            lambda p: f"{p[0]}({p[1]}, {p[2]})"
        ),
        inner.map(lambda p: f"-{p}"),
    ),
    max_leaves=8,
)
