"""Networks to import, and what torch makes of them in float64."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

import causalopt
from causalopt.model.model import Model

Array = np.ndarray[Any, Any]


class Block(nn.Module):
    """A transformer block, normalized first."""

    def __init__(self, width: int = 8, heads: int = 2) -> None:
        super().__init__()
        self.ln1, self.ln2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(width, 16), nn.GELU(), nn.Linear(16, width))

    def forward(self, x: Any) -> Any:
        y = self.ln1(x)
        x = x + self.attn(y, y, y, need_weights=False)[0]
        return x + self.mlp(self.ln2(x))


class Transformer(nn.Module):
    """Two blocks and a head that reads the mean over positions."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([Block(), Block()])
        self.head = nn.Linear(8, 3)

    def forward(self, x: Any) -> Any:
        for block in self.blocks:
            x = block(x)
        return self.head(x.mean(1))


class CausalAttention(nn.Module):
    """Attention to what stands before, with a mask; `is_fused` by torch's own function."""

    def __init__(self, width: int, heads: int, *, is_fused: bool) -> None:
        super().__init__()
        self.c_attn, self.c_proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.heads, self.is_fused = heads, is_fused
        self.register_buffer("later", torch.ones(1, 1, 16, 16, dtype=torch.bool).triu(1))

    def forward(self, x: Any) -> Any:
        batch, count, width = x.shape
        shape = (batch, count, self.heads, width // self.heads)
        q, k, v = (t.view(shape).transpose(1, 2) for t in self.c_attn(x).split(width, 2))
        if self.is_fused:
            y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            a = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(shape[3]))
            a = a.masked_fill(self.later[:, :, :count, :count], -math.inf)
            y = torch.softmax(a, -1) @ v
        return self.c_proj(y.transpose(1, 2).contiguous().view(batch, count, width))


class LanguageModel(nn.Module):
    """A small GPT: embeddings of tokens and positions, causal blocks, tied embeddings."""

    def __init__(self, *, is_fused: bool) -> None:
        super().__init__()
        width, entries = 8, 11
        self.wte, self.wpe = nn.Embedding(entries, width), nn.Embedding(16, width)
        self.attn = nn.ModuleList(CausalAttention(width, 2, is_fused=is_fused) for _ in range(2))
        self.ln = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.lm_head = nn.Linear(width, entries, bias=False)
        self.lm_head.weight = self.wte.weight

    def forward(self, ids: Any) -> Any:
        x = self.wte(ids) + self.wpe(torch.arange(ids.shape[1]))
        for norm, attn in zip(self.ln, self.attn, strict=False):
            x = x + attn(norm(x))
        return self.lm_head(self.ln[2](x))


class Recurrent(nn.Module):
    """Two recurrent layers and a head that reads the last state."""

    def __init__(self, cell: type[nn.Module], *, batch_first: bool) -> None:
        super().__init__()
        self.rnn = cell(3, 4, 2, batch_first=batch_first)
        self.out = nn.Linear(4, 2)
        self.batch_first = batch_first

    def forward(self, x: Any) -> Any:
        y = self.rnn(x)[0]
        return self.out(y[:, -1] if self.batch_first else y[-1])


class Residual(nn.Module):
    """A layer beside which its input goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(6, 6), nn.Linear(6, 2)

    def forward(self, x: Any) -> Any:
        return torch.log_softmax(self.fc2(torch.relu(self.fc1(x)) + x), -1)


def random(make: Callable[[], nn.Module], seed: int = 0) -> nn.Module:
    """Return a network whose weights, and whose statistics, are drawn."""
    torch.manual_seed(seed)
    net = make()
    for tensor in (*net.parameters(), *net.buffers()):
        if tensor.is_floating_point():
            tensor.data = torch.randn_like(tensor).abs_().add_(0.1).mul_(0.4)
            if tensor.requires_grad:
                tensor.data *= torch.sign(torch.randn_like(tensor))
    return net.eval()


def exact(net: nn.Module) -> nn.Module:
    """Return a network in float64."""
    return copy.deepcopy(net).double().eval()


def forward(net: nn.Module, x: Any) -> Array:
    """Return what torch computes in float64, without the batch."""
    found = exact(net)(x.double())
    found = found[0] if isinstance(found, tuple) else found
    array: Array = found.detach().numpy()
    return array


def world_of(model: Model) -> Any:
    """Return the world of the model's own example."""
    if model.is_static:
        return causalopt.world(model)
    stream = model.arrays.by_name["x"].stream
    assert stream is not None
    return causalopt.world(model, steps=len(stream) - 1)


def output(model: Model) -> Array:
    """Return the model's output for its own example, over all steps where it has steps."""
    assert model.question.target is not None
    found = np.asarray(world_of(model)[model.question.target])
    return found if model.is_static else found[1:]
