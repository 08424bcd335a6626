"""Modules of torch: forward as torch computes in float64, and one unit's Op as torch.func.jvp."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import causalopt
from causalopt.errors import QuestionError
from causalopt.importers.network_builder import NetworkError
from causalopt.importers.onnx_translation import from_onnx
from causalopt.importers.torch_modules import LAYERS, from_torch
from tests.with_torch.networks import (
    Array,
    LanguageModel,
    Recurrent,
    Residual,
    Transformer,
    exact,
    forward,
    output,
    random,
)

pytestmark = [
    pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning"),  # of torch.func itself
    pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning"),
]
IMAGE = (1, 4, 8, 6)
# A layer as it is written -> the shape of its input.
CASES: dict[str, tuple[int, ...]] = {
    "nn.Linear(5, 3)": (1, 5),
    "nn.Linear(5, 3, bias=False)": (1, 4, 5),
    "nn.Conv1d(4, 6, 3, stride=2, padding=1, groups=2)": (1, 4, 9),
    "nn.Conv2d(4, 3, (3, 2), dilation=(2, 1), bias=False)": IMAGE,
    "nn.Conv2d(4, 3, (4, 3), padding='same')": IMAGE,
    "nn.Conv2d(4, 3, 3, padding='valid')": IMAGE,
    "nn.MaxPool1d(3)": (1, 4, 9),
    "nn.MaxPool2d(3, stride=2, padding=1)": IMAGE,
    "nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=True)": (1, 2, 7, 8),
    "nn.MaxPool2d(2, padding=1, ceil_mode=True)": (1, 2, 5, 7),  # a last one would be padding
    "nn.AvgPool2d(2, padding=1, ceil_mode=True)": (1, 2, 5, 7),
    "nn.AvgPool1d(2)": (1, 4, 9),
    "nn.AvgPool2d(3, stride=2, padding=1)": IMAGE,
    "nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False)": IMAGE,
    "nn.AvgPool2d(2, ceil_mode=True)": (1, 2, 7, 8),
    "nn.AvgPool2d(3, stride=2, padding=1, ceil_mode=True)": (1, 2, 8, 8),
    "nn.AdaptiveAvgPool1d(3)": (1, 4, 9),
    "nn.AdaptiveAvgPool2d((2, None))": IMAGE,
    "nn.AdaptiveMaxPool1d(1)": (1, 4, 9),
    "nn.AdaptiveMaxPool2d((4, 3))": IMAGE,
    "nn.BatchNorm1d(5)": (1, 5),
    "nn.BatchNorm2d(4, affine=False)": IMAGE,
    "nn.LayerNorm(5)": (1, 3, 5),
    "nn.LayerNorm((3, 5), elementwise_affine=False)": (1, 3, 5),
    "nn.RMSNorm(5, eps=1e-3)": (1, 3, 5),
    "nn.GroupNorm(2, 4)": IMAGE,
    "nn.Softmax(-1)": (1, 5),
    "nn.Softmax(1)": (1, 3, 5),
    "nn.Softmin(-1)": (1, 5),
    "nn.LogSoftmax(-1)": (1, 5),
    "nn.Identity()": (1, 5),
    "nn.Dropout(0.5)": (1, 5),
    "nn.Dropout1d(0.5)": (1, 4, 5),
    "nn.Dropout2d(0.5)": IMAGE,
    "nn.AlphaDropout(0.5)": (1, 5),
    "nn.Flatten()": IMAGE,
    "nn.Unflatten(1, (2, 3))": (1, 6),
    "nn.ReLU()": (1, 9),
    "nn.ReLU6()": (1, 9),
    "nn.Hardtanh(-0.5, 0.25)": (1, 9),
    "nn.Sigmoid()": (1, 9),
    "nn.Tanh()": (1, 9),
    "nn.GELU()": (1, 9),
    "nn.GELU('tanh')": (1, 9),
    "nn.SiLU()": (1, 9),
    "nn.Mish()": (1, 9),
    "nn.Softsign()": (1, 9),
    "nn.Softplus()": (1, 9),
    "nn.Softplus(beta=2, threshold=1)": (1, 9),
    "nn.LeakyReLU(0.2)": (1, 9),
    "nn.PReLU()": (1, 9),
    "nn.PReLU(4)": IMAGE,
    "nn.ELU(0.5)": (1, 9),
    "nn.CELU(0.5)": (1, 9),
    "nn.SELU()": (1, 9),
    "nn.LogSigmoid()": (1, 9),
    "nn.Tanhshrink()": (1, 9),
    "nn.Hardsigmoid()": (1, 9),
    "nn.Hardswish()": (1, 9),
}


def test_every_layer_has_a_case() -> None:
    assert {text[3:].partition("(")[0] for text in CASES} == set(LAYERS)


@pytest.mark.parametrize("text", CASES)
def test_a_layer_gives_what_torch_gives(text: str) -> None:
    net = random(lambda: nn.Sequential(nn.Tanhshrink(), eval(text)))
    x = 3 * torch.randn(*CASES[text])
    found = output(from_torch(net, x))
    expected = forward(net, x)[0]
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


NETWORKS: dict[str, tuple[Any, tuple[int, ...]]] = {
    "chain": (
        lambda: nn.Sequential(
            nn.Linear(5, 7), nn.Tanh(), nn.Sequential(nn.Linear(7, 4), nn.GELU()), nn.LayerNorm(4)
        ),
        (1, 5),
    ),
    "convolutional": (
        lambda: nn.Sequential(
            *(nn.Conv2d(2, 4, 3, padding=1, stride=2), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(4, 4, 2, groups=2), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(24, 3)),
        ),
        (1, 2, 16, 12),
    ),
    "transformer": (Transformer, (1, 5, 8)),
    "residual": (Residual, (1, 6)),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_network_gives_what_torch_gives(name: str, seed: int) -> None:
    make, shape = NETWORKS[name]
    net, x = random(make, seed), torch.randn(*shape)
    found, expected = output(from_torch(net, x)), forward(net, x)[0]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("is_fused", [True, False])
def test_a_language_model_reads_tokens_and_masks_what_comes_later(is_fused: bool) -> None:
    net = random(lambda: LanguageModel(is_fused=is_fused))
    ids = torch.randint(0, 11, (1, 7))
    model = from_torch(net, ids)
    expected = exact(net)(ids)[0].detach().numpy()
    np.testing.assert_allclose(output(model), expected, rtol=1e-12, atol=1e-12)
    assert "-inf in 'attn.0." in model.description
    assert torch.get_default_dtype() == torch.float32
    # The fourth position's effect on those before it is none, on itself and later ones some.
    asked: dict[str, Any] = {"along": np.arange(8.0)[None], "hold": "attn.1"}
    for position, reached in ((2, False), (3, True), (6, True)):
        target = f"{model.question.target}[position={position}]"
        run = causalopt.run(model, nudge="attn.0[position=3]", target=target, **asked)
        assert (run.status[-1] != "no_influence") == reached
        assert bool(np.any(run.total)) == reached


@pytest.mark.parametrize("name", NETWORKS)
def test_an_onnx_file_in_float32_gives_what_torch_gives_to_float32(
    name: str, tmp_path: Path
) -> None:
    make, shape = NETWORKS[name]
    net, x = random(make), torch.randn(*shape)
    export(net, x, tmp_path / "net.onnx", dynamic_axes={"x": {0: "batch"}})
    found = output(from_onnx(tmp_path / "net.onnx", example=x.numpy()))
    np.testing.assert_allclose(found, net(x)[0].detach().numpy(), rtol=2e-5, atol=2e-6)


def export(net: nn.Module, x: Any, file: Path | io.BytesIO, **how: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(net, (x,), file, dynamo=False, input_names=["x"], **how)


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize(
    "text",
    [
        "nn.RNN(3, 4, batch_first={0})",
        "nn.RNN(3, 4, nonlinearity='relu', num_layers=2, batch_first={0})",
        "nn.GRU(3, 4, num_layers=2, batch_first={0})",
        "nn.LSTM(3, 4, num_layers=2, batch_first={0})",
        "nn.LSTM(3, 4, bias=False, batch_first={0})",
    ],
)
def test_a_recurrent_layer_is_unrolled_as_t(text: str, batch_first: bool) -> None:
    net = random(lambda: eval(text.format(batch_first)))
    x = torch.randn(1, 6, 3) if batch_first else torch.randn(6, 1, 3)
    expected = forward(net, x)
    expected = expected[0] if batch_first else expected[:, 0]
    np.testing.assert_allclose(output(from_torch(net, x)), expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("cell", [nn.RNN, nn.GRU, nn.LSTM])
@pytest.mark.parametrize("is_open", [True, False])
def test_a_network_with_recurrent_layers_gives_its_output_at_the_last_step(
    cell: type[nn.Module], batch_first: bool, is_open: bool, tmp_path: Path
) -> None:
    net = random(lambda: Recurrent(cell, batch_first=batch_first))
    x = torch.randn(1, 5, 3) if batch_first else torch.randn(5, 1, 3)
    expected = forward(net, x)[0]
    np.testing.assert_allclose(output(from_torch(net, x))[-1], expected, rtol=1e-12, atol=1e-13)
    axes = {0: "batch", 1: "step"} if batch_first else {0: "step", 1: "batch"}
    how = {"dynamic_axes": {"x": axes}} if is_open else {}
    export(net, x, tmp_path / "net.onnx", **how)
    found = output(from_onnx(tmp_path / "net.onnx", example=x.numpy()))
    np.testing.assert_allclose(found[-1], expected, rtol=1e-5, atol=1e-6)


def without_slope(module: nn.Module, unit: int) -> Any:
    """Let one unit of a module's output stand still under derivatives."""

    def hook(_: Any, __: Any, out: Any) -> Any:
        value = out[0] if isinstance(out, tuple) else out
        still = torch.zeros_like(value)
        still[..., unit] = 1
        value = torch.where(still > 0, value.detach(), value)
        return (value, *out[1:]) if isinstance(out, tuple) else value

    return module.register_forward_hook(hook)


