"""Models of labels without time, against pyAgrum and closed forms."""

from __future__ import annotations

import itertools
import json
import math
import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from causalopt import Model, image_sizes, strength
from causalopt.cli import main
from causalopt.errors import QuestionError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pyagrum as gum

NAMES = tuple("abcdef")
A = ("c", "d")


def _random(seed: int) -> tuple[dict[str, list[str]], dict[str, np.ndarray]]:
    """Parents and tables of six variables of two or three labels; a and b are roots."""
    draw = np.random.default_rng(seed)
    sizes = {name: int(draw.integers(2, 4)) for name in NAMES}
    parents: dict[str, list[str]] = {}
    tables: dict[str, np.ndarray] = {}
    for i, name in enumerate(NAMES):
        parents[name] = [str(n) for n in draw.choice(NAMES[:i], 2, replace=False)] if i > 1 else []
        shape = [sizes[parent] for parent in parents[name]]
        tables[name] = draw.dirichlet(np.ones(sizes[name]), size=shape)
    return parents, tables


def _declared(parents: dict[str, list[str]], tables: dict[str, np.ndarray]) -> Model:
    """The same network declared: one root as noise, the other by its law at the start."""
    variables: dict[str, dict[str, object]] = {}
    for name, table in tables.items():
        law = [
            {str(k): float(p) for k, p in enumerate(row)}
            for row in table.reshape(-1, table.shape[-1])
        ]
        rows = itertools.product(*(range(size) for size in table.shape[:-1]))
        variables[name] = {
            "domain": list(range(table.shape[-1])),
            "parents": parents[name],
            "table": [[*key, entry] for key, entry in zip(rows, law, strict=True)],
        }
    variables["a"] = {"noise": variables["a"]["table"][0][0]}  # type: ignore[index]
    domain = variables["b"]["domain"]
    variables["b"] = {"domain": domain, "initial": variables["b"]["table"][0][0]}  # type: ignore[index]
    return Model(name="net", renormalise=True, variables=variables, partition={"A": list(A)})


def _two_worlds(parents: dict[str, list[str]], tables: dict[str, np.ndarray]) -> gum.BayesNet:
    """W, a replica R of it, and Y, whose B reads the replica's A."""
    net = gum.BayesNet()
    for world, name in itertools.product("WRY", NAMES):
        net.add(gum.LabelizedVariable(world + name, "", tables[name].shape[-1]))
    for world, name in itertools.product("WRY", NAMES):
        reads = [("R" if world == "Y" and p in A else world) + p for p in parents[name]]
        for parent in reads:
            net.addArc(parent, world + name)
        for index in itertools.product(*(range(size) for size in tables[name].shape[:-1])):
            at = dict(zip(reads, index, strict=True))
            net.cpt(world + name)[at] = tables[name][index].tolist()
    return net


def _bits(net: gum.BayesNet, names: Iterable[str]) -> float:
    inference = gum.LazyPropagation(net)
    wanted = set(names)
    inference.addJointTarget(wanted)
    inference.makeInference()
    return float(inference.jointPosterior(wanted).entropy())


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("targets", ["abcdef", "bcf", "cde"])
def test_entropies_without_time_agree_with_pyagrum(seed: int, targets: str) -> None:
    parents, tables = _random(seed)
    net = _two_worlds(parents, tables)
    found = strength(_declared(parents, tables), targets=tuple(targets))
    replaced = [("R" if name in A else "Y") + name for name in targets]
    apart = [("R" if name in A else "W") + name for name in targets]
    S = _bits(net, ["W" + name for name in targets])
    expected = [S, _bits(net, apart), S, _bits(net, replaced)]
    got = [found.S, found.S_decoupled, found.S_next, found.S_next_decoupled]
    assert got == pytest.approx(expected, abs=1e-9)


def test_two_variables_far_apart_in_a_long_chain_have_the_information_of_a_closed_form() -> None:
    """Each of 60 bits copies the one before and flips with p: I of the ends is 1 - H((1 - r)/2)."""
    p, count = 0.02, 60
    chain: dict[str, object] = {"x0": {"noise": {0: 0.5, 1: 0.5}}}
    for i in range(1, count):
        rows = [[0, {0: 1 - p, 1: p}], [1, {0: p, 1: 1 - p}]]
        chain[f"x{i}"] = {"domain": [0, 1], "parents": [f"x{i - 1}"], "table": rows}
    model = Model(name="chain", variables=chain, partition={"A": ["x0"]})
    found = strength(model, targets=f"x0, x{count - 1}")
    q = (1 - (1 - 2 * p) ** (count - 1)) / 2
    noise = -q * math.log2(q) - (1 - q) * math.log2(1 - q)
    assert found.mutual_information == pytest.approx(1 - noise, abs=1e-12)
    assert found.S_next_decoupled == pytest.approx(2 - (1 - noise), abs=1e-12)


SPRINKLER = """
name: sprinkler
variables:
  rain: {noise: {no: 0.8, yes: 0.2}}
  sprinkler: {domain: [off, on], parents: [rain], table: [[no, {on: 0.4, off: 0.6}], [yes, off]]}
partition: {A: [sprinkler]}
"""


def test_the_command_answers_without_time_and_refuses_steps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "sprinkler.yaml"
    file.write_text(SPRINKLER)
    assert main(["entropy", str(file), "--json"]) == 0
    S = -sum(p * math.log2(p) for p in (0.48, 0.32, 0.2))
    assert json.loads(capsys.readouterr().out)["S"] == pytest.approx(S, abs=1e-12)
    assert main(["entropy", str(file), "--hold", "rain"]) == 0
    assert "A = {rain} replaced, in bits" in capsys.readouterr().out
    assert main(["entropy", str(file), "--at", "1"]) == 2
    assert "sprinkler has no time" in capsys.readouterr().err


def test_what_is_followed_over_steps_needs_time() -> None:
    model = Model(name="coin", variables={"x": {"noise": {0: 0.5, 1: 0.5}}})
    with pytest.raises(QuestionError, match="coin has no time"):
        image_sizes(model)


def test_noise_is_counted_where_it_is_named_or_replaced() -> None:
    """x copies a biased coin of its own step: S[x, w] = S[x], and w tells all of it."""
    H = -0.9 * math.log2(0.9) - 0.1 * math.log2(0.1)
    kept = {"domain": [0, 1], "rule": "y[t-1]", "initial": 0}
    copy = {"domain": [0, 1], "rule": "w[t]"}
    variables = {"w": {"noise": {0: 0.9, 1: 0.1}}, "x": copy, "y": kept}
    model = Model(name="m", variables=variables, partition={"A": ["x"]})
    assert strength(model).mutual_information == 0.0
    found = strength(model, targets="x, w, y")
    assert [found.S, found.mutual_information] == pytest.approx([H, H], abs=1e-12)
    assert strength(model, hold="w").mutual_information == pytest.approx(H, abs=1e-12)
