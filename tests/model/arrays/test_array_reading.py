"""What the declaration of a model with arrays refuses, and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from causalopt import Model, ModelError, QuestionError, load, world
from causalopt.cli import main
from causalopt.engine.arrays.array_batch import batched
from causalopt.worlds.array_world import template_plan

SIZED = """\
name: sized
sizes: {{p: {size}}}
variables:
  x: {{shape: [p], rule: "x[t-1]", initial: 1}}
"""


@pytest.mark.parametrize(
    ("size", "words"),
    [
        ("1/0", "a size is a whole number from 1 to 100,000,000, found inf"),
        ("log(0)", "a size is a whole number from 1 to 100,000,000, found -inf"),
        ("0/0", "a size is a whole number from 1 to 100,000,000, found nan"),
        ("10**9", "a size is a whole number from 1 to 100,000,000, found 1,000,000,000"),
        ("1e30", "a size is a whole number from 1 to 100,000,000, found 1,000,000,000,000,0"),
        ("5/2", "a size is a whole number from 1 to 100,000,000, found 2.5"),
        ("ones(3)", "expected a number, found an array"),
        (".nan", "a size is a whole number or an expression, found nan"),
        (".inf", "a size is a whole number or an expression, found inf"),
        ("2.5", "a size is a whole number or an expression, found 2.5"),
        ("true", "a size is a whole number or an expression, found a truth value"),
        ("[1]", "a size is a whole number or an expression, found a list"),
        ("many", "unknown name 'many'"),
    ],
)
def test_sizes_are_whole_numbers(size: str, words: str, tmp_path: Path, capsys) -> None:
    file = tmp_path / "sized.yaml"
    file.write_text(SIZED.format(size=size))
    with pytest.raises(ModelError) as caught:
        load(file)
    assert words in caught.value.message
    assert (caught.value.location.line, caught.value.location.column) == (2, 12)
    assert main(["check", str(file)]) == 2
    assert capsys.readouterr().err.startswith(f"error: {file}:2:12: ")


def test_a_size_may_be_written_with_a_point() -> None:
    variables = {"x": {"shape": ["p"], "rule": "x[t-1]", "initial": 1}}
    assert Model(name="m", sizes={"p": 2.0}, variables=variables).arrays.sizes == {"p": 2}


def drawn(key: str, law: str, **parameters: float) -> Model:
    """Return a model with one variable of two elements that draws from a law."""
    rule = {} if key == "noise" else {"rule": "e[t-1]"}
    return Model(
        name="drawn",
        parameters=parameters,
        functions={"wide(s)": "normal(0, s)"},
        variables={
            "e": {"shape": [2], key: law, **rule},
            "clock": {"rule": "clock[t-1] + 1", "initial": 0},
        },
    )


SPREAD = "'e': a standard deviation is at least 0, found "
ENDS = "'e': uniform's ends are in order, low <= high, found high - low = "
CHANCE = "'e': bernoulli's probability is in [0, 1], found "
IMPOSSIBLE = [
    ("noise", "normal(0, -1)", SPREAD + "-1"),
    ("noise", "1 + 2*normal(0, s - 3)", SPREAD + "-2"),
    ("noise", "normal(0, 1 - 3*index(2))", SPREAD + "-2"),
    ("noise", "normal(0, 1/0)", SPREAD + "inf"),
    ("noise", "normal(0, 0/0)", SPREAD + "nan"),
    ("noise", "uniform(2, 1)", ENDS + "-1"),
    ("noise", "bernoulli(2)", CHANCE + "2"),
    ("noise", "bernoulli(-1)", CHANCE + "-1"),
    ("initial", "normal(0, -1)", SPREAD + "-1"),
    ("initial", "uniform(2, 1)", ENDS + "-1"),
    ("noise", "normal(0, 1) + uniform(0, -s)", ENDS + "-1"),
]


@pytest.mark.parametrize(("key", "law", "words"), IMPOSSIBLE)
def test_laws_that_cannot_be_are_refused_where_they_stand(key: str, law: str, words: str) -> None:
    with pytest.raises(ModelError) as caught:
        drawn(key, law, s=1.0)
    assert caught.value.message == words
    assert caught.value.path == ("variables", "e", key)


def test_a_law_is_refused_through_a_function_and_in_a_list() -> None:
    with pytest.raises(ModelError, match="a standard deviation is at least 0, found -2"):
        drawn("noise", "wide(-2)")
    with pytest.raises(ModelError) as caught:
        Model(
            name="m",
            sizes={"p": 1},
            variables={"e": {"rule": "e[t-2]", "initial": ["normal(0, 1)", "uniform(2, 1)"]}},
        )
    assert caught.value.path == ("variables", "e", "initial", 1)


@pytest.mark.parametrize(("key", "law"), [("noise", "normal(0, s)"), ("initial", "normal(0, s)")])
def test_a_parameter_may_not_make_a_law_impossible(key: str, law: str) -> None:
    model = drawn(key, law, s=0.0)
    with pytest.raises(ModelError, match="a standard deviation is at least 0, found -2"):
        model.replace(parameters={"s": -2})
    with pytest.raises(QuestionError) as caught:
        template_plan(model.arrays, steps=2, parameters={"s": -2.0})
    assert caught.value.message == SPREAD + "-2"


@pytest.mark.parametrize("law", ["normal(3, 0)", "uniform(3, 3)", "3*bernoulli(1)"])
def test_laws_of_one_value_are_laws(law: str) -> None:
    assert world(drawn("noise", law), steps=4)["e"].tolist() == [[3, 3]] * 5


def test_a_law_whose_argument_is_drawn_is_looked_at_when_it_is() -> None:
    with pytest.raises(QuestionError, match=r"'e': a standard deviation is at least 0, found -0\."):
        world(drawn("noise", "normal(0, uniform - 0.5)"), steps=50)
    with pytest.raises(QuestionError, match=r"'e': a standard deviation is at least 0, found -"):
        world(drawn("initial", "normal(0, uniform(-2, -1))"), steps=0)
    world(drawn("noise", "normal(0, uniform(1, 2))"), steps=50)


def test_a_law_of_many_worlds_is_looked_at_too() -> None:
    model = drawn("noise", "normal(0, uniform(-2, -1))")
    wide = batched(model.arrays, ["e"], 3)
    _, draw = template_plan(wide, steps=1)
    assert draw is not None
    with pytest.raises(QuestionError, match=r"'e': a standard deviation is at least 0, found -"):
        draw(0)
    # Over the two elements of one world the sum is about 1; over three worlds it would be 1.5.
    good = batched(drawn("noise", "normal(0, 1.2 - sum(uniform(0.5, 0.51)))").arrays, ["e"], 3)
    _, draw = template_plan(good, steps=1)
    assert draw is not None
    assert draw(0)["e"].shape == (3, 2)


def test_noise_reads_no_variable() -> None:
    with pytest.raises(ModelError) as caught:
        Model(
            name="m",
            variables={
                "x": {"shape": [2], "rule": "x[t-1] + e[t]", "initial": 1},
                "e": {"shape": [2], "noise": "normal(0, 1)*x[t-1]"},
            },
        )
    assert "noise is drawn by itself and reads no variable, found 'x'" in caught.value.message
    assert caught.value.path == ("variables", "e", "noise")


def test_a_flow_may_not_start_from_an_impossible_law() -> None:
    variables = {"x": {"shape": [2], "flow": "-x", "initial": "normal(0, s)"}}
    model = Model(name="m", parameters={"s": 1}, dt=0.1, method="rk4", variables=variables)
    with pytest.raises(QuestionError, match="'x': a standard deviation is at least 0, found -1"):
        template_plan(model.arrays, steps=2, parameters={"s": -1.0})