def slope(net: nn.Module, x: Any, along: Any) -> Array:
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        found: Array = torch.func.jvp(net, (x.double(),), (along,))[1].detach().numpy()
    return found


@pytest.mark.parametrize(
    ("name", "module", "hold"),
    [
        ("chain", "1", "1[layer_0_unit={0}]"),
        ("residual", "fc1", "fc1[feature={0}]"),
        ("transformer", "blocks.0.mlp.1", "blocks.0.mlp.1[blocks_0_mlp_0_unit={0}]"),
        ("transformer", "blocks.1.attn", "blocks.1.attn[feature={0}]"),
    ],
)
@pytest.mark.parametrize("unit", [0, 3])
def test_one_units_op_is_that_of_jvp(name: str, module: str, hold: str, unit: int) -> None:
    make, shape = NETWORKS[name]
    net, x, along = random(make, 3), torch.randn(*shape), torch.randn(*shape).double()
    model = from_torch(net, x)
    run = causalopt.run(model, nudge="x", along=along[0].numpy(), hold=hold.format(unit))
    own = exact(net)
    total = slope(own, x, along)
    without_slope(own.get_submodule(module), unit)
    direct = slope(own, x, along)
    op = -np.log(np.linalg.norm(total) / np.linalg.norm(direct))
    assert float(run.op[-1]) == pytest.approx(op, rel=1e-12, abs=1e-12)


