"""Operations that only move elements: other shapes, orders, parts, joins."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from causalopt.importers.network_builder import Axes, NetworkAxis, NetworkBuilder, Signal, product


def as_shape(
    net: NetworkBuilder,
    x: Signal,
    sizes: Sequence[int],
    label: str,
    name: str | None = None,
    *,
    hint: str | None = None,
) -> Signal:
    """Return an array in another shape, dims kept by name where they stay whole.

    Dims are matched from the left in the smallest groups that have as many elements in both shapes;
    a group of one dim on each side is that dim.
    """
    axes: list[NetworkAxis] = []
    old = [axis.root for axis in x.axes]
    new = list(sizes)
    if product(old) != int(np.prod(new, dtype=object)):
        raise net.error(f"{list(x.sizes)} elements do not fill the shape {new}")
    while old or new:
        group, target = _group(old, new)
        axes += _regrouped(net, group, target, hint or label, whole=not new)
    return _placed(net, x, tuple(axes), label, name)


def _group(old: list[NetworkAxis], new: list[int]) -> tuple[list[NetworkAxis], list[int]]:
    """Take the smallest groups of dims from the left that have as many elements."""
    if old and new and old[0].size == new[0]:
        return [old.pop(0)], [new.pop(0)]
    if old and old[0].size == 1:
        return [old.pop(0)], []
    if new and new[0] == 1:
        return [], [new.pop(0)]
    group, target = [old.pop(0)], [new.pop(0)]
    while product(group) != int(np.prod(target, dtype=object)):
        if product(group) < int(np.prod(target, dtype=object)):
            group.append(old.pop(0))
        else:
            target.append(new.pop(0))
    return group, target


def _regrouped(
    net: NetworkBuilder, group: list[NetworkAxis], target: list[int], label: str, *, whole: bool
) -> list[NetworkAxis]:
    if len(group) == len(target) == 1:
        return group
    if any(axis.kind == "step" for axis in group):
        raise net.error("steps are put into one dim with others, and the model has one at a time")
    special = [axis for axis in group if not axis.is_plain]
    if special and len(group) > 1 and target:
        rest = [axis for axis in group if axis.is_plain]
        return rest if len(rest) == len(target) == 1 else [NetworkAxis(size) for size in target]
    made = [NetworkAxis(size) for size in target]
    if len(made) == 1 and len(group) > 1 and whole:
        made[0].suggest(f"{label}_merged")
    return made


def _placed(
    net: NetworkBuilder, x: Signal, axes: Axes, label: str, name: str | None = None
) -> Signal:
    """Return an array under other dims: as it is where its own array stays what it is."""
    plain = tuple(axis for axis in axes if axis.is_plain)
    if x.constant is not None:
        values = x.constant.reshape([axis.size for axis in axes])
        return Signal(axes, "", values, x.label)
    if [a.root for a in plain] == [a.root for a in x.plain] and x.text:
        return dataclasses.replace(x, axes=axes)
    origin = x.base or x
    if [a.root for a in plain] == [a.root for a in origin.plain]:
        return dataclasses.replace(origin, axes=axes)
    text = net.reshaped(net.read(origin), plain)
    if [a.size for a in plain if a.size > 1] == [a.size for a in x.plain if a.size > 1]:
        return Signal(axes, text, label=x.label, base=origin)  # no operation of its own
    return net.variable(label, axes, text, name=name)


def with_axes(
    net: NetworkBuilder, x: Signal, axes: Axes, label: str, name: str | None = None
) -> Signal:
    """Return an array with dims of one element put in or taken out."""
    return _placed(net, x, axes, label, name)


def squeezed(
    net: NetworkBuilder,
    x: Signal,
    places: Sequence[int] | None,
    label: str,
    name: str | None = None,
) -> Signal:
    """Return an array without dims of one element."""
    rank = len(x.axes)
    wanted = (
        {p % rank for p in places}
        if places is not None
        else {i for i, axis in enumerate(x.axes) if axis.size == 1 and axis.kind != "step"}
    )
    for place in wanted:
        if x.axes[place].size != 1 or x.axes[place].kind == "step":
            raise net.error(f"dim {place} of {x.sizes[place]} elements cannot be dropped")
    axes = tuple(axis for i, axis in enumerate(x.axes) if i not in wanted)
    return _placed(net, x, axes, label, name)


def unsqueezed(
    net: NetworkBuilder, x: Signal, places: Sequence[int], label: str, name: str | None = None
) -> Signal:
    """Return an array with dims of one element put in."""
    rank = len(x.axes) + len(places)
    wanted = {p % rank for p in places}
    own = iter(x.axes)
    axes = tuple(NetworkAxis(1) if i in wanted else next(own) for i in range(rank))
    return _placed(net, x, axes, label, name)


def flattened(
    net: NetworkBuilder, x: Signal, axis: int, label: str, name: str | None = None
) -> Signal:
    """Return an array with the dims before a place in one, and those from it on in another."""
    place = axis % len(x.axes) if axis < 0 else axis
    front, back = x.axes[:place], x.axes[place:]
    if any(a.kind == "step" for a in x.axes) and not (len(front) == 1 and front[0].kind == "step"):
        raise net.error("steps are put into one dim with others, and the model has one at a time")
    first = front[0] if len(front) == 1 else NetworkAxis(product(front))
    last = back[0] if len(back) == 1 else NetworkAxis(product(back), f"{label}_unit")
    return _placed(net, x, (first, last), label, name)


def transposed(
    net: NetworkBuilder, x: Signal, order: Sequence[int] | None, label: str, name: str | None = None
) -> Signal:
    """Return an array with its dims in another order."""
    rank = len(x.axes)
    order = [p % rank for p in order] if order is not None else list(reversed(range(rank)))
    if sorted(order) != list(range(rank)):
        raise net.error(f"{order} is no order of {rank} dims")
    axes = tuple(x.axes[place] for place in order)
    if x.constant is not None:
        turned = x if rank == 2 and order == [1, 0] and not x.turned else None
        return Signal(axes, "", x.constant.transpose(order), x.label, turned)
    plain = [place for place in order if x.axes[place].is_plain]
    if plain == sorted(plain):
        return dataclasses.replace(x, axes=axes)
    text = net.read(x)
    if len(plain) == 2:
        return net.variable(label, axes, f"transpose({text})", name=name)
    own = [place for place in range(rank) if x.axes[place].is_plain]
    words = ", ".join(net.place(x.plain, own.index(place)) for place in plain)
    return net.variable(label, axes, f"transpose({text}, {words})", name=name)


def part(
    net: NetworkBuilder,
    x: Signal,
    cuts: dict[int, range | int],
    label: str,
    name: str | None = None,
) -> Signal:
    """Return elements of an array: for each dim that is cut a range, or one place.

    One place of a batch or of the steps is the example, or the step, that rules speak of.
    """
    axes: list[NetworkAxis] = []
    places: list[str] = []
    for i, axis in enumerate(x.axes):
        cut = cuts.get(i, range(axis.size))
        size = len(cut) if isinstance(cut, range) else 1
        if size == 0 or (isinstance(cut, range) and (cut.step < 1 or cut[-1] >= axis.size)):
            raise net.error(f"elements {cut} of {axis.size} cannot be taken: write them forwards")
        if not axis.is_plain:
            _check_step(net, axis, cut)
            axes += [axis] if isinstance(cut, range) else []
            continue
        places.append(_cut_text(cut, axis.size))
        if isinstance(cut, range):
            axes.append(axis if size == axis.size else NetworkAxis(size))
    if all(place == ":" for place in places):
        return dataclasses.replace(x, axes=tuple(axes))
    return net.variable(label, tuple(axes), f"{net.read(x)}[{', '.join(places)}]", name=name)


def _check_step(net: NetworkBuilder, axis: NetworkAxis, cut: range | int) -> None:
    if axis.kind == "step":
        whole = isinstance(cut, range) and len(cut) == axis.size
        last = isinstance(cut, int) and cut in (-1, axis.size - 1)
        if not whole and not last:
            raise net.error(
                f"steps {cut} are taken, and a rule speaks of one step: only the last can be taken"
            )


def _cut_text(cut: range | int, size: int) -> str:
    if isinstance(cut, int):
        return str(cut % size)
    if len(cut) == size:
        return ":"
    end = f"{cut.start}:{cut[-1] + 1}"
    return end if cut.step == 1 else f"{end}:{cut.step}"


def concatenated(
    net: NetworkBuilder, signals: Sequence[Signal], place: int, label: str, name: str | None = None
) -> Signal:
    """Return arrays one after another along a dim."""
    rank = len(signals[0].axes)
    place %= rank
    if any(not s.axes[place].is_plain for s in signals):
        raise net.error(
            "arrays are joined along examples or steps, and the model has one at a time"
        )
    axes = list(signals[0].axes)
    texts = []
    for signal in signals:
        for i in range(rank):
            if i != place:
                axes[i] = net.joint([axes[i].root, signal.axes[i].root])
    for signal in signals:
        text = net.read(signal)
        wanted = [a if i == place else axes[i] for i, a in enumerate(signal.axes)]
        plain = [a for i, a in enumerate(wanted) if axes[i].is_plain or i == place]
        if signal.is_number or len(plain) != len(signal.plain):
            text = (
                f"{text}*ones({', '.join(net.new_dims(plain))})"
                if signal.is_number
                else net.reshaped(text, plain)
            )
        texts.append(text)
    axes[place] = NetworkAxis(sum(s.axes[place].size for s in signals), f"{label}_unit")
    kept = [a for a in axes if a.is_plain]
    words = net.place(
        tuple(NetworkAxis(a.size) if a is axes[place] else a for a in kept), kept.index(axes[place])
    )
    return net.variable(label, tuple(axes), f"concat({', '.join(texts)}, {words})", name=name)


def gathered(
    net: NetworkBuilder, x: Signal, index: Signal, place: int, label: str, name: str | None = None
) -> Signal:
    """Return the elements at places along a dim."""
    place %= len(x.axes)
    axis = x.axes[place]
    if index.constant is not None:
        where = index.constant.astype(int)
        where = np.where(where < 0, where + axis.size, where)
        if (where < 0).any() or (where >= axis.size).any():
            raise net.error(f"elements {where.tolist()} are chosen of {axis.size}")
        if where.size == 1:
            chosen = part(net, x, {place: int(where.reshape(()))}, label, name)
            ones = tuple(NetworkAxis(1) for _ in range(where.ndim))
            axes = (*x.axes[:place], *ones, *x.axes[place + 1 :])
            return chosen if not ones else with_axes(net, chosen, axes, f"{label}.kept")
        index = net.constant(where, f"{label}.index")
    if not axis.is_plain:
        raise net.error("examples or steps are chosen, and the model has one at a time")
    own = [i for i, a in enumerate(x.axes) if a.is_plain].index(place)
    text = f"take({net.read(x)}, {net.read(index)}, {net.place(x.plain, own)})"
    axes = (*x.axes[:place], *index.axes, *x.axes[place + 1 :])
    return net.variable(label, axes, text, name=name)


def padded(
    net: NetworkBuilder, x: Signal, widths: dict[int, tuple[int, int]], fill: float
) -> tuple[str, Axes]:
    """Return the text and dims of an array with a constant before and after its elements."""
    text, axes = net.read(x), list(x.axes)
    for place, (front, back) in widths.items():
        if not front and not back:
            continue
        if not axes[place].is_plain:
            raise net.error("examples or steps are padded, and the model has one at a time")
        plain = [a for a in axes if a.is_plain]
        at = plain.index(axes[place])
        pieces = [_filled(net, plain, at, front, fill), text, _filled(net, plain, at, back, fill)]
        text = f"concat({', '.join(filter(None, pieces))}, dim{at})"
        axes[place] = NetworkAxis(axes[place].size + front + back)
    return text, tuple(axes)


def _filled(
    net: NetworkBuilder, axes: Sequence[NetworkAxis], at: int, width: int, fill: float
) -> str:
    """Return the text of an array of one number, `width` wide along one dim; none where it is 0."""
    if not width:
        return ""
    shape = [NetworkAxis(width) if i == at else axis for i, axis in enumerate(axes)]
    zeros = f"zeros({', '.join(net.new_dims(shape))})"
    return zeros if fill == 0 else f"{zeros} + ({fill!r})"
