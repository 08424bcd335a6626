"""The laws of the one surgery, for every kind of thing that can be operated on."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import Model, Nudge, Set, world
from causalopt.errors import QuestionError
from causalopt.laws.discrete import Parent
from causalopt.laws.gaussian import GaussianLaw
from causalopt.laws.planar import AffinePiece, ProductDensity, moved, step, uniform_box
from causalopt.laws.propagation import law_at
from causalopt.worlds.replacement import replace
from tests.entropy.strategies import as_table, discrete_models
from tests.strategies import templates

seeds = st.integers(0, 2**32 - 1)


@dataclasses.dataclass(frozen=True)
class Case:
    """Something to operate on, two sources for two disjoint sets of nodes, and what tells apart."""

    x: Any
    sources: tuple[Any, Any]
    nodes: tuple[Any, Any]
    numbers: Callable[[Any], list[Any]]
    itself: Any = None
    """The source that is x, where things are paired draw by draw."""


@st.composite
def worlds(draw: st.DrawFn) -> Case:
    model = draw(templates())
    first, second = list(model.variables)[:2]
    x = world(model, Nudge(f"{first}[0]", 1.0))
    sources = world(model), world(model, Set(f"{second}[1]", -2.0))
    return Case(x, sources, (first, f"{second}[t>=1]"), lambda w: w.table.tolist(), x)


@st.composite
def samples(draw: st.DrawFn) -> Case:
    x, *sources = np.random.default_rng(draw(seeds)).normal(size=(3, 5, 3))
    return Case(x, tuple(sources), ([0, 2], [1]), lambda rows: rows.tolist(), x)


@st.composite
def rules(draw: st.DrawFn) -> Case:
    model = draw(discrete_models())
    x = draw(st.sampled_from(model.mechanisms))
    sources = tuple(lambda p, mark=mark: Parent(p.name + mark, p.lag) for mark in "'*")
    parts = x.parents[:1], x.parents[1:]
    return Case(x, sources, parts, lambda rule: list(rule.parents), lambda parent: parent)


@st.composite
def finite_laws(draw: st.DrawFn) -> Case:
    model = draw(discrete_models())
    names = model.state.names
    sources = law_at(model, 1), law_at(model, 2)
    nodes = names[:1], names[1:]
    return Case(model.initial, sources, nodes, lambda law: sorted(as_table(law, names).items()))


@st.composite
def normal_laws(draw: st.DrawFn) -> Case:
    rng = np.random.default_rng(draw(seeds))
    roots, means = rng.normal(size=(3, 3, 3)), rng.normal(size=(3, 3))
    laws = [
        GaussianLaw(("a", "b", "c"), mean, root @ root.T + 0.1 * np.eye(3))
        for mean, root in zip(means, roots, strict=True)
    ]
    return Case(
        laws[0],
        (laws[1], laws[2]),
        (["a"], ["b"]),
        lambda law: [law.mean.tolist(), law.covariance.tolist()],
    )


@st.composite
def laws_on_the_plane(draw: st.DrawFn) -> Case:
    rng = np.random.default_rng(draw(seeds))
    unit = uniform_box((0.0, 0.0), (1.0, 1.0))
    x, *sources = (
        step(unit, [AffinePiece(rng.normal(size=(2, 2)) + 2 * np.eye(2), rng.normal(size=2))])
        for _ in range(3)
    )

    def numbers(law: Any) -> list[Any]:
        ramps = law.marginal(0), law.marginal(1)
        return [law.entropy(), *((r.knots.tolist(), r.left.tolist()) for r in ramps)]

    return Case(x, tuple(sources), ([0], [1]), numbers)


PAIRED = [worlds(), samples(), rules()]
KINDS = [*PAIRED, finite_laws(), normal_laws(), laws_on_the_plane()]


@pytest.mark.parametrize("kind", PAIRED, ids=str)
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_replacing_by_itself_is_the_identity(
    kind: st.SearchStrategy[Case], data: st.DataObject
) -> None:
    case = data.draw(kind)
    same = replace(case.x, case.nodes[0], case.itself)
    assert repr(case.numbers(same)) == repr(case.numbers(case.x))


@pytest.mark.parametrize("kind", KINDS, ids=str)
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_replacing_nothing_is_the_identity(
    kind: st.SearchStrategy[Case], data: st.DataObject
) -> None:
    case = data.draw(kind)
    same = replace(case.x, [], case.sources[0])
    assert repr(case.numbers(same)) == repr(case.numbers(case.x))


@pytest.mark.parametrize("kind", KINDS, ids=str)
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_replacing_twice_is_replacing_once(
    kind: st.SearchStrategy[Case], data: st.DataObject
) -> None:
    case = data.draw(kind)
    once = replace(case.x, case.nodes[0], case.sources[0])
    twice = replace(once, case.nodes[0], case.sources[0])
    assert repr(case.numbers(twice)) == repr(case.numbers(once))


@pytest.mark.parametrize("kind", KINDS, ids=str)
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_disjoint_replacements_commute(kind: st.SearchStrategy[Case], data: st.DataObject) -> None:
    case = data.draw(kind)
    (A, B), (u, v) = case.nodes, case.sources
    forth, back = replace(replace(case.x, A, u), B, v), replace(replace(case.x, B, v), A, u)
    assert repr(case.numbers(forth)) == repr(case.numbers(back))


@pytest.mark.parametrize("kind", KINDS[3:], ids=str)
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_a_law_decorrelated_by_itself_stays_decorrelated(
    kind: st.SearchStrategy[Case], data: st.DataObject
) -> None:
    case = data.draw(kind)
    apart = replace(case.x, case.nodes[0], case.x)
    again = replace(apart, case.nodes[0], apart)
    assert repr(case.numbers(again)) == repr(case.numbers(apart))


def test_a_world_keeps_its_own_draws_and_takes_a_replicas_nodes() -> None:
    noisy = {"noise": "normal(0, 1)"}
    variables = {"u": noisy, "v": noisy, "a": "u[t]", "b": {"rule": "a[t-1] + v[t]", "initial": 0}}
    model = Model(name="m", variables=variables, question={"steps": 6})
    w, other = world(model, seed=1), world(model, seed=2)
    y = replace(w, "a", other)
    np.testing.assert_array_equal(y["v"], w["v"])
    np.testing.assert_array_equal(y["a"], other["u"])
    np.testing.assert_array_equal(y["b"][1:], other["u"][:-1] + w["v"][1:])


def test_what_cannot_be_operated_on_is_refused() -> None:
    with pytest.raises(TypeError, match="no surgery takes"):
        replace("x", ["a"], "y")
    with pytest.raises(QuestionError, match="as many draws"):
        replace(np.zeros((3, 2)), [1], np.ones((2, 2)))
    unit = uniform_box((0.0, 0.0), (1.0, 1.0))
    product = ProductDensity(unit.marginal(0), unit.marginal(1))
    with pytest.raises(QuestionError, match="has no marginals"):
        replace(moved(product, AffinePiece(np.eye(2), np.ones(2))), [0], unit)
