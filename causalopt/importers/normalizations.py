"""Reductions along dims, and what is scaled by them: softmax and normalizations."""

from __future__ import annotations

from collections.abc import Sequence

from causalopt.importers.network_builder import NetworkAxis, NetworkBuilder, Signal


def _places(net: NetworkBuilder, x: Signal, places: Sequence[int]) -> list[int]:
    """Return places among the model's own dims; a batch of one is left out."""
    own = [i for i, axis in enumerate(x.axes) if axis.is_plain]
    found = []
    for place in sorted(p % len(x.axes) for p in places):
        if x.axes[place].kind == "step":
            raise net.error("all steps are taken together, and a rule speaks of one step")
        if x.axes[place].is_plain:
            found.append(own.index(place))
    return found


def reduced(
    net: NetworkBuilder,
    kind: str,
    x: Signal,
    places: Sequence[int],
    label: str,
    *,
    name: str | None = None,
    keeps: bool = True,
) -> Signal:
    """Return a sum, mean, max, norm, ... along dims; with `keeps` these stay, of one element."""
    wanted = {p % len(x.axes) for p in places}
    inner = _places(net, x, places)
    words = "".join(f", {net.place(x.plain, i)}" for i in inner)
    text = net.read(x)
    templates = {
        "norm1": "sum(abs({x}){d})",
        "norm2": "sqrt(sum({x}**2{d}))",
        "square_sum": "sum({x}**2{d})",
        "log_sum": "log(sum({x}{d}))",
    }
    rule = templates.get(kind, kind + "({x}{d})").format(x=text, d=words)
    if not inner:
        rule = templates.get(kind, "{x}").replace("sum(", "(").format(x=text, d="")
    axes = tuple(
        NetworkAxis(1) if i in wanted else axis
        for i, axis in enumerate(x.axes)
        if keeps or i not in wanted
    )
    plain = [axis for axis in axes if axis.is_plain]
    if keeps and plain:
        rule = net.reshaped(rule, plain)
    return net.variable(label, axes, rule, name=name)


def softmax(
    net: NetworkBuilder,
    x: Signal,
    place: int,
    label: str,
    *,
    name: str | None = None,
    log: bool = False,
) -> Signal:
    """Return softmax, or its logarithm, along a dim."""
    if not x.axes[place].is_plain:
        raise net.error("a softmax over examples or steps, and the model has one at a time")
    (inner,) = _places(net, x, [place])
    text, word = net.read(x), net.place(x.plain, inner)
    if not log:
        last = "" if inner == len(x.plain) - 1 else f", {word}"
        return net.variable(label, x.axes, f"softmax({text}{last})", name=name)
    kept = [NetworkAxis(1) if i == inner else axis for i, axis in enumerate(x.plain)]
    total = f"logsumexp({text}, {word})"
    total = total if len(kept) == 1 else net.reshaped(total, kept)
    return net.variable(label, x.axes, f"{text} - {total}", name=name)


def layer_normalization(
    net: NetworkBuilder,
    x: Signal,
    scale: Signal | None,
    bias: Signal | None,
    place: int,
    epsilon: float,
    label: str,
    *,
    name: str | None = None,
    centred: bool = True,
) -> Signal:
    """Return an array less its mean, over its standard deviation, along the dims from a place on.

    Not `centred` it is over the root of its mean square.
    """
    places = range(place % len(x.axes), len(x.axes))
    inner = _places(net, x, list(places))
    if not inner:
        raise net.error("a normalization over examples, and the model has one at a time")
    kept = [NetworkAxis(1) if i in inner else axis for i, axis in enumerate(x.plain)]
    words = "".join(f", {net.place(x.plain, i)}" for i in inner)

    def mean(text: str) -> str:
        found = f"mean({text}{words})"
        return found if len(inner) == len(kept) else net.reshaped(found, kept)

    text = net.read(x)
    if centred:
        text = f"({text} - {mean(text)})"
    rule = f"{text}/sqrt({mean(f'{text}**2')} + {epsilon!r})"
    return _scaled(net, Signal(x.axes, rule), scale, bias, label, name)


def _scaled(
    net: NetworkBuilder,
    x: Signal,
    scale: Signal | None,
    bias: Signal | None,
    label: str,
    name: str | None,
) -> Signal:
    text, axes = x.text, x.axes
    for sign, other in (("*", scale), (" + ", bias)):
        if other is not None:
            (_, right), axes = net.aligned(Signal(axes, text), other)
            text = f"{text}{sign}{right}"
    return net.variable(label, axes, text, name=name)


def batch_normalization(
    net: NetworkBuilder,
    x: Signal,
    scale: Signal | None,
    bias: Signal | None,
    mean: Signal,
    variance: Signal,
    epsilon: float,
    label: str,
    *,
    name: str | None = None,
) -> Signal:
    """Return an array scaled by what training saw of each channel, dim 1: inference."""
    spaces = len(x.axes) - 2

    def along_channels(weight: Signal) -> str:
        weight.axes[0].join(x.axes[1])
        text = net.read(weight)
        if not spaces or weight.is_number:
            return text
        return net.reshaped(text, (x.axes[1], *(NetworkAxis(1) for _ in range(spaces))))

    rule = (
        f"({net.read(x)} - {along_channels(mean)})/sqrt({along_channels(variance)} + {epsilon!r})"
    )
    rule = rule if scale is None else f"{rule}*{along_channels(scale)}"
    rule = rule if bias is None else f"{rule} + {along_channels(bias)}"
    return net.variable(label, x.axes, rule, name=name)


def group_normalization(
    net: NetworkBuilder,
    x: Signal,
    groups: int,
    scale: Signal | None,
    bias: Signal | None,
    epsilon: float,
    label: str,
    *,
    name: str | None = None,
) -> Signal:
    """Return an array normalized within groups of channels, dim 1, over all places."""
    channels, spaces = x.axes[1], x.axes[2:]
    if channels.size % groups:
        raise net.error(f"{channels.size} channels do not make {groups} groups")
    total = channels.size // groups
    for axis in spaces:
        total *= axis.size
    flat = net.reshaped(net.read(x), (NetworkAxis(groups), NetworkAxis(total)))

    def mean(text: str) -> str:
        return net.reshaped(f"mean({text}, dim1)", (NetworkAxis(groups), NetworkAxis(1)))

    centred = f"({flat} - {mean(flat)})"
    rule = f"{centred}/sqrt({mean(f'{centred}**2')} + {epsilon!r})"
    rule = net.reshaped(rule, (channels, *spaces))
    ones = tuple(NetworkAxis(1) for _ in spaces)
    for sign, weight in (("*", scale), (" + ", bias)):
        if weight is not None:
            weight.axes[0].join(channels)
            text = net.read(weight)
            text = text if weight.is_number else net.reshaped(text, (channels, *ones))
            rule = f"{rule}{sign}{text}"
    return net.variable(label, x.axes, rule, name=name)