def test_a_chain_needs_no_example_where_its_first_layer_says_the_size() -> None:
    model = from_torch(random(lambda: nn.Sequential(nn.Tanh(), nn.Linear(3, 2))))
    assert dict(model.arrays.sizes) == {"feature": 3, "layer_1_unit": 2}
    with pytest.raises(QuestionError, match="do not say which shape"):
        from_torch(nn.Sequential(nn.Conv1d(1, 1, 1)))
    with pytest.raises(QuestionError, match="Residual is no chain of known layers"):
        from_torch(Residual())
    with pytest.raises(QuestionError, match="a batch of 1"):
        from_torch(nn.Linear(3, 2), torch.zeros(2, 3))
    with pytest.raises(QuestionError, match=r"expected a torch.nn.Module, found int"):
        from_torch(3)


def test_what_a_rule_cannot_say_is_refused_with_its_layer() -> None:
    with pytest.raises(NetworkError, match="bidirectional"):
        from_torch(nn.LSTM(3, 4, bidirectional=True))
    circular = nn.Sequential(nn.Tanh(), nn.Conv1d(1, 1, 3, padding=1, padding_mode="circular"))
    with pytest.raises(NetworkError, match=r"layer '1' \(Conv1d\): padding_mode 'circular'"):
        from_torch(circular, torch.zeros(1, 1, 5))
    broken = nn.Sequential(nn.Linear(3, 2))
    broken[0].weight.data[1, 2] = float("nan")
    with pytest.raises(NetworkError, match=r"'0.weight' is nan at \[1, 2\]"):
        from_torch(broken)


def test_a_module_in_training_is_read_for_inference_and_left_as_it_was() -> None:
    class Dropping(Residual):
        def forward(self, x: Any) -> Any:
            return super().forward(nn.functional.dropout(x, 0.5, self.training))

    net, x = random(Dropping).train(), torch.randn(1, 6)
    np.testing.assert_allclose(output(from_torch(net, x)), forward(net, x)[0], rtol=1e-12)
    assert net.training
    assert net.get_parameter("fc1.weight").dtype == torch.float32
