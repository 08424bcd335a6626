"""What the declaration of a model with arrays refuses, and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from causalopt import Model, ModelError, load
from causalopt.cli import main

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
