from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from causalopt.errors import QuestionError, UnknownNameError
from causalopt.laws.law import DenseLaw, ProductLaw, SparseLaw, law_of, merge, uniform
from causalopt.laws.space import Space

SPACE = Space(("a", "b", "c"), ((0, 1), ("x", "y", "z"), (0, 1)))
HALF = Fraction(1, 2)


def random_law(seed: int) -> DenseLaw:
    return DenseLaw(SPACE, np.random.default_rng(seed).dirichlet(np.ones(12)).reshape(2, 3, 2))


@pytest.mark.parametrize("names", [["b"], ["c", "a"], ["b", "c", "a"], []])
def test_marginal_is_the_same_dense_and_sparse(names: list[str]) -> None:
    law = random_law(3)
    letters = "".join(names)
    expected = np.einsum(f"abc->{letters}", law.p)
    np.testing.assert_allclose(law.marginal(names).p, expected, rtol=1e-14)
    np.testing.assert_allclose(law.sparse().marginal(names).dense().p, expected, rtol=1e-14)


def test_product_multiplies_its_blocks_out_the_same_dense_and_sparse() -> None:
    law = random_law(1)
    product = ProductLaw((law.marginal(["b"]), law.marginal(["c", "a"])))
    expected = np.einsum("b,ca->bca", law.p.sum(axis=(0, 2)), law.p.sum(axis=1).T)
    np.testing.assert_allclose(product.dense().p, expected, rtol=1e-14)
    np.testing.assert_allclose(product.sparse().dense().p, expected, rtol=1e-14)
    np.testing.assert_allclose(product.masses(), expected.reshape(-1), rtol=1e-14)


def test_marginal_of_a_product_keeps_the_order_asked_for() -> None:
    law = random_law(2)
    product = ProductLaw((law.marginal(["b"]), law.marginal(["c", "a"])))
    expected = np.einsum("b,a->ab", law.p.sum(axis=(0, 2)), law.p.sum(axis=(1, 2)))
    assert product.marginal(["a", "c"]).space.names == ("a", "c")
    got = product.marginal(["a", "b"])
    np.testing.assert_allclose(got.marginal(got.space.names).dense().p.sum(), 1.0)
    np.testing.assert_allclose(got.sparse().marginal(["a", "b"]).dense().p, expected, rtol=1e-14)


def test_uniform_masses_are_exact_fractions() -> None:
    law = uniform(SPACE)
    assert set(law.dense().p.flat) == {Fraction(1, 12)}
    assert law.exact


def test_repeated_states_add_up_exactly() -> None:
    states = np.array([[0, 1], [1, 1], [0, 1]])
    p = np.array([Fraction(1, 4), HALF, Fraction(1, 4)], dtype=object)
    merged, masses = merge(states, p, (2, 2))
    assert merged.tolist() == [[0, 1], [1, 1]]
    assert masses.tolist() == [HALF, HALF]


def test_spaces_past_one_integer_code_merge_by_rows() -> None:
    width = 70
    states = np.zeros((3, width), dtype=np.int64)
    states[1, 69] = 1
    merged, masses = merge(states, np.array([0.25, 0.5, 0.25]), (2,) * width)
    assert merged[:, 69].tolist() == [0, 1]
    assert masses.tolist() == [0.5, 0.5]


def test_probability_of_a_state_is_read_by_label() -> None:
    law = law_of(SPACE, {(0, "y", 1): Fraction(1, 3), (1, "z", 0): Fraction(2, 3)})
    assert law.probability({"a": 1, "c": 0, "b": "z"}) == Fraction(2, 3)
    assert law.probability((0, "x", 0)) == 0
    assert law.dense().probability((0, "y", 1)) == Fraction(1, 3)


@pytest.mark.parametrize("p", [[0.5, 0.4], [1.5, -0.5], [float("nan"), 1.0]])
def test_masses_that_are_no_law_are_refused(p: list[float]) -> None:
    with pytest.raises(QuestionError, match="at least 0 and sum to 1"):
        DenseLaw(Space(("a",), ((0, 1),)), np.array(p))


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(QuestionError, match=r"has shape \(2, 3, 2\)"):
        DenseLaw(SPACE, np.ones(12) / 12)
    with pytest.raises(QuestionError, match="states of shape"):
        SparseLaw(SPACE, np.zeros((1, 2), dtype=np.int64), np.ones(1))


def test_unknown_labels_and_names_get_a_suggestion() -> None:
    space = Space(("room",), (("hot", "cold"),))
    with pytest.raises(QuestionError, match="did you mean 'cold'"):
        law_of(space, {("cald",): 1})
    with pytest.raises(UnknownNameError, match="did you mean 'room'"):
        space.only(["rom"])
    with pytest.raises(QuestionError, match="one label to each of room"):
        space.position({"door": "open"})
    with pytest.raises(QuestionError, match="needs 1 labels"):
        space.position(["hot", "cold"])


@pytest.mark.parametrize(
    ("names", "labels", "message"),
    [
        (("a", "a"), ((0,), (0,)), "must differ"),
        (("a",), ((0, 0),), "distinct labels"),
        (("a",), ((),), "distinct labels"),
        (("a", "b"), ((0,),), "one each"),
    ],
)
def test_spaces_that_name_nothing_clearly_are_refused(
    names: tuple[str, ...], labels: tuple[tuple[int, ...], ...], message: str
) -> None:
    with pytest.raises(QuestionError, match=message):
        Space(names, labels)


@pytest.mark.parametrize("missing", [5e-4, -5e-4, 2e-9, -2e-9])
def test_masses_a_little_off_one_are_refused_in_every_form(missing: float) -> None:
    space = Space(("a",), ((0, 1),))
    p = np.array([0.25, 0.75 - missing])
    with pytest.raises(QuestionError, match=r"sum to 1; these sum to (0\.99|1\.00)"):
        DenseLaw(space, p)
    with pytest.raises(QuestionError, match=r"sum to 1; these sum to (0\.99|1\.00)"):
        SparseLaw(space, np.array([[0], [1]]), p)
    with pytest.raises(QuestionError, match=r"sum to 1; these sum to (0\.99|1\.00)"):
        law_of(space, {(0,): 0.25, (1,): 0.75 - missing})


def test_fractions_must_sum_to_one_exactly() -> None:
    short = Fraction(3, 4) - Fraction(1, 10**30)
    with pytest.raises(QuestionError, match=r"these sum to 9{30}/10{30}"):
        law_of(Space(("a",), ((0, 1),)), {(0,): Fraction(1, 4), (1,): short})
    rounded = law_of(Space(("a",), ((0, 1),)), {(0,): 0.25, (1,): 0.75 - 5e-10})
    assert not rounded.exact
