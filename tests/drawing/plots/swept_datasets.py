"""Datasets of sweeps as stores have them, from closed forms: axes of every kind, also half full.

Two steps of the thermostat by hand: R[2] = R[0] - k (T[0] + R[0] - d), so that with T held Comp is
1 - k whatever the other quantities are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray

WORDS = ("ok", "perfect", "only_path", "no_influence", "held", "diverged", "nonfinite", "kink")
HELD = ("T", "R", "T, R", "T[t<=1]", "R[1]", "T[1]")
NUDGED = ("R[0]", "T[0]", "R[1]", "T[1]", "R[2]", "T[2]")


def op_of(k: Any) -> Any:
    """Return Op of the thermostat with gain k after two steps: +inf at k = 1."""
    with np.errstate(divide="ignore"):
        return -np.log(np.abs(1.0 - np.asarray(k, dtype=float)))


def dataset(
    axes: Mapping[str, Any],
    variables: Mapping[str, Any],
    codes: Any = None,
    *,
    words: Sequence[str] = WORDS,
    attrs: Mapping[str, str] | None = None,
    quantities: Mapping[str, Any] | None = None,
) -> xarray.Dataset:
    """Return a dataset as a store has it: a coordinate an axis, `status` as flagged numbers.

    Args:
        axes: Axis -> its values; `point` -> None for a design.
        variables: Variable -> its values, or (values, attributes).
        codes: Places in the words, -1 where nothing was computed; all ok if None.
        words: The words of the statuses.
        attrs: More attributes.
        quantities: Of a design, quantity -> its values.
    """
    labels = {name: name.replace("[", "_").replace("]", "") for name in axes}
    dims = tuple(labels.values())
    data: dict[str, Any] = {}
    for name, given in variables.items():
        values, told = given if isinstance(given, tuple) else (given, {})
        data[name] = (dims, np.asarray(values, dtype=float), told)
    shape = next(iter(data.values()))[1].shape
    status = np.zeros(shape, dtype=np.int8) if codes is None else np.asarray(codes, dtype=np.int8)
    flags = {
        "flag_values": np.arange(-1, len(words), dtype=np.int8),
        "flag_meanings": " ".join(("missing", *words)),
    }
    coords: dict[str, Any] = {
        labels[name]: (labels[name], _column(values), {"axis_name": name})
        for name, values in axes.items()
        if values is not None
    }
    for name, values in (quantities or {}).items():
        label = name.replace("[", "_").replace("]", "")
        coords[label] = ("point", np.asarray(values, dtype=float), {"axis_name": name})
    asked = {"model": "thermostat", "nudge": "R[0]", "hold": "T", "target": "R", "at": "2"}
    return xarray.Dataset(
        {**data, "status": (dims, status, flags)}, coords, {**asked, **(attrs or {})}
    )


def _column(values: Any) -> Any:
    if isinstance(values[0], str):
        found = np.empty(len(values), dtype=object)
        found[:] = list(values)
        return found
    return np.asarray(values)


NAT = {"units": "nat", "long_name": "-ln |Comp|"}
KS = np.geomspace(0.1, 10, 9)
RS = np.linspace(5, 45, 11)


def half_map() -> xarray.Dataset:
    """Return Op over k and R[0], the last four of nine values of k missing; k = 1 is perfect."""
    op = np.broadcast_to(op_of(KS)[:, None], (9, 11)).copy()
    codes = np.zeros((9, 11), dtype=np.int8)
    codes[4] = WORDS.index("perfect")
    codes[0, :3] = WORDS.index("kink")
    codes[5:] = -1
    op[5:] = np.nan
    return dataset({"k": KS, "R[0]": RS}, {"op": (op, NAT)}, codes)


def half_line() -> xarray.Dataset:
    """Return Op over R[0], the middle missing and one end a kink."""
    codes = np.zeros(11, dtype=np.int8)
    codes[4:7], codes[10] = -1, WORDS.index("kink")
    op = np.where(codes < 0, np.nan, RS / 45)
    return dataset({"R[0]": RS}, {"op": (op, NAT), "comp": np.exp(-op)}, codes)


def held_lines(nudged: Sequence[str] = ()) -> xarray.Dataset:
    """Return a line for each held set, and for each nudge where some are given."""
    sizes = (len(HELD), *([len(nudged)] if nudged else []), 9)
    op = np.arange(1.0, np.prod(sizes[:-1]) + 1).reshape((*sizes[:-1], 1)) * np.log(KS)
    codes = np.zeros(sizes, dtype=np.int8)
    codes[2] = len(WORDS)
    op[2] = np.nan
    axes = {"hold": HELD, **({"nudge": nudged} if nudged else {}), "k": KS}
    return dataset(axes, {"op": (op, NAT)}, codes, words=(*WORDS, "refused"))


def held_maps(rows: int = 6, columns: int = 6) -> xarray.Dataset:
    """Return a map over k and R[0] for each of some held sets and nudges; the last row missing."""
    op = np.arange(rows)[:, None, None, None] + np.arange(columns)[:, None, None]
    values = op * np.log(KS)[:, None] + np.zeros(11)
    codes = np.zeros(values.shape, dtype=np.int8)
    codes[-1] = -1
    values[-1] = np.nan
    axes = {"hold": HELD[:rows], "nudge": NUDGED[:columns], "k": KS, "R[0]": RS}
    return dataset(axes, {"op": (values, NAT)}, codes)


def seeded_line(*, held: bool = False) -> xarray.Dataset:
    """Return Op over R[0] of five seeds, seed s raised by s; the last point missing."""
    op = RS[:, None] / 45 + np.arange(5.0)
    codes = np.zeros(op.shape, dtype=np.int8)
    codes[-1], op[-1] = -1, np.nan
    codes[0, 3:], op[0, 3:] = WORDS.index("diverged"), np.nan
    axes: dict[str, Any] = {"R[0]": RS, "seed": np.arange(5)}
    if held:
        axes = {"hold": HELD[:2], **axes}
        op, codes = np.stack([op, -op]), np.stack([codes, codes])
    return dataset(axes, {"op": (op, NAT)}, codes)


def table() -> xarray.Dataset:
    """Return Op for each held set and nudge, without an axis of numbers."""
    op = np.arange(9.0).reshape(3, 3) - 4
    codes = np.zeros((3, 3), dtype=np.int8)
    codes[1, 1], op[1, 1] = WORDS.index("held"), -np.inf
    codes[2, 2], op[2, 2] = -1, np.nan
    return dataset({"hold": HELD[:3], "nudge": NUDGED[:3]}, {"op": (op, NAT)}, codes)


def words() -> xarray.Dataset:
    """Return Op for each held set."""
    codes = np.zeros(6, dtype=np.int8)
    codes[1] = WORDS.index("perfect")
    op = np.array([1.0, np.inf, 3.0, 4.0, 5.0, 6.0])
    return dataset({"hold": HELD}, {"op": (op, NAT)}, codes)


def scattered(count: int = 3, points: int = 64) -> xarray.Dataset:
    """Return Op at points over one to three quantities, k spread by ratios; a quarter missing."""
    rng = np.random.default_rng(3)
    shares = rng.random((points, 3))
    over = {"k": 10 ** (4 * shares[:, 0] - 2), "R[0]": 40 * shares[:, 1], "d": 10 * shares[:, 2]}
    chosen = dict(list(over.items())[:count])
    op = op_of(over["k"])
    codes = np.zeros(points, dtype=np.int8)
    codes[:16], op[:16] = -1, np.nan
    codes[16:20], op[16:20] = WORDS.index("perfect"), np.inf
    codes[20:24] = WORDS.index("kink")
    return dataset({"point": None}, {"op": (op, NAT)}, codes, quantities=chosen)


def escapes() -> xarray.Dataset:
    """Return another measure: probabilities over five decades and their errors."""
    probability = 10.0 ** -np.linspace(0, 5, 9)[:, None] * np.ones(11)
    return dataset(
        {"k": KS, "R[0]": RS},
        {
            "error": (probability / 100, {"units": "1"}),
            "probability": (probability, {"units": "1", "long_name": "probability of escape"}),
        },
        attrs={"drawn": "probability"},
    )
