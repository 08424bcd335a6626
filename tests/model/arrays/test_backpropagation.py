"""`grad` in rules against jax.grad of the same network written in jax.numpy."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import causalopt
from causalopt import Model, ModelError

SIZES = {"pos": 5, "unit": 4, "digit": 3, "tap": 2}
SHAPES = {"x": ["pos", "unit"], "W": ["unit", "digit"], "k": ["tap"], "b": ["digit"], "g": ["unit"]}
FUNCTIONS = {
    "norm(z, g)": "g*(z - reshape(mean(z, unit), pos, 1))"
    "/sqrt(reshape(mean(z*z, unit) - mean(z, unit)**2, pos, 1) + 1e-5)"
}


def jax_norm(z, g):
    mean = z.mean(axis=1, keepdims=True)
    spread = (z * z).mean(axis=1, keepdims=True) - mean**2
    return g * (z - mean) / jnp.sqrt(spread + 1e-5)


NETWORKS = {
    "softmax and cross entropy": (
        {"z": (["pos", "digit"], "x @ W + b"), "loss": ([], "-sum(log(softmax(z)[:, 1]))")},
        lambda v: -jnp.sum(jnp.log(jax.nn.softmax(v["x"] @ v["W"] + v["b"])[:, 1])),
    ),
    "layer norm and gelu": (
        {"z": (["pos", "unit"], "gelu(norm(x, g))"), "loss": ([], "sum((z @ W)**2)")},
        lambda v: jnp.sum((jax.nn.gelu(jax_norm(v["x"], v["g"]), approximate=False) @ v["W"]) ** 2),
    ),
    "convolution and largest": (
        {
            "c": ([4, "unit"], "einsum('put,t->pu', windows(x, pos, tap), k)"),
            "loss": ([], "sum(max(c, unit)) + logsumexp(c[0])"),
        },
        lambda v: (
            jnp.sum(jnp.max(v["k"][0] * v["x"][:-1] + v["k"][1] * v["x"][1:], axis=1))
            + jax.nn.logsumexp(v["k"][0] * v["x"][0] + v["k"][1] * v["x"][1])
        ),
    ),
    "attention": (
        {
            "s": (["pos", "pos"], "softmax((x @ transpose(x))/sqrt(unit))"),
            "y": (["pos", "digit"], "tanh((s @ x) @ W + b)"),
            "loss": ([], "sum(y*y*y) + sum(relu(y))"),
        },
        lambda v: (lambda y: jnp.sum(y**3) + jnp.sum(jnp.maximum(y, 0)))(
            jnp.tanh((jax.nn.softmax(v["x"] @ v["x"].T / jnp.sqrt(4.0)) @ v["x"]) @ v["W"] + v["b"])
        ),
    ),
    "choices and takes": (
        {
            "y": (["pos", "unit"], "where(x > 0, log(x), x*x)"),
            "picked": ([2, "unit"], "concat(y[4:5], reshape(take(y, 1, pos), 1, unit), dim0)"),
            "loss": ([], "sum(picked @ W) + sum(roll(y, 1, pos)*y) + sum(shift(b, 1, digit)*b)"),
        },
        lambda v: (
            lambda y: (
                jnp.sum(y[jnp.array([4, 1])] @ v["W"])
                + jnp.sum(jnp.roll(y, 1, axis=0) * y)
                + jnp.sum(v["b"][:-1] * v["b"][1:])
            )
        )(jnp.where(v["x"] > 0, jnp.log(jnp.abs(v["x"])), v["x"] ** 2)),
    ),
}


@pytest.fixture(autouse=True)
def _sixty_four_bits():
    with jax.enable_x64():
        yield


@pytest.mark.parametrize("name", NETWORKS)
def test_grad_is_jaxs(name: str) -> None:
    layers, loss = NETWORKS[name]
    rng = np.random.default_rng(0)
    values = {n: rng.normal(size=[SIZES[d] for d in dims]) for n, dims in SHAPES.items()}
    expected = jax.grad(loss)({n: jnp.array(v) for n, v in values.items()})
    used = [n for n in SHAPES if np.any(np.asarray(expected[n]))]
    variables = {n: {"shape": SHAPES[n], "initial": v.tolist()} for n, v in values.items()}
    variables |= {
        n: {"shape": dims, "rule": rule} if dims else {"rule": rule}
        for n, (dims, rule) in layers.items()
    }
    variables |= {f"d{n}": {"shape": SHAPES[n], "rule": f"grad(loss, {n})"} for n in used}
    model = Model(name="net", sizes=SIZES, variables=variables, functions=FUNCTIONS)
    world = causalopt.world(model)
    assert used
    for n in used:
        np.testing.assert_allclose(world[f"d{n}"], expected[n], rtol=1e-11, atol=1e-12)


def test_a_gradient_through_a_step_of_gradient_descent_is_jaxs() -> None:
    """The learning rate's own gradient: grad of a loss that comes after a grad."""
    model = Model(
        name="meta",
        sizes={"n": 3},
        variables={
            "w": {"shape": ["n"], "initial": [0.5, -1, 2]},
            "rate": {"initial": 0.1},
            "inner": {"rule": "sum(sin(w)*w)"},
            "moved": {"shape": ["n"], "rule": "w - rate*grad(inner, w)"},
            "outer": {"rule": "sum(moved**4)"},
            "dr": {"rule": "grad(outer, rate)"},
            "dw": {"shape": ["n"], "rule": "grad(outer, w)"},
        },
    )
    world = causalopt.world(model)

    def outer(w, rate):
        moved = w - rate * jax.grad(lambda u: jnp.sum(jnp.sin(u) * u))(w)
        return jnp.sum(moved**4)

    w, rate = jnp.array([0.5, -1, 2]), 0.1
    assert world["dr"] == pytest.approx(float(jax.grad(outer, 1)(w, rate)), rel=1e-12)
    np.testing.assert_allclose(world["dw"], jax.grad(outer)(w, rate), rtol=1e-12)


def test_a_held_node_enters_the_gradient_with_the_value_it_is_held_at() -> None:
    model = Model(
        name="held",
        variables={
            "w": {"shape": [2], "initial": [1.0, 2.0]},
            "h": {"shape": [2], "rule": "3*w"},
            "loss": {"rule": "sum(h*h)"},
            "g": {"shape": [2], "rule": "grad(loss, w)"},
        },
    )
    set_to = causalopt.world(model, causalopt.Set("h", [10.0, 20.0]))
    assert set_to["g"].tolist() == [2 * 10 * 3, 2 * 20 * 3]


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("grad(loss, z)", "does not depend on z"),
        ("grad(h, w)", "grad is of a number"),
        ("grad(loss, 2*w)", "along a variable"),
        ("grad(loss, v)", "unknown name 'v'"),
        ("grad(sum(g), w)", "in a circle"),
    ],
)
def test_a_wrong_grad_says_what_is_wrong(rule: str, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        Model(
            name="wrong",
            variables={
                "w": {"shape": [2], "initial": 1},
                "z": {"shape": [2], "initial": 1},
                "h": {"shape": [2], "rule": "3*w"},
                "loss": {"rule": "sum(h*h)"},
                "g": {"shape": [2], "rule": rule},
            },
        )
