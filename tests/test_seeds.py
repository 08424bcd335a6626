"""`seed` of every public function: which draws noise makes, with the meaning it has in `run`."""

from __future__ import annotations

import inspect
import json
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import causalopt
from causalopt.cli import COMMANDS, application

# Whose noise enters by a product and inside a function: derivatives depend on what is drawn.
NOISY = causalopt.parse_model("""
name: noisy
parameters: {k: 0.3}
variables:
  T: {rule: "0.5*T[t-1] + k*R[t-1]*(1 + 0.5*e[t])", initial: 0.1}
  R: {rule: "0.9*R[t-1] - tanh(T[t-1]) + 0.1*e[t]", initial: 1}
  e: {noise: "normal(0, 1)"}
partition: {A: [T]}
question: {nudge: "R[0]", hold: A, target: R, steps: 9}
""")

BOX = {"R[0]": (0.5, 1.5)}
ASKED: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "across": (("T",), {"steps": 5}),
    "basins_along": (({"k": [0.3]}, BOX), {"level": 0.3, "counts": 8, "depth": 2}),
    "binned_strength": ((), {"width": 0.1, "draws": 3, "bins": 64}),
    "currents": ((), {}),
    "detect_optimizer": ((), {"steps": 200, "starts": 2}),
    "divide": ((), {}),
    "division_stability": ((), {"starts": 2}),
    "find_optimizers": ((), {}),
    "loop_shares": ((), {}),
    "op_basins": ((BOX,), {"level": 0.3, "counts": 8, "depth": 2, "audit": 0}),
    "op_from_all": (("R[9]",), {}),
    "op_matrix": ((), {"sources": ["R[0]"], "targets": ["R[9]", "R[5]"]}),
    "op_share": ((BOX,), {"level": 1.0, "design": "random", "points": 64, "replicas": 2}),
    "op_to_all": (("R[0]",), {}),
    "optimization_amount": ((BOX,), {"rule": "trapezoid", "counts": 8}),
    "optimizer_matrix": ((), {"sources": ["R[0]"], "targets": ["R[9]"]}),
    "optimizers_over_draws": ((), {"draws": 3}),
    "rate_curve": (({"k": [0.3]},), {"steps": 400}),
    "rates": ((), {"steps": 400}),
    "refine": (({"k": (0.2, 0.4)},), {"points": 40}),
    "run": ((), {}),
    "sensitivity": ((), {"at": 5}),
    "shapley": ((), {"parts": ["T[t<=4]", "T[t>=5]"]}),
    "side_by_side": ((), {}),
    "sweep": (({"k": [0.2, 0.3]},), {}),
    "world": ((), {"steps": 9}),
}
# Draws of another kind: walkers, networks, orders of images, models that refuse noise.
OTHERWISE = {
    "attraction_basins",  # where pilots start; noise is refused
    "basin_contingency",  # which points are asked of a result
    "compare_measures",  # asked below: it takes models
    "descent",  # walkers
    "design",  # scrambled points, asked in tests/sweeps
    "escape",  # walkers
    "expand",  # initial laws of arrays
    "frequency",  # of slopes that draws do not move
    "gradient",  # of models that are trained
    "load_images",
    "noisy_op",  # of descents
    "watch",
}
# Which take a model and make no draws: graphs, texts, formulas and exact laws.
WITHOUT = {
    "attraction_along", "attractors", "basin_diagram", "basin_fraction", "causal_strength",
    "consecutive_steps", "derive", "describe", "draw", "edge_list", "empowerment",
    "epsilon_family", "escape_curve", "find_modes", "find_orbits", "image_sizes",
    "label_side_by_side", "least_action", "linearise", "point_limit", "region", "strength",
    "strengths", "template_graph", "template_graphml", "to_adjacency", "to_dagitty",
    "to_graphml", "to_text", "train", "transfer_entropy", "transitions", "unrolled_graph",
    "write_model", "paths", "false_positive_table", "goal_directedness", "entropy_reduction",
}  # fmt: skip
FUNCTIONS = {
    name: found for name in causalopt._HOME if inspect.isfunction(found := getattr(causalopt, name))
}


def numbers(found: Any) -> str:
    """Return what a result says as text, without what it was asked."""
    if isinstance(found, float):
        return repr(found)
    if hasattr(found, "data_vars"):
        return str(found.op.values.tolist())
    if isinstance(found, causalopt.World):
        return str(np.asarray(found["R"]).tolist())
    if isinstance(found, causalopt.SideBySide | causalopt.Sweep):
        return str(found.op.tolist())
    return json.dumps(
        {k: v for k, v in found.to_dict().items() if k not in ("seed", "realisation")}
    )


