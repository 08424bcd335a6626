"""The recipes of docs/importing.md against hooks in torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import causalopt
from causalopt.importers.torch_modules import from_torch
from causalopt.worlds.interventions import Replace
from tests.with_torch.networks import Array, Transformer, exact, random

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
NET = exact(random(Transformer, 5))
torch.manual_seed(6)
CLEAN, OTHER = torch.randn(2, 1, 5, 8).double()
MODEL = from_torch(NET, CLEAN)


def activations(x: Any, *names: str) -> dict[str, Any]:
    """Return what modules give for an input."""
    found: dict[str, Any] = {}

    def keeper(name: str) -> Any:
        def hook(_: Any, __: Any, out: Any) -> None:
            found[name] = (out[0] if isinstance(out, tuple) else out).detach()

        return hook

    hooks = [NET.get_submodule(n).register_forward_hook(keeper(n)) for n in names]
    NET(x)
    for hook in hooks:
        hook.remove()
    return found


def patched(x: Any, values: dict[str, Any]) -> Array:
    """Return the output for an input while modules give these values."""

    def putter(value: Any) -> Any:
        def hook(_: Any, __: Any, out: Any) -> Any:
            return (value, *out[1:]) if isinstance(out, tuple) else value

        return hook

    hooks = [NET.get_submodule(n).register_forward_hook(putter(v)) for n, v in values.items()]
    found: Array = NET(x)[0].detach().numpy()
    for hook in hooks:
        hook.remove()
    return found


def start(x: Any) -> dict[str, Array]:
    return {"x": x[0].numpy()}


def test_activation_patching_is_a_replacement_from_a_world_with_another_input() -> None:
    other: Any = causalopt.world(MODEL, initial=start(OTHER))
    for name in ("blocks.0.attn", "blocks.0.mlp", "blocks.1.attn", "blocks.1"):
        world = causalopt.world(MODEL, Replace(name, other), initial=start(CLEAN))
        expected = patched(CLEAN, activations(OTHER, name))
        np.testing.assert_allclose(world["head"], expected, rtol=1e-12)
        assert np.abs(expected - patched(CLEAN, {})).max() > 1e-3


def test_direct_path_patching_holds_everything_between() -> None:
    clean: Any = causalopt.world(MODEL, initial=start(CLEAN))
    other: Any = causalopt.world(MODEL, initial=start(OTHER))
    between = ["blocks.0.mlp", "blocks.1.attn", "blocks.1.mlp"]
    world = causalopt.world(
        MODEL,
        Replace("blocks.0.attn", other),
        Replace(", ".join(between), clean),
        initial=start(CLEAN),
    )
    values = {**activations(CLEAN, *between), **activations(OTHER, "blocks.0.attn")}
    expected = patched(CLEAN, values)
    np.testing.assert_allclose(world["head"], expected, rtol=1e-12)
    through = patched(CLEAN, {"blocks.0.attn": values["blocks.0.attn"]})
    assert np.abs(expected - through).max() > 1e-3


def test_attribution_patching_is_the_tangent() -> None:
    name = "blocks.0.mlp"
    a, b = activations(CLEAN, name)[name], activations(OTHER, name)[name]
    run = causalopt.run(
        MODEL,
        nudge=name,
        along=(b - a)[0].numpy(),
        hold="blocks.1.attn",
        target="head[head_unit=1]",
        initial=start(CLEAN),
    )
    given = a.clone().requires_grad_()
    hook = NET.get_submodule(name).register_forward_hook(lambda *_: given)
    NET(CLEAN)[0, 1].backward()
    hook.remove()
    attribution = float((given.grad * (b - a)).sum())
    np.testing.assert_allclose(np.ravel(run.total)[-1], attribution, rtol=1e-10)
