"""The shipped lattices beside the same systems written out cell by cell, and beside other code."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from causalopt import Model, Nudge, Replace, load, run, world
from causalopt.effects.arrays.array_run import ArrayRun
from causalopt.errors import QuestionError
from causalopt.worlds.array_world import ArrayWorld

Cells = set[tuple[int, int]]


def resized(name: str, **changes: Any) -> Model:
    """Return a shipped lattice of another size, without its question and facts."""
    data = load(name).model_dump(exclude={"question", "facts"})
    starts = changes.pop("initial", {})
    for variable, start in starts.items():
        data["variables"][variable]["initial"] = start
    return Model(**{**data, **changes})


def lorenz96(n: int, start: list[float]) -> tuple[Model, Model]:
    cells = {
        f"x{i}": {
            "flow": f"(x{(i + 1) % n} - x{(i - 2) % n})*x{(i - 1) % n} - x{i} + F",
            "initial": start[i],
        }
        for i in range(n)
    }
    energy = {"rule": "(" + " + ".join(f"x{i}[t]**2" for i in range(n)) + ")/2"}
    numbers = Model(
        name="by_hand",
        parameters={"F": 8},
        variables={**cells, "energy": energy},
        dt=0.05,
        method="rk4",
    )
    return resized("lorenz96", sizes={"cell": n}, initial={"x": start}), numbers


def oscillators(n: int, start: list[float]) -> tuple[Model, Model]:
    variables: dict[str, Any] = {}
    for i in range(n):
        before, after = (i - 1) % n, (i + 1) % n
        variables[f"theta{i}"] = {
            "flow": f"spread*sin(2*pi*{i}/{n}) + pull{i}",
            "initial": start[i],
        }
        variables[f"pull{i}"] = {
            "algebraic": f"K/2*(sin(theta{before} - theta{i}) + sin(theta{after} - theta{i}))"
        }
    numbers = Model(
        name="by_hand",
        parameters={"K": 1, "spread": 0.1},
        variables=variables,
        dt=0.05,
        method="rk4",
    )
    return resized("oscillators", sizes={"unit": n}, initial={"theta": start}), numbers


def reaction_diffusion(rows: int, columns: int, seed: int) -> tuple[Model, Model]:
    rng = np.random.default_rng(seed)
    u, v = rng.uniform(0.3, 0.6, (rows, columns)), rng.uniform(0.1, 0.4, (rows, columns))
    variables: dict[str, Any] = {}
    for r, c in itertools.product(range(rows), range(columns)):
        near = [((r + d) % rows, c) for d in (-1, 1)] + [(r, (c + d) % columns) for d in (-1, 1)]
        own = f"{r}_{c}"
        for name, start, rest in (
            ("u", u, f"- u{own}*v{own}**2 + feed*(1 - u{own})"),
            ("v", v, f"+ u{own}*v{own}**2 - (feed + kill)*v{own}"),
        ):
            around = " + ".join(f"{name}{a}_{b}" for a, b in near)
            variables[f"{name}{own}"] = {
                "flow": f"D{name}*({around} - 4*{name}{own}) {rest}",
                "initial": float(start[r, c]),
            }
    numbers = Model(
        name="by_hand",
        parameters={"feed": 0.035, "kill": 0.06, "Du": 0.16, "Dv": 0.08},
        variables=variables,
        dt=1,
        method="euler",
    )
    lattice = resized(
        "reaction_diffusion",
        sizes={"row": rows, "column": columns},
        initial={"u": u.tolist(), "v": v.tolist()},
    )
    return lattice, numbers


RING = [8.1, 7.3, 8.0, 6.5, 9.2, 8.4]
PHASES = [0.0, 0.4, -0.3, 1.1, 0.2]


@pytest.mark.parametrize(
    ("make", "nudge", "hold", "target"),
    [
        (lambda: lorenz96(6, RING), ("x[0, cell=2]", "x2[0]"), ("x[cell=3]", "x3"), ("x", 4)),
        (
            lambda: lorenz96(6, RING),
            ("x[3, cell=2]", "x2[3]"),
            ("x[5<=t<12, cell=3:5]", "x3[5<=t<12], x4[5<=t<12]"),
            ("x", 2),
        ),
        (
            lambda: oscillators(5, PHASES),
            ("theta[0, unit=1]", "theta1[0]"),
            ("pull", "pull0, pull1, pull2, pull3, pull4"),
            ("theta", 1),
        ),
        (
            lambda: oscillators(5, PHASES),
            ("theta[2, unit=1]", "theta1[2]"),
            (
                "pull[4<=t<15, unit=0:2], theta[t>=18, unit=2]",
                "pull0[4<=t<15], pull1[4<=t<15], theta2[t>=18]",
            ),
            ("theta", 3),
        ),
    ],
    ids=["lorenz96", "lorenz96 for a while", "oscillators", "oscillators for a while"],
)
def test_a_ring_agrees_with_its_cells_written_out(
    make: Callable[[], tuple[Model, Model]],
    nudge: tuple[str, str],
    hold: tuple[str, str],
    target: tuple[str, int],
) -> None:
    lattice, numbers = make()
    name, place = target
    dim = {"x": "cell", "theta": "unit"}[name]
    steps = 30
    for delta in (None, 0.01):
        found = run(
            lattice,
            nudge=nudge[0],
            hold=hold[0],
            target=f"{name}[{dim}={place}]",
            steps=steps,
            delta=delta,
        )
        expected = run(
            numbers, nudge=nudge[1], hold=hold[1], target=f"{name}{place}", steps=steps, delta=delta
        )
        np.testing.assert_allclose(found.W[name][:, place], expected.W[f"{name}{place}"], 1e-12)
        # A difference quotient cancels: what is left of 1e-12 is what the sizes of x and w leave.
        rough = 1e-12 if delta is None else 1e-9
        np.testing.assert_allclose(found.total, expected.total, rough, atol=rough)
        np.testing.assert_allclose(found.direct, expected.direct, rough, atol=rough)
        np.testing.assert_allclose(found.op, expected.op, rough, atol=rough)


def test_a_plane_agrees_with_its_cells_written_out() -> None:
    lattice, numbers = reaction_diffusion(4, 3, seed=1)
    held = [f"u{r}_{c}[t>=2]" for r in (1, 2) for c in range(3)]
    found = run(
        lattice, nudge="v[1, row=2, column=1]", hold="u[t>=2, row=1:3]", target="v", steps=25
    )
    assert found.total.shape == (26, 4, 3, 1)
    totals, directs = [], []
    for r, c in itertools.product(range(4), range(3)):
        cell = run(numbers, nudge="v2_1[1]", hold=held, target=f"v{r}_{c}", steps=25)
        np.testing.assert_allclose(found.W["v"][:, r, c], cell.W[f"v{r}_{c}"], 1e-12)
        np.testing.assert_allclose(found.total[:, r, c, 0], cell.total, 1e-12, atol=1e-16)
        np.testing.assert_allclose(found.direct[:, r, c, 0], cell.direct, 1e-12, atol=1e-16)
        totals.append(cell.total)
        directs.append(cell.direct)
    with np.errstate(all="ignore"):
        op = np.log(np.linalg.norm(directs, axis=0)) - np.log(np.linalg.norm(totals, axis=0))
    np.testing.assert_allclose(found.op[1:], op[1:], atol=1e-12)


def lorenz96_step(x: np.ndarray, forcing: float, dt: float) -> np.ndarray:
    def slope(x: np.ndarray) -> np.ndarray:
        n = len(x)
        return np.array([(x[(i + 1) % n] - x[i - 2]) * x[i - 1] - x[i] + forcing for i in range(n)])

    a = slope(x)
    b = slope(x + dt / 2 * a)
    c = slope(x + dt / 2 * b)
    moved: np.ndarray = x + dt / 6 * (a + 2 * b + 2 * c + slope(x + dt * c))
    return moved


def test_lorenz96_has_the_jacobian_of_complex_steps() -> None:
    # The derivative of an analytic step is the imaginary part of a step along i times 1e-100.
    model, steps, h = load("lorenz96"), 60, 1e-100
    start = np.full(40, 8.0)
    start[20] += 0.01
    found = run(model, nudge="x[0]", hold="energy", target="x", steps=steps)
    assert isinstance(found, ArrayRun)
    columns = []
    for j in range(40):
        x = start.astype(complex)
        x[j] += 1j * h
        for _ in range(steps):
            x = lorenz96_step(x, 8.0, 0.05)
        columns.append(x.imag / h)
    np.testing.assert_allclose(found.W["x"][-1], x.real, rtol=1e-9)
    np.testing.assert_allclose(
        found.jacobian().total, np.array(columns).T, rtol=0, atol=1e-9 * float(np.max(columns))
    )


@pytest.mark.slow
def test_lorenz96_grows_at_the_published_exponent() -> None:
    # Karimi & Paul, Chaos 20, 043105 (2010), and others: 1.67 to 1.68 for 40 cells and F = 8.
    found = run(load("lorenz96"), nudge="x[0]", hold="energy", target="x", steps=8000, along=RANDOM)
    exponents = found.effect.total.log
    rate = (exponents[-1] - exponents[400]) / (0.05 * 7600)
    assert rate == pytest.approx(1.675, abs=0.06)


RANDOM = np.random.default_rng(3).normal(size=40)


GLIDER: Cells = {(4, 5), (5, 6), (6, 4), (6, 5), (6, 6)}


def life(alive: Cells, size: int = 16) -> Cells:
    near = Counter(
        ((r + a) % size, (c + b) % size)
        for r, c in alive
        for a, b in itertools.product((-1, 0, 1), repeat=2)
        if a or b
    )
    return {cell for cell, count in near.items() if count == 3 or (count == 2 and cell in alive)}


def lives(
    alive: Cells, steps: int, force: Callable[[int, Cells], Cells] | None = None
) -> list[Cells]:
    courses = [alive]
    for t in range(1, steps + 1):
        alive = life(alive)
        courses.append(alive if force is None else force(t, alive))
        alive = courses[-1]
    return courses


def as_cells(board: np.ndarray) -> Cells:
    return {(int(r), int(c)) for r, c in np.argwhere(board == 1)}


def boards(*interventions: Nudge, steps: int) -> np.ndarray:
    return np.asarray(world(load("game_of_life"), *interventions, steps=steps)["cell"])


def box(alive: Cells) -> tuple[tuple[int, int], tuple[int, int]]:
    rows, columns = zip(*alive, strict=True)
    return (min(rows), max(rows) + 1), (min(columns), max(columns) + 1)


def test_the_glider_is_broken_by_every_flip_that_outlives_a_step() -> None:
    # It shields nothing: a flip that it does not feel has died of loneliness, not of the glider.
    steps = 16
    base = boards(steps=steps)
    expected = lives(GLIDER, steps)
    assert [as_cells(board) for board in base] == expected
    felt = broken = 0
    for r, c in itertools.product(range(1, 10), repeat=2):
        flip = -1 if (r, c) in GLIDER else 1
        node = f"cell[0, row={r}, column={c}]"
        other = boards(Nudge(node, flip), steps=steps)
        assert [as_cells(board) for board in other] == lives(GLIDER ^ {(r, c)}, steps)
        felt += bool((other[1] != base[1]).any())
        broken += not expected[-1] <= as_cells(other[-1])
    assert felt == broken == 33


def test_the_glider_held_in_its_moving_box_agrees_with_sets() -> None:
    model, steps = load("game_of_life"), 12
    expected = lives(GLIDER, steps)
    hold = [
        "cell[{}, row={}:{}, column={}:{}]".format(t, *itertools.chain(*box(alive)))
        for t, alive in enumerate(expected)
        if t
    ]

    def force(t: int, alive: Cells) -> Cells:
        (a, b), (c, d) = box(expected[t])
        inside = set(itertools.product(range(a, b), range(c, d)))
        kept: Cells = (alive - inside) | (expected[t] & inside)
        return kept

    for cell in ((3, 5), (3, 6), (4, 7), (5, 5), (7, 3)):
        node, flip = "cell[0, row={}, column={}]".format(*cell), -1 if cell in GLIDER else 1
        found = run(model, nudge=node, hold=hold, target="cell", steps=steps, delta=flip)
        x, y = lives(GLIDER ^ {cell}, steps), lives(GLIDER ^ {cell}, steps, force)
        for t in range(steps + 1):
            changed, left = len(x[t] ^ expected[t]), len(y[t] ^ expected[t])
            assert abs(found.effect.total.value[t]) == pytest.approx(changed**0.5)
            assert abs(found.effect.direct.value[t]) == pytest.approx(left**0.5)
            if changed and left:
                assert found.status[t] == "ok"
                assert found.op[t] == pytest.approx(0.5 * np.log(left / changed))
            else:
                name = "only_path" if changed else "perfect" if left else "no_influence"
                assert found.status[t] == name


def frame(alive: Cells) -> list[str]:
    """Return the cells up to two away from a glider's box, as ranges of rows and columns."""
    (a, b), (c, d) = box(alive)
    strips = [
        (a - 2, a, c - 2, d + 2),
        (b, b + 2, c - 2, d + 2),
        (a, b, c - 2, c),
        (a, b, d, d + 2),
    ]
    return [f"row={r}:{s}, column={u}:{v}" for r, s, u, v in strips]