def ask(name: str, **seed: int) -> Any:
    given, options = ASKED[name]
    return FUNCTIONS[name](NOISY, *given, **options, **seed)


def test_every_function_of_a_model_is_sorted() -> None:
    """One that takes a model either takes a seed, or makes no draws."""
    takes = {n for n, f in FUNCTIONS.items() if "seed" in inspect.signature(f).parameters}
    assert takes == ASKED.keys() | OTHERWISE
    of_models = {n for n, f in FUNCTIONS.items() if "model" in inspect.signature(f).parameters}
    assert of_models <= takes | WITHOUT


@pytest.mark.parametrize("name", ASKED)
def test_another_seed_makes_other_draws_and_the_same_makes_the_same(name: str) -> None:
    own = numbers(ask(name))
    assert numbers(ask(name, seed=0)) == own
    assert numbers(ask(name, seed=1)) != own
    assert numbers(ask(name, seed=1)) == numbers(ask(name, seed=1))


def test_functions_that_give_op_give_that_of_run_with_the_same_seed() -> None:
    for seed in (0, 7):
        run = causalopt.run(NOISY, seed=seed)
        op = run.op[-1]
        swept = causalopt.sweep(NOISY, {"k": [0.3]}, seed=seed)
        assert swept.op[0] == pytest.approx(op, rel=1e-12)
        assert swept.dataset.attrs["seed"] == str(seed)
        pair = causalopt.op_matrix(NOISY, sources=["R[0]"], targets=["R[9]"], seed=seed)
        assert pair.op[0, 0] == pytest.approx(op, rel=1e-12)
        many = causalopt.op_matrix(
            NOISY, sources=["R[0]", "R[2]"], targets=["R[9]"], hold="T", seed=seed
        )
        assert many.op[0, 0] == pytest.approx(op, rel=1e-12)
        both = causalopt.side_by_side(NOISY, seed=seed)
        assert both.op[-1] == op
        across = causalopt.across(NOISY, "T", sources="R[0]", targets="R[9]", steps=9, seed=seed)
        assert float(across.inside.op[0, 0]) == pytest.approx(op, rel=1e-12)
        assert across.dataset.attrs["seed"] == str(seed)
        found = causalopt.find_optimizers(NOISY, candidates=["T"], seed=seed)
        assert found.to_dict()["candidates"][0]["op"] == pytest.approx(op, rel=1e-12)
        cell = {"over": {"R[0]": (1, 1 + 1e-12)}, "counts": 1, "depth": 0, "audit": 0, "seed": seed}
        assert causalopt.op_basins(NOISY, level=op - 1e-6, **cell).regions
        assert not causalopt.op_basins(NOISY, level=op + 1e-6, **cell).regions


def test_measures_are_compared_along_the_draws_of_a_seed() -> None:
    for seed in (0, 3):
        cell = causalopt.compare_measures(NOISY, seed=seed)["noisy", "op"]
        assert cell.value == pytest.approx(causalopt.run(NOISY, seed=seed).op[-1], rel=1e-12)


@pytest.mark.parametrize("seed", [-1, 1 << 64])
@pytest.mark.parametrize("name", ["across", "op_matrix", "rate_curve", "run", "sweep"])
def test_a_seed_out_of_range_is_refused(name: str, seed: int) -> None:
    with pytest.raises(causalopt.QuestionError, match="a seed is an integer from 0 to 2\\^64 - 1"):
        ask(name, seed=seed)


@pytest.mark.parametrize(
    "words",
    [
        "run", "matrix", "sensitivity --at 5", "sweep --grid k=0.2:0.3:2", "rates --steps 400",
        "optimizers", "currents", "divide",
        "refine --grid k=0.2:0.4 --points 40", "across --region T --steps 5",
        "basins --grid R[0]=0.5:1.5:8 --depth 2 --level 0.3",
        "compare",
    ],
)  # fmt: skip
def test_commands_take_a_seed(words: str, tmp_path: Any) -> None:
    file = tmp_path / "noisy.yaml"
    causalopt.write_model(NOISY, file)
    command, *rest = words.split()

    def said(*more: str) -> str:
        done = CliRunner().invoke(
            application([command]), [command, str(file), *rest, "--json", *more]
        )
        assert done.exit_code == 0, done.output
        return done.stdout

    assert said("--seed", "0") == said()
    assert said("--seed", "1") != said()


def test_commands_whose_function_takes_a_seed_take_it_too() -> None:
    from tools.command_functions import COMMANDS_CALL

    for command in COMMANDS:
        function = FUNCTIONS.get(COMMANDS_CALL[command][0])
        if function is None or "seed" not in inspect.signature(function).parameters:
            continue
        (registered,) = application([command]).registered_commands
        assert "seed" in inspect.signature(registered.callback).parameters, command
