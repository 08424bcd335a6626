"""Convolutions and pooling: what slides a window over one or two dims."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from causalopt.importers.network_builder import MASKED, Axes, NetworkAxis, NetworkBuilder, Signal
from causalopt.importers.rearrangements import padded

_SPACES = {1: ("position",), 2: ("row", "column"), 3: ("layer", "row", "column")}


@dataclasses.dataclass(frozen=True)
class Sliding:
    """How a window slides: an entry for each dim that it slides along.

    Attributes:
        taps: How many elements it takes.
        strides: How far it moves.
        pads: How many elements are put before and after.
        dilations: How far its elements are apart.
        rounds_up: Whether a last window may reach past the end.
    """

    taps: tuple[int, ...]
    strides: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]
    dilations: tuple[int, ...]
    rounds_up: bool = False

    def check(self, net: NetworkBuilder, x: Signal) -> None:
        """Refuse what no array here has: other than one or two dims, or windows that do not fit.

        Raises:
            NetworkError: It is so.
        """
        count = len(self.taps)
        if not 1 <= count <= 3 or len(x.axes) != count + 2:
            raise net.error(
                f"a window over {count} dims of an array of {len(x.axes)}: [batch, channel, ...] "
                "with one to three more dims is expected"
            )
        if x.axes[0].is_plain and x.axes[0].size > 1:
            raise net.error(
                f"the first dim has {x.axes[0].size} elements, and convolutions and pooling take "
                "one example: export with a batch of 1"
            )
        if any(not axis.is_plain for axis in x.axes[1:]):
            raise net.error("a window over steps: the model has one at a time")
        for size, pads, width in zip(x.sizes[2:], self.pads, self._widths, strict=True):
            if width > size + sum(pads):
                raise net.error(f"a window of {width} elements is wider than {size + sum(pads)}")

    @property
    def _widths(self) -> tuple[int, ...]:
        return tuple((k - 1) * d + 1 for k, d in zip(self.taps, self.dilations, strict=True))

    def ends(self, sizes: Sequence[int]) -> tuple[tuple[int, int], ...]:
        """Return the padding, with what the last window reaches past the end."""
        if not self.rounds_up:
            return self.pads
        found = []
        for size, (front, back), width, stride in zip(
            sizes, self.pads, self._widths, self.strides, strict=True
        ):
            free = size + front + back - width
            count = -(-free // stride)
            if count * stride >= size + front:  # it would begin in the padding
                count -= 1
            found.append((front, max(back, back + count * stride - free)))
        return tuple(found)

    def windows(
        self, net: NetworkBuilder, x: Signal, fill: float
    ) -> tuple[str, Axes, tuple[NetworkAxis, ...]]:
        """Return the text [channel, places..., taps...], the places and the taps."""
        ends = self.ends(x.sizes[2:])
        front = [x.axes[0]] if not x.axes[0].is_plain else []
        inside = Signal((*front, *x.axes[1:]), net.read(x))
        if not front:  # a first dim of one element
            inside = Signal(x.axes[1:], net.reshaped(net.read(x), x.axes[1:]))
        offset = len(inside.axes) - len(self.taps)
        text, axes = padded(net, inside, {offset + i: pads for i, pads in enumerate(ends)}, fill)
        places, spread, picks = [], [], []
        for i, width in enumerate(self._widths):
            size = axes[offset + i].size
            text = f"windows({text}, dim{i + 1}, {width})"
            found = range(0, size - width + 1, self.strides[i])
            same = len(found) == x.sizes[i + 2] and found.step == 1
            places.append(x.axes[i + 2] if same else NetworkAxis(len(found)))
            spread.append(":" if found.step == 1 else f"::{found.step}")
            picks.append(":" if self.dilations[i] == 1 else f"::{self.dilations[i]}")
        if any(word != ":" for word in (*spread, *picks)):
            text = f"{text}[:, {', '.join([*spread, *picks])}]"
        return text, tuple(places), tuple(NetworkAxis(k) for k in self.taps)


def named_spaces(axes: Axes, label: str) -> None:
    """Say what the dims of an image or a series are called: channel, row, column."""
    for axis, word in zip(axes, ("channel", *_SPACES[len(axes) - 1]), strict=True):
        axis.suggest(f"{label}_{word}")


def convolution(
    net: NetworkBuilder,
    x: Signal,
    weight: Signal,
    bias: Signal | None,
    sliding: Sliding,
    label: str,
    *,
    name: str | None = None,
    groups: int = 1,
) -> Signal:
    """Return a convolution as networks mean it: a sum of products over windows, unreversed.

    Args:
        net: The network.
        x: [batch, channel, places...].
        weight: [out, channel/groups, taps...].
        bias: [out].
        sliding: How the window slides.
        label: What the network calls it.
        name: What the model calls it, where the label is not to say so.
        groups: In how many groups channels are summed apart.
    """
    sliding.check(net, x)
    out, inner = weight.axes[:2]
    if inner.size * groups != x.axes[1].size or out.size % groups:
        raise net.error(
            f"{x.axes[1].size} channels in {groups} groups do not fit a weight {list(weight.sizes)}"
        )
    named_spaces(x.axes[1:], x.label or "x")
    out.suggest(f"{label}_channel")
    text, places, taps = sliding.windows(net, x, 0)
    space, tap = "hwd"[: len(places)], "ijk"[: len(places)]
    for mine, other in zip(taps, weight.axes[2:], strict=True):
        mine.join(other)
    kernel = net.read(weight)
    if groups == 1:
        inner.join(x.axes[1])
        rule = f"einsum('c{space}{tap},oc{tap}->o{space}', {text}, {kernel})"
    else:
        group, each = NetworkAxis(groups), NetworkAxis(out.size // groups)
        text = net.reshaped(text, (group, NetworkAxis(inner.size), *places, *taps))
        kernel = net.reshaped(kernel, (group, each, NetworkAxis(inner.size), *taps))
        rule = f"einsum('gc{space}{tap},goc{tap}->go{space}', {text}, {kernel})"
        rule = net.reshaped(rule, (out, *places))
    axes = (x.axes[0], out, *places)
    if bias is not None:
        out.join(bias.axes[0])
        ones = [NetworkAxis(1) for _ in places]
        rule = f"{rule} + {net.reshaped(net.read(bias), (out, *ones))}"
    for axis, word in zip(places, _SPACES[len(places)], strict=True):
        axis.suggest(f"{label}_{word}")
    return net.variable(label, axes, rule, name=name)


def pooled(
    net: NetworkBuilder,
    kind: str,
    x: Signal,
    sliding: Sliding,
    label: str,
    *,
    name: str | None = None,
    counts_pads: bool = False,
) -> Signal:
    """Return the largest (`max`) or the mean (`mean`) in each window.

    Args:
        net: The network.
        kind: `max` or `mean`.
        x: [batch, channel, places...].
        sliding: How the window slides.
        label: What the network calls it.
        name: What the model calls it, where the label is not to say so.
        counts_pads: Whether a mean counts the padding's zeros.
    """
    sliding.check(net, x)
    named_spaces(x.axes[1:], x.label or "x")
    text, places, taps = sliding.windows(net, x, MASKED if kind == "max" else 0)
    whole = [x.axes[1], *places, *taps]
    words = ", ".join(f"dim{len(whole) - len(taps) + i}" for i in range(len(taps)))
    padding = any(sum(ends) for ends in sliding.ends(x.sizes[2:]))
    if kind == "max" or not padding or (counts_pads and not sliding.rounds_up):
        rule = f"{kind}({text}, {words})"
    else:
        counts = net.constant(_counts(sliding, x.sizes[2:], counts_pads), f"{label}.count")
        for mine, other in zip(counts.axes, places, strict=True):
            mine.join(other)
        rule = f"sum({text}, {words})/{net.read(counts)}"
    for axis, word in zip(places, _SPACES[len(places)], strict=True):
        axis.suggest(f"{label}_{word}")
    return net.variable(label, (x.axes[0], x.axes[1], *places), rule, name=name)


def _counts(sliding: Sliding, sizes: Sequence[int], counts_pads: bool) -> np.ndarray:
    """Return how many elements each window has a mean of."""
    total = np.ones(())
    for i, (size, ends) in enumerate(zip(sizes, sliding.ends(sizes), strict=True)):
        front, back = sliding.pads[i]
        there = np.zeros(ends[0] + size + ends[1])
        there[: front + size + back] = 1.0 if counts_pads else 0.0
        there[front : front + size] = 1.0
        starts = range(0, len(there) - sliding._widths[i] + 1, sliding.strides[i])
        taps = np.arange(sliding.taps[i]) * sliding.dilations[i]
        total = np.multiply.outer(total, [there[start + taps].sum() for start in starts])
    return total