def test_a_boundary_that_is_held_lets_nothing_in() -> None:
    # A blinker in the glider's way. The box moves a cell at once, so that the frame has two.
    model, steps = load("game_of_life"), 14
    expected = lives(GLIDER, steps)
    blinker = {(10, column) for column in (8, 9, 10)}
    hold = [f"cell[{t}, {s}]" for t in range(1, steps + 1) for s in frame(expected[t])]
    (a, b), (c, d) = box(expected[steps])
    found = run(
        model,
        nudge="cell[0, row=10, column=8:11]",
        hold=hold,
        target=f"cell[row={a}:{b}, column={c}:{d}]",
        steps=steps,
        delta=1,
    )
    inside = set(itertools.product(range(a, b), range(c, d)))
    hit = lives(GLIDER | blinker, steps)[steps] ^ expected[steps]
    assert len(hit & inside) > 0
    # n is a direction of three cells, each nudged by 1.
    assert found.effect.total.value[steps] == pytest.approx(len(hit & inside) ** 0.5)
    assert found.effect.direct.value[steps] == 0
    assert found.status[steps] == "only_path"


def test_a_cell_of_whole_numbers_has_no_derivative() -> None:
    with pytest.raises(QuestionError, match=r"'around' takes whole numbers.*delta=1"):
        run(load("game_of_life"), steps=3)


