"""Products of arrays: dense layers, matrix products, sums of products by indices."""

from __future__ import annotations

import string
from collections.abc import Sequence

from causalopt.importers.network_builder import Axes, NetworkAxis, NetworkBuilder, Signal


def dense(
    net: NetworkBuilder,
    x: Signal,
    weight: Signal,
    bias: Signal | None,
    label: str,
    *,
    name: str | None = None,
    turned: bool = True,
    factors: tuple[float, float] = (1.0, 1.0),
) -> Signal:
    """Return a dense layer of the last dim.

    Args:
        net: The network.
        x: Its input, [..., in].
        weight: [out, in], or [in, out] where not `turned`.
        bias: [out], or what joins with the result.
        label: What the network calls it.
        name: What the model calls it, where the label is not to say so.
        turned: Whether the weight is [out, in].
        factors: What product and bias are multiplied by.
    """
    inner, outer = (1, 0) if turned else (0, 1)
    _contract(net, x.axes[-1], weight.axes[inner])
    out = weight.axes[outer]
    out.suggest(f"{label}_unit")
    axes = (*x.axes[:-1], out)
    text = _dense_text(net, x, weight, turned)
    text = text if factors[0] == 1 else f"{factors[0]!r}*({text})"
    if bias is not None:
        whole, axes = net.aligned(Signal(axes, text), bias)
        scale = "" if factors[1] == 1 else f"{factors[1]!r}*"
        text = f"{whole[0]} + {scale}{whole[1]}"
    return net.variable(label, axes, text, name=name)


def _dense_text(net: NetworkBuilder, x: Signal, weight: Signal, turned: bool) -> str:
    matrix = net.read(weight)
    if len(x.plain) == 1:
        return f"{matrix} @ {net.read(x)}" if turned else f"{net.read(x)} @ {matrix}"
    return f"{net.read(x)} @ {f'transpose({matrix})' if turned else matrix}"


def _contract(net: NetworkBuilder, a: NetworkAxis, b: NetworkAxis) -> None:
    if a.size != b.size:
        raise net.error(
            f"a product sums over {a.size} elements of one array and {b.size} of another"
        )
    if not (a.is_plain and b.is_plain):
        raise net.error("a product sums over examples or steps, and the model has one at a time")
    a.join(b)


def matrix_product(
    net: NetworkBuilder, a: Signal, b: Signal, label: str, name: str | None = None
) -> Signal:
    """Return a matrix product as numpy's matmul defines it."""
    if b.turned is not None and len(b.axes) == 2:
        return dense(net, a, b.turned, None, label, name=name)
    if len(b.axes) == 2 and b.constant is not None:
        return dense(net, a, b, None, label, name=name, turned=False)
    a_rows, b_columns = a.axes[-2:-1], b.axes[-1:] if len(b.axes) > 1 else ()
    _contract(net, a.axes[-1], b.axes[-2] if len(b.axes) > 1 else b.axes[-1])
    lead_texts, lead = net.aligned(
        Signal(a.axes[:-2], "a"), Signal(b.axes[:-2] if len(b.axes) > 1 else (), "b")
    )
    axes = (*lead, *a_rows, *b_columns)
    regular = all(axis.is_plain for axis in (*a_rows, *b_columns)) and len(b.axes) > 1
    if regular and lead_texts == ["a", "b"]:
        text = f"{net.read(a)} @ {net.read(b)}"
    else:
        text = _by_indices(net, a, b, axes)
    return net.variable(label, axes, text, name=name)


def _by_indices(net: NetworkBuilder, a: Signal, b: Signal, axes: Axes) -> str:
    """Write a product by indices, where batch dims stand in the way of a matrix product."""
    letters = iter(string.ascii_lowercase)
    rank = max(len(a.axes), len(b.axes), 2) - 2
    lead = [next(letters) for _ in range(rank)]
    row, inner, column = (next(letters) for _ in range(3))
    indices = [
        [*lead[rank - (len(a.axes) - 2) :], row, inner] if len(a.axes) > 1 else [inner],
        [*lead[rank - (len(b.axes) - 2) :], inner, column] if len(b.axes) > 1 else [inner],
    ]
    result = [
        letter
        for letter, axis in zip(
            [*lead, *([row] if len(a.axes) > 1 else []), column], axes, strict=False
        )
        if axis.is_plain
    ]
    texts, codes = [], []
    for signal, own in zip((a, b), indices, strict=True):
        kept = [
            (letter, axis)
            for letter, axis in zip(own, signal.axes, strict=True)
            if axis.is_plain and not (axis.size == 1 and letter in lead)
        ]
        text = net.read(signal)
        if len(kept) < len(signal.plain):
            text = net.reshaped(text, [axis for _, axis in kept])
        texts.append(text)
        codes.append("".join(letter for letter, _ in kept))
    present = set("".join(codes))
    if any(letter not in present for letter in result):
        raise net.error("a product of arrays whose dims of one element do not line up")
    return f"einsum('{','.join(codes)}->{''.join(result)}', {', '.join(texts)})"


def by_indices(
    net: NetworkBuilder,
    equation: str,
    signals: Sequence[Signal],
    label: str,
    name: str | None = None,
) -> Signal:
    """Return a sum of products as numpy's einsum writes it; indices of a batch are left out."""
    spelled = equation.replace(" ", "")
    if "." in spelled:
        raise net.error(f"einsum '{equation}': write its indices out in place of dots")
    left, arrow, right = spelled.partition("->")
    terms = left.split(",")
    if not arrow:
        right = "".join(sorted(i for i in set(left) - {","} if left.count(i) == 1))
    seen: dict[str, NetworkAxis] = {}
    codes = []
    for term, signal in zip(terms, signals, strict=True):
        for letter, axis in zip(term, signal.axes, strict=True):
            if letter in seen:
                seen[letter].join(axis)
            seen.setdefault(letter, axis)
        codes.append("".join(i for i, a in zip(term, signal.axes, strict=True) if a.is_plain))
    gone = [i for i in seen if i not in right and not seen[i].is_plain]
    if any(seen[i].kind == "step" for i in gone):
        raise net.error("a sum over steps: the model has one at a time")
    result = "".join(i for i in right if seen[i].is_plain)
    texts = ", ".join(map(net.read, signals))
    axes = tuple(seen[i] for i in right)
    return net.variable(label, axes, f"einsum('{','.join(codes)}->{result}', {texts})", name=name)
