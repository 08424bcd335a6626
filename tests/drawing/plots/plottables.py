"""One result of each kind that has a picture, cheap to make, by name."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import causalopt as c
from causalopt.comparison.comparing import compare_measures
from causalopt.comparison.loop_shares import loop_shares
from causalopt.descents.chain import chain_of
from causalopt.descents.diffusions.plane_diffusion import plane_diffusion, plane_stationary
from causalopt.descents.escape.answer import Answer
from causalopt.descents.escape.curves import escape_curve
from causalopt.descents.escape.evolution import evolve_by_ensemble, evolve_by_operator
from causalopt.descents.escape.steps_to_escape import fit_log_line, steps_to_escape
from causalopt.drawing.plots.of_descent import descent
from causalopt.drawing.plots.of_escape import plot_current, plot_steps_to_escape
from causalopt.entropy.declared import strength
from causalopt.optimizers.false_positives import FalsePositives, case_of
from causalopt.optimizers.known_systems import known_systems, two_thermostats
from causalopt.sweeps.measures.op_measure import OpMeasure
from causalopt.sweeps.sweep_plan import plan_sweep
from tests.basins.shapes import splitting, two_lobes
from tests.descents.chains import PIT_EDGE, PIT_START, linear, pit
from tests.descents.transitions.test_basin_diagram import MODEL as WELLS
from tests.descents.transitions.test_transition_paths import OUT, PIT
from tests.influence.test_array_currents import LOOP, QUESTION

PLANE = {"x[0]": (-1.61, 1.57), "y[0]": (-1.47, 1.53)}
NET = c.Model(
    name="net",
    sizes={"pixel": 5, "hidden": 4},
    variables={
        "x": {"shape": ["pixel"], "initial": [0.3, -1, 0.2, 0.5, 0.1]},
        "W": {"shape": ["hidden", "pixel"], "initial": "normal(0, 1)"},
        "h": {"shape": ["hidden"], "rule": "tanh(W @ x)"},
        "o": {"shape": ["hidden"], "rule": "h + sum(x)"},
    },
    question={"nudge": "x", "hold": "h", "target": "o"},
)
LONG = "a[3<=t<9], a[12<=t<20], a[23<=t<31], a[40<=t<44], a[50<=t<52], a[55<=t<57]"


def _thermostat() -> c.Model:
    return c.load("thermostat")


def _plane() -> Any:
    axis = np.linspace(-1.5, 1.5, 31)
    plane = plane_diffusion(chain_of(c.load("sgd_swirl")).step, (axis, axis))
    mass = plane_stationary(plane)
    return functools.partial(
        plot_current, (axis, axis), mass.reshape(plane.shape), plane.current(mass)
    )


def _laws(by: Any, **options: Any) -> Any:
    return by(linear(), np.linspace(0.9, 1.1, 20), np.array([0, 2, 4]), **options)


def _steps() -> Any:
    return steps_to_escape(pit, [0.015, 0.02, 0.025], start=PIT_START, beyond=PIT_EDGE, nodes=300)


@functools.cache
def _attraction() -> Any:
    model = c.load("lorenz").replace(parameters={"rho": 10}, method="rk4", dt=0.02)
    over = {"a[0]": (-20, 20), "b[0]": (-25, 25)}
    basins = c.attraction_basins(model, over, counts=16, depth=1)
    return basins, c.op_basins(model, over, steps=40, depth=1)


def _contingency() -> Any:
    attraction, op = _attraction()
    return c.basin_contingency(op, attraction, points=16).plot


def _tracks() -> Any:
    grid = {"p": [0.5, 0.9, 1.1, 2.0]}
    return c.basins_along(splitting(), grid, {"x[0]": (-1.97, 1.83)}).plot


def _sweep(grid: dict[str, Any], name: str = "thermostat", **options: Any) -> Any:
    return c.sweep(c.load(name), grid, **options)


def _half_done() -> Any:
    """Return the plot of a store of two held sets that lacks its last task."""
    grid = {"hold": ["T", "T[t<=1]"], "k": np.linspace(0.1, 0.9, 60), "d": np.linspace(20, 30, 90)}
    plan = plan_sweep(_thermostat(), grid, OpMeasure(steps=2), chunk=1)
    store = c.SweepStore.create(Path(tempfile.mkdtemp()) / "half.zarr", plan)
    for task in range(plan.task_count - 1):
        store.mark(task, store.write(task, plan.evaluate(task)))
    store.close()
    return c.open_sweep(store.path).plot


def _worlds() -> Any:
    w = c.world(_thermostat(), steps=60)
    x = c.world(_thermostat(), c.Nudge("R[0]", 5), steps=60, name="X")
    return functools.partial(w.plot, x)


# Name -> what makes a function that takes ax, figsize, panels and theme.
PLOTS: dict[str, Callable[[], Callable[..., Any]]] = {
    "run": lambda: c.run(_thermostat(), steps=60, delta=0.5).plot,
    "run_kinks": lambda: c.run(c.load("thermostat_saturating"), steps=300).plot,
    "run_perfect": lambda: c.run(_thermostat().replace(parameters={"k": 1}), steps=11).plot,
    "run_chaos": lambda: c.run(c.load("lorenz"), steps=2000).plot,
    "run_long_question": lambda: c.run(c.load("lorenz"), hold=LONG, steps=60).plot,
    "array_run": lambda: c.run(c.load("lorenz96"), target="x[cell=3:19]", steps=30, delta=0.1).plot,
    "array_run_film": lambda: c.run(c.load("reaction_diffusion"), steps=25).plot,
    "array_run_step": lambda: functools.partial(
        c.run(c.load("reaction_diffusion"), steps=9).plot, t=7
    ),
    "array_run_jacobian": lambda: functools.partial(c.run(NET).plot, t=0),
    "worlds": _worlds,
    "array_world": lambda: c.world(c.load("reaction_diffusion"), steps=10).plot,
    "array_world_step": lambda: functools.partial(
        c.world(c.load("reaction_diffusion"), steps=10).plot, variable="v", t=4
    ),
    "run_ensemble": lambda: (
        c.run(c.load("taylor_rule"), target="mean(gap**2)", seeds=20, steps=12).plot
    ),
    "rates_ensemble": lambda: c.rates(c.load("sgd_pit"), steps=300, seeds=12).plot,
    "sweep_ensemble_line": lambda: (
        _sweep({"to_inflation": np.linspace(0, 1, 9)}, "taylor_rule", seeds=8, steps=9).plot
    ),
    "sweep_ensemble_map": lambda: (
        _sweep(
            {"to_inflation": np.linspace(0, 1, 5), "to_gap": np.linspace(0, 1, 4)},
            "taylor_rule",
            seeds=8,
            steps=9,
            target="mean(gap**2)",
        ).plot
    ),
    "sweep_line": lambda: _sweep({"R[0]": np.linspace(15, 35, 81)}, "thermostat_saturating").plot,
    "sweep_log": lambda: _sweep({"k": np.geomspace(1e-4, 1, 25)}, steps=20).plot,
    "sweep_map": lambda: (
        _sweep(
            {"p": np.linspace(0.2, 2, 21), "R[0]": np.linspace(5, 45, 41)},
            "thermostat_saturating",
            steps=200,
        ).plot
    ),
    "sweep_diverging": lambda: (
        _sweep({"k": np.linspace(-50, 4, 28), "R[0]": np.linspace(5, 45, 9)}, steps=1000).plot
    ),
    "sweep_infinite": lambda: (
        _sweep({"k": [0.25, 0.5, 1.0, 2.0, 4.0], "d": [20.0, 25.0, 30.0]}, steps=2).plot
    ),
    "sweep_slices": lambda: (
        _sweep(
            {"k": np.geomspace(1e-3, 1, 13), "d": [20, 25, 30], "R[0]": np.linspace(5, 45, 9)},
            steps=20,
        ).plot
    ),
    "landscape": lambda: (
        c.landscapes(["thermostat_power"], size=12).results["thermostat_power"].plot
    ),
    "rate_diagram": lambda: c.landscapes(["lorenz_rates"], size=6).results["lorenz_rates"].plot,
    "refinement_line": lambda: (
        c.refine(
            c.load("thermostat_saturating"), {"R[0]": (5.03, 45.07)}, points=150, level=5.0
        ).plot
    ),
    "refinement_map": lambda: (
        c.refine(
            _thermostat(), {"k": (-50, 4), "R[0]": (5, 45)}, points=250, measure="op", steps=1000
        ).plot
    ),
    "refinement_slices": lambda: (
        c.refine(
            c.load("thermostat_saturating"),
            {"theta": (0.5, 2), "p": (0.5, 2), "R[0]": (5, 45)},
            points=400,
            steps=100,
        ).plot
    ),
    "sweep_words": lambda: (
        _sweep(
            {
                "hold": ["a", "b", "a, b"],
                "nudge": ["b[0]", "c[0]"],
                "rho": np.linspace(0.5, 30, 12),
                "a[0]": np.linspace(-10, 10, 9),
            },
            "lorenz",
            target="c",
            steps=60,
        ).plot
    ),
    "sweep_design": lambda: (
        _sweep(c.design({"k": (1e-3, 1, "log"), "R[0]": (5, 45)}, 64), steps=20).plot
    ),
    "sweep_seeds": lambda: (
        _sweep(
            {"seed": range(6), "to_inflation": np.linspace(0, 1, 9)},
            "taylor_rule",
            steps=9,
            target="mean(gap**2)",
        ).plot
    ),
    "sweep_store": _half_done,
    "rates": lambda: c.rates(_thermostat(), steps=300).plot,
    "rates_dead": lambda: c.rates(c.load("maze"), steps=300).plot,
    "rates_chaos": lambda: c.rates(c.load("lorenz"), steps=2000).plot,
    "strength": lambda: strength(c.load("thermostat_smart"), at=1, initial="uniform").plot,
    "entropies": lambda: strength(c.load("thermostat_uniform")).plot,
    "entropies_static": lambda: (
        c.Entropies(
            unit="nat",
            S=1.0,
            S_decoupled=2.5,
            S_next=0.5,
            S_next_decoupled=0.25,
            A=("a",),
            is_static=True,
        ).plot
    ),
    "currents": lambda: c.currents(c.load("lorenz"), nudge="b[0]", target="c", steps=300).plot,
    "currents_static": lambda: c.currents(c.load("amortized_conjugate")).plot,
    "currents_kinks": lambda: c.currents(c.load("thermostat_saturating"), steps=500).plot,
    "array_currents": lambda: c.currents(LOOP, **QUESTION).plot,
    "optimizers": lambda: c.find_optimizers(c.load("lorenz"), steps=50).plot,
    "optimizers_over_time": lambda: c.find_optimizers(c.load("lorenz"), steps=50).over_time().plot,
    "optimizers_over_draws": lambda: (
        c.optimizers_over_draws(c.load("lorenz"), steps=50, spread={"a": 1.0}, draws=4).plot
    ),
    "optimizer_matrix": lambda: (
        c.optimizer_matrix(
            c.load("lorenz"), sources=["a[0]", "b[0]"], targets=["b[40]", "c[40]"]
        ).plot
    ),
    "op_matrix": lambda: (
        c.op_matrix(
            _thermostat(), sources=["T[0]", "R[0]", "T[4]"], targets=["R[2]", "T[3]", "R[9]"]
        ).plot
    ),
    "sensitivity": lambda: c.sensitivity(_thermostat(), steps=50).plot,
    "frequency": lambda: c.frequency(c.load("pid_loop")).plot,
    "frequency_unstable": lambda: c.frequency(c.load("amplifier")).plot,
    "frequency_nichols": lambda: functools.partial(c.frequency(_thermostat()).plot, kind="nichols"),
    "frequency_nyquist": lambda: functools.partial(c.frequency(_thermostat()).plot, kind="nyquist"),
    "division": lambda: c.divide(two_thermostats()).plot,
    "stability": lambda: c.division_stability(two_thermostats(), starts=4).plot,
    "verdict": lambda: c.detect_optimizer(two_thermostats(), starts=4).plot,
    "false_positives": lambda: (
        FalsePositives(tuple(case_of(system) for system in known_systems()[:3]), ()).plot
    ),
    "across": lambda: c.across(c.load("lorenz"), "a", steps=9).plot,
    "region": lambda: c.region(c.load("lorenz"), "a[t<=4] | b[3<t<7]", steps=9).plot,
    "op_basins": lambda: c.op_basins(two_lobes(), PLANE, level=0.7, depth=2).plot,
    "op_basins_line": lambda: c.op_basins(splitting(2.0), {"x[0]": (-1.97, 1.83)}).plot,
    "attraction": lambda: _attraction()[0].plot,
    "contingency": _contingency,
    "tracks": _tracks,
    "rate_curve": lambda: (
        c.rate_curve(_thermostat(), {"k": [0.01, 0.1, 1.0]}, steps=900, transient=99).plot
    ),
    "answer": lambda: Answer("ensemble", (1000, 100), (0.9, 0.2), (0.03, 0.04)).plot,
    "escape_curve": lambda: (
        escape_curve(
            c.load("sgd_pit"),
            {"T": [0.015, 0.02]},
            start=PIT_START,
            beyond=PIT_EDGE,
            within=[20, 40],
        ).plot
    ),
    "escape_times": lambda: _steps().plot,
    "escape_times_fit": lambda: functools.partial(
        plot_steps_to_escape, _steps(), fit_log_line(_steps().temperatures, _steps().mean)
    ),
    "evolution": lambda: _laws(evolve_by_operator, nodes=100).plot,
    "evolution_ensemble": lambda: _laws(evolve_by_ensemble, copies=5).plot,
    "current": _plane,
    "transitions": lambda: c.transitions(PIT, **OUT, parameters={"T": 0.015}).plot,
    "least_action": lambda: (
        c.least_action(
            c.load("sgd_swirl"), end={"u": 0.6, "v": 0.3}, limit="rate", initial={"u": 0, "v": 0}
        ).plot
    ),
    "basin_diagram": lambda: (
        c.basin_diagram(WELLS, {"width_left": [0.8, 1.2]}, barrier=0, parameters={"T": 0.3}).plot
    ),
    "comparison": lambda: compare_measures(["solver", "bystander", "thermostat_smart"]).plot,
    "loop_shares": lambda: loop_shares(c.load("lorenz"), steps=50).plot,
    "film": lambda: c.watch(c.load("cart_pole"), seeds=2, updates=2, permutations=0).plot,
    "training": lambda: c.train(c.load("cart_pole"), seeds=3, updates=6).plot,
    "attribution": lambda: c.shapley(c.load("lorenz"), hold="a, c", nudge="b[0]", at=60).plot,
    "attribution_drawn": lambda: (
        c.shapley(c.load("lorenz"), hold="a, c", nudge="b[0]", at=60, permutations=5).plot
    ),
    "amount": lambda: (
        c.optimization_amount(
            c.load("thermostat_saturating"), {"R[0]": (5, 45)}, counts=64, steps=200
        ).plot
    ),
    "amount_trapezoid": lambda: (
        c.optimization_amount(
            c.load("thermostat_saturating"), {"R[0]": (5, 45)}, rule="trapezoid", counts=64
        ).plot
    ),
    "share": lambda: (
        c.op_share(c.load("thermostat_saturating"), {"R[0]": (5, 45)}, level=5.0, points=64).plot
    ),
    "noisy_op": lambda: c.noisy_op(c.load("sgd_pit"), starts=np.ones(60), steps=30).plot,
    "side_by_side": lambda: c.side_by_side(_thermostat(), steps=60).plot,
    "side_by_side_labels": lambda: (
        c.label_side_by_side(
            c.load("thermostat_smart"),
            ["low", "warm"],
            nudge="room",
            to="hot",
            target="room",
            steps=2,
        ).plot
    ),
    "gradients": lambda: functools.partial(
        descent, c.load("sgd_pit"), show="gradients", span=(0.5, 2.5)
    ),
    "losses": lambda: functools.partial(descent, c.load("sgd_pit"), show="losses"),
}


@functools.cache
def plot_of(name: str) -> Callable[..., Any]:
    """Return the plot function of a result, made once."""
    return PLOTS[name]()