def test_a_cell_declared_real_sits_on_a_kink() -> None:
    data = load("game_of_life").model_dump(exclude={"question", "facts"})
    for variable in data["variables"].values():
        variable["kind"] = "real"
    model = Model(**data)
    found = run(model, nudge="cell[0, row=3, column=5]", hold="alive", target="cell", steps=3)
    assert found.status[0] == "ok"
    assert set(found.status[1:]) == {"kink"}


def test_an_integer_lattice_that_leaves_the_whole_numbers_is_refused() -> None:
    rule = {"shape": ["cell"], "rule": "c[t-1]/2", "initial": [2, 4], "kind": "integer"}
    model = Model(name="m", sizes={"cell": 2}, variables={"c": rule, "n": "sum(c[t])"})
    with pytest.raises(QuestionError, match=r"'c' took the value 0.5 at t = 2: wrap its rule"):
        run(model, nudge="c[0]", hold="n", target="c", steps=3, delta=2)


def test_a_wall_of_held_cells_lets_nothing_through() -> None:
    model = load("reaction_diffusion")
    wall = ", ".join(f"{v}[column={c}]" for v in "uv" for c in (8, 24))
    inside = run(
        model, nudge="v[0, row=16, column=16]", hold=wall, target="v[column=9:24]", steps=60
    )
    outside = run(
        model, nudge="v[0, row=16, column=16]", hold=wall, target="v[column=25:32]", steps=60
    )
    assert set(inside.status) == {"ok"}
    # Eight cells to the wall, and one a step: from then on all comes through A.
    assert set(outside.status[9:]) == {"only_path"}
    assert (outside.direct == 0).all()


@pytest.mark.parametrize(
    ("name", "nudge", "hold"),
    [
        ("lorenz96", "x[2, cell=20]", "x[5<=t<12, cell=21:31]"),
        ("oscillators", "theta[2, unit=1]", "pull[4<=t<15, unit=0:2], theta[t>=18, unit=2]"),
    ],
)
def test_replacing_nodes_from_w_is_holding_them(name: str, nudge: str, hold: str) -> None:
    # The stages of a Runge-Kutta step are replaced with the nodes they lie between.
    model = load(name)
    variable = nudge.split("[")[0]
    base = world(model, steps=25)
    assert isinstance(base, ArrayWorld)
    y = world(model, Nudge(nudge, 0.1), Replace(hold, base), steps=25)  # type: ignore[arg-type]
    found = run(model, nudge=nudge, hold=hold, target=variable, steps=25, delta=0.1)
    assert found.Y is not None
    assert found.X is not None
    np.testing.assert_array_equal(y[variable], found.Y[variable])
    assert not np.allclose(y[variable], found.X[variable])
