"""Operations element by element: activations, arithmetic, comparisons."""

from __future__ import annotations

from collections.abc import Mapping

from causalopt.importers.network_builder import NetworkBuilder, Signal

# What networks call it -> the rule, of x and numbers by name. Exact, with no approximation of ours.
ACTIVATIONS = {
    "relu": "relu({x})",
    "sigmoid": "sigmoid({x})",
    "tanh": "tanh({x})",
    "gelu": "gelu({x})",
    "gelu_tanh": "{x}*(1 + tanh(sqrt(2/pi)*({x} + 0.044715*{x}**3)))/2",
    "silu": "{x}*sigmoid({x})",
    "mish": "{x}*tanh(softplus({x}))",
    "softsign": "{x}/(1 + abs({x}))",
    "softplus": "softplus({beta}*{x})/{beta}",
    "leaky_relu": "where({x} > 0, {x}, {alpha}*{x})",
    "elu": "where({x} > 0, {x}, {alpha}*expm1(min({x}, 0)))",
    "celu": "where({x} > 0, {x}, {alpha}*expm1(min({x}, 0)/{alpha}))",
    "selu": "{gamma}*where({x} > 0, {x}, {alpha}*expm1(min({x}, 0)))",
    "hard_tanh": "clip({x}, {low}, {high})",
    "hard_sigmoid": "clip({alpha}*{x} + {beta}, 0, 1)",
    "hard_swish": "{x}*clip({x}/6 + 1/2, 0, 1)",
    "log_sigmoid": "-softplus(-{x})",
    "tanh_shrink": "{x} - tanh({x})",
    "exp": "exp({x})",
    "log": "log({x})",
    "sqrt": "sqrt({x})",
    "erf": "erf({x})",
    "neg": "-{x}",
    "abs": "abs({x})",
    "sin": "sin({x})",
    "cos": "cos({x})",
    "floor": "floor({x})",
    "ceil": "ceil({x})",
    "sign": "sign({x})",
    "reciprocal": "1/{x}",
    "not": "where({x} > 0, 0, 1)",
}


def number(value: float) -> str:
    """Return a number as a rule writes it, in brackets where it is negative."""
    text = repr(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))
    return f"({text})" if value < 0 else text


def activation(
    net: NetworkBuilder,
    kind: str,
    x: Signal,
    label: str,
    name: str | None = None,
    numbers: Mapping[str, float] | None = None,
) -> Signal:
    """Return an activation of an array; a factor of 1 is left out."""
    template, numbers = ACTIVATIONS[kind], numbers or {}
    if kind == "softplus" and numbers.get("beta", 1) == 1:
        template = "softplus({x})"
    if numbers.get("alpha") == 1 and kind in {"elu", "celu"}:
        template = "where({x} > 0, {x}, expm1(min({x}, 0)))"
    texts = {key: number(value) for key, value in numbers.items()}
    return net.variable(label, x.axes, template.format(x=net.read(x), **texts), name=name)


def joined(
    net: NetworkBuilder, template: str, signals: list[Signal], label: str, name: str | None = None
) -> Signal:
    """Return arrays joined element by element by a template such as `{0} + {1}`."""
    texts, axes = net.aligned(*signals)
    return net.variable(label, axes, template.format(*texts), name=name)


def in_turn(
    net: NetworkBuilder, sign: str, signals: list[Signal], label: str, name: str | None = None
) -> Signal:
    """Return any number of arrays joined by a sign, or by a function such as max."""
    places = [f"{{{i}}}" for i in range(len(signals))]
    text = f" {sign} ".join(places) if not sign.isalpha() else f"{sign}({', '.join(places)})"
    if len(signals) == 1:
        text = "{0}"
    return joined(net, text, signals, label, name)
