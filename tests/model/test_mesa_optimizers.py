"""The shipped models of mesa-optimizers and amortization keep their closed forms."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import sympy

from causalopt import load, op_matrix, run
from causalopt.symbolic.derive import derive

SEEDS = range(4)


def drawn(seed: int, **ranges: tuple[float, float]) -> dict[str, float]:
    """Return a number from each range, to three decimals."""
    random = np.random.default_rng(seed)
    return {name: round(float(random.uniform(*ends)), 3) for name, ends in ranges.items()}


@pytest.mark.parametrize("seed", SEEDS)
def test_the_op_of_a_guess_and_of_the_steps_after_it_adds(seed: int) -> None:
    p = drawn(seed, w=(0.1, 0.9), alpha=(0.1, 0.6), b=(0.5, 1.5))
    model, K = load("semi_amortized"), 4
    guess, steps, both = (
        run(model, parameters=p, hold=hold, steps=K).op[-1] for hold in ("guess", "step", None)
    )
    assert guess == pytest.approx(-math.log(abs(1 - p["b"] * p["w"])), abs=1e-12)
    assert steps == pytest.approx(-K * math.log(abs(1 - p["alpha"] * p["b"])), abs=1e-12)
    assert both == pytest.approx(guess + steps, abs=1e-12)


@pytest.mark.parametrize("K", [0, 1, 5])
def test_it_is_the_solver_without_a_guess_and_amortized_without_steps(K: int) -> None:
    p = {"alpha": 0.4, "b": 0.7}
    semi = run(load("semi_amortized"), parameters=p | {"w": 0}, steps=K).comp[-1]
    assert semi == pytest.approx(run(load("solver"), parameters=p, steps=K).comp[-1], abs=1e-15)
    semi = run(load("semi_amortized"), parameters={"w": 0.6, "b": 0.7}, steps=0).comp[-1]
    amortized = run(load("amortized"), parameters={"w": 0.6, "b": 0.7}).comp[-1]
    assert semi == pytest.approx(amortized, abs=1e-15)


def test_the_maze_at_test_has_its_closed_form_as_a_formula() -> None:
    found = derive(load("maze"), parameters={"train": 0})
    z, alpha, t = sympy.symbols("z alpha t")
    names = {str(symbol): symbol for symbol in found.comp.free_symbols}
    claimed = (1 - z * (1 - (1 - alpha) ** t)).subs(
        {z: names["z"], alpha: names["alpha"], t: names["t"]}
    )
    assert found.verified
    assert sympy.simplify(found.comp - claimed) == 0


@pytest.mark.parametrize(("z", "T"), [*itertools.product([-0.5, 0, 0.3, 1, 1.7], [1, 6, 25])])
def test_the_maze_at_test_runs_as_its_closed_form(z: float, T: int) -> None:
    found = run(load("maze"), parameters={"z": z, "train": 0}, steps=T)
    assert found.comp[-1] == pytest.approx(1 - z * (1 - 0.7**T), abs=1e-14)


@pytest.mark.parametrize("question", [("D[0]", "e_D"), ("off[0]", "e_R")])
def test_the_deceptive_agent_is_the_robust_one_while_the_cue_is_on(
    question: tuple[str, str],
) -> None:
    nudge, target = question
    for train in (0, 1):
        ends = [
            run(load(name), nudge=nudge, target=target, parameters={"train": train}).comp[-1]
            for name in ("deceptive_maze", "maze")
        ]
        assert ends[0] == ends[1]


@pytest.mark.parametrize("question", [("D[0]", "e_D"), ("off[0]", "e_R")])
def test_the_deceptive_agent_is_the_pseudo_aligned_one_while_it_is_off(
    question: tuple[str, str],
) -> None:
    nudge, target = question
    for train in (0, 1):
        deceptive = {"train": train, "cued": 0}
        pseudo = {"train": train, "z": 0}
        found = [
            run(load(name), nudge=nudge, target=target, parameters=p).comp[-1]
            for name, p in [("deceptive_maze", deceptive), ("maze", pseudo)]
        ]
        assert found[0] == found[1]


def test_only_a_finite_nudge_sees_the_cue_and_only_where_the_object_is_elsewhere() -> None:
    model = load("deceptive_maze")
    limit = run(model, nudge="cue[0]", target="pos", parameters={"train": 0})
    assert limit.status[-1] == "no_influence"
    for train, moved in ((0, (1 - 0.7**6) * (5 - 10)), (1, 0.0)):
        found = run(model, nudge="cue[0]", target="pos", parameters={"train": train}, delta=-1)
        assert found.total[-1] == pytest.approx(-moved, abs=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_purpose_objective_and_goal_lose_a_factor_each(seed: int) -> None:
    p = drawn(seed, outer=(-1, 1), inner=(-1, 1), alpha=(0.1, 0.9))
    reach = 1 - (1 - p["alpha"]) ** 5
    for nudge, target, followed in [
        ("P[0]", "e_P", p["outer"] * p["inner"] * reach),
        ("own[0]", "e_O", p["inner"] * reach),
        ("lure[0]", "e_g", reach),
    ]:
        found = run(load("alignment_chain"), nudge=nudge, target=target, parameters=p, steps=5)
        assert found.comp[-1] == pytest.approx(1 - followed, abs=1e-13)


@pytest.mark.parametrize("seed", SEEDS)
def test_training_optimizes_the_goal_as_far_as_it_parts_the_objects(seed: int) -> None:
    p = drawn(seed, alpha=(0.1, 0.9), eta=(0.01, 0.3), spread=(0.1, 1.5), door=(-3, 3), red=(-3, 3))
    reach, z = 1 - (1 - p["alpha"]) ** 6, 0.2
    for t in range(30):
        off = p["spread"] * (-1) ** t
        error = p["door"] - reach * (p["door"] + (1 - z) * off)
        z -= p["eta"] * error * reach * off
    found = run(load("trained_maze"), parameters=p, steps=30)
    assert found.op[-1] == pytest.approx(
        -30 * math.log(abs(1 - p["eta"] * reach**2 * p["spread"] ** 2)), abs=1e-11
    )
    assert found.W["z"][-1] == pytest.approx(z, abs=1e-12)
    at_test = run(
        load("trained_maze"),
        parameters=p,
        nudge="D_new[30]",
        hold="pos_new",
        target="e_new",
        steps=30,
    )
    assert at_test.comp[-1] == pytest.approx(1 - z * reach, abs=1e-12)
    ends = reach * (z * p["door"] + (1 - z) * p["red"])
    assert at_test.W["pos_new"][-1] == pytest.approx(ends, abs=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_meta_optimizer_goes_by_the_curvature_of_the_final_loss(seed: int) -> None:
    p = {"lambda": 1.3, "beta": 0.02 + 0.01 * seed}
    eta = sympy.Symbol("eta")
    loss = sympy.Rational(13, 20) * (1 - sympy.Rational(13, 10) * eta) ** 4
    slope, curvature = (sympy.lambdify(eta, sympy.diff(loss, eta, order)) for order in (1, 2))
    rate, comp = 0.2, 1.0
    for _ in range(15):
        comp *= 1 - p["beta"] * curvature(rate)
        rate -= p["beta"] * slope(rate)
    found = run(load("meta_optimizer"), parameters=p, steps=15)
    assert found.W["eta"][-1] == pytest.approx(rate, abs=1e-13)
    assert found.comp[-1] == pytest.approx(comp, abs=1e-13)
    made = run(
        load("meta_optimizer"),
        parameters=p,
        nudge="start[15]",
        hold="G_0, G_1",
        target="theta_2",
        steps=15,
    )
    assert made.comp[-1] == pytest.approx((1 - 1.3 * rate) ** 2, abs=1e-13)


@pytest.mark.parametrize("seed", SEEDS)
def test_an_amortized_conjugate_leaves_the_matrix_i_minus_h_w(seed: int) -> None:
    p = drawn(seed, h_1=(1, 3), h_2=(1, 3), c=(-0.9, 0.9), w_1=(0.2, 0.8), w_2=(0.2, 0.8))
    found = op_matrix(
        load("amortized_conjugate"), sources=["y_1", "y_2"], targets=["e_1", "e_2"], parameters=p
    ).dataset
    H = np.array([[p["h_1"], p["c"]], [p["c"], p["h_2"]]])
    expected = np.eye(2) - H @ np.diag([p["w_1"], p["w_2"]])
    np.testing.assert_allclose(found.total.values.T, expected, atol=1e-14)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_conjugate_at_the_maximiser_obeys_the_envelope_theorem(seed: int) -> None:
    p = drawn(seed, h_1=(1, 3), h_2=(1, 3), w_1=(0.1, 0.9))
    best: dict[str, float | str] = {**p, "c": 0, "w_1": f"1/{p['h_1']}", "w_2": f"1/{p['h_2']}"}
    model = load("amortized_conjugate")
    found = run(model, target="value", parameters=best)
    assert found.comp[0] == pytest.approx(1, abs=1e-14)
    assert found.W["value"][0] == pytest.approx(1 / p["h_1"] / 2 + 4 / p["h_2"] / 2, abs=1e-14)
    e_1 = 1 - p["h_1"] * p["w_1"]
    off = run(model, target="value", parameters=best | {"w_1": p["w_1"]})
    assert off.comp[0] == pytest.approx(1 + e_1, abs=1e-14)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_map_between_gaussians_goes_by_the_hessian_of_the_distance(seed: int) -> None:
    p = drawn(seed, m_x=(-1, 1), s_x=(0.5, 1.5), eta=(0.05, 0.4))
    hessian = np.array([[1, p["m_x"]], [p["m_x"], p["m_x"] ** 2 + p["s_x"] ** 2]])
    # Errors are J (shift, scale) - (m, s); J J^T is similar to the Hessian J^T J.
    jacobian = np.array([[1, p["m_x"]], [0, p["s_x"]]])
    assert jacobian.T @ jacobian == pytest.approx(hessian, abs=1e-14)
    left = np.linalg.matrix_power(np.eye(2) - p["eta"] * jacobian @ jacobian.T, 7)
    model = load("optimal_transport_1d").replace(parameters=p)
    for (i, nudge), (j, target) in itertools.product(
        enumerate(["m[0]", "s[0]"]), enumerate(["e_m", "e_s"])
    ):
        total = run(model, nudge=nudge, target=target, steps=7).total[-1]
        assert total == pytest.approx(-left[j, i], abs=1e-13)


def test_the_map_that_descent_finds_is_the_increasing_rearrangement() -> None:
    scipy_stats = pytest.importorskip("scipy.stats")
    found = run(load("optimal_transport_1d"), parameters={"m_x": 0.5, "s_x": 1.2}, steps=400)
    places = np.linspace(-2, 3, 7)
    reached = found.W["shift"][-1] + found.W["scale"][-1] * places
    quantiles = scipy_stats.norm(0.5, 1.2).cdf(places)
    assert reached == pytest.approx(scipy_stats.norm(3, 1).ppf(quantiles), abs=1e-9)


def plan(a: float, b: float, k: float, iterations: int) -> np.ndarray:
    """Return the plan of Sinkhorn's iteration by matrices, in the order of Cuturi's algorithm 1."""
    kernel, v = np.array([[1, k], [k, 1]]), np.ones(2)
    v = np.array([b, 1 - b]) / (kernel.T @ v)
    for _ in range(iterations):
        u = np.array([a, 1 - a]) / (kernel @ v)
        v = np.array([b, 1 - b]) / (kernel.T @ u)
    return np.asarray(u[:, None] * kernel * v)


@pytest.mark.parametrize("seed", SEEDS)
def test_sinkhorn_is_the_iteration_by_matrices(seed: int) -> None:
    p = drawn(seed, b=(0.2, 0.8), distance=(0.5, 1.5), epsilon=(0.3, 2))
    a, k = 0.3, math.exp(-(p["distance"] ** 2) / p["epsilon"])
    found = run(load("sinkhorn"), parameters=p, initial={"a": a}, steps=6)
    carried = plan(a, p["b"], k, 6)
    assert found.W["row"][-1] == pytest.approx(carried[0].sum(), abs=1e-13)
    h = 1e-6
    slope = (plan(a + h, p["b"], k, 6) - plan(a - h, p["b"], k, 6))[0].sum() / (2 * h)
    assert found.total[-1] == pytest.approx(1 - slope, abs=1e-8)


@pytest.mark.parametrize("seed", SEEDS)
def test_sinkhorn_contracts_by_the_square_of_the_plans_second_singular_value(seed: int) -> None:
    p = drawn(seed, b=(0.2, 0.8), epsilon=(0.4, 2))
    a, k = 0.35, math.exp(-1 / p["epsilon"])
    limit = plan(a, p["b"], k, 2000)
    scaled = limit / np.sqrt(np.outer(limit.sum(1), limit.sum(0)))
    rho = np.linalg.svd(scaled, compute_uv=False)[1]
    found = run(load("sinkhorn"), parameters=p, initial={"a": a}, nudge="a[200]", steps=204)
    assert found.op[204] - found.op[203] == pytest.approx(-2 * math.log(rho), abs=1e-7)


@pytest.mark.parametrize("force", [-0.05, 0.0, 0.02])
def test_the_path_is_the_one_of_least_action(force: float) -> None:
    T, start, goal = 10, 0.3, 1.2
    # The action's minimum between fixed ends, by a linear system, gives the exact first step.
    system = (2 + force) * np.eye(T - 1) - np.eye(T - 1, k=1) - np.eye(T - 1, k=-1)
    ends = np.zeros(T - 1)
    ends[0], ends[-1] = start, goal
    best = np.linalg.solve(system, ends)
    w = (best[0] - start) / (goal - start)
    model = load("amortized_path").replace(
        parameters={"w": w, "force": force}, initial={"start": start, "goal": goal}
    )
    found = run(model, steps=T)
    assert found.W["x"][1:T] == pytest.approx(best, abs=1e-12)
    assert found.W["e"][-1] == pytest.approx(0, abs=1e-12)
