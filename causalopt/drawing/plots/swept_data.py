"""What a picture of a sweep is drawn of: axes of every kind, measures and statuses, read thinned.

A sweep in memory, a store and a store that is not full are all the same here: a dataset with a
dimension an axis, in which points that nobody computed are missing. Of a large one only so many
values of each axis are read, evenly spread; `SweptData.remark` says which.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from causalopt.drawing.plots.status_looks import MISSING
from causalopt.drawing.plots.swept_titles import identity_lines, question_lines
from causalopt.effects.measures import NAMES
from causalopt.errors import QuestionError
from causalopt.sweeps.sweep_axes import CHOICES, SEED

if TYPE_CHECKING:
    import xarray
    from numpy.typing import NDArray

    from causalopt.effects.sweeps.sweep import Sweep
    from causalopt.engine.contract import Floats
    from causalopt.sweeps.measure_sweep import MeasureSweep
    from causalopt.sweeps.sweep_axes import SweptAxis

Kind = Literal["numbers", "words", "seeds", "points"]
MOST_ALONG = 1000  # values of an axis of a map: more than a page has pixels for
MOST_OF_LINE = 20_000
MOST_OF_POINTS = 20_000
MOST_READ = 4_000_000  # points that a picture holds in memory
_LABELS = {"op": "Op [nats]", "comp": "Comp", "total": "total effect", "direct": "direct effect"}
_USUAL = ("op", "comp", "total", "direct", "value")
_UNITS = {"nat": "nats", "bit": "bits"}
_RESTS = {"op": 0.0, "comp": 1.0, "total": 0.0, "direct": 0.0, "op_rate": 0.0}


@dataclasses.dataclass(frozen=True, eq=False)
class DrawnAxis:
    """One axis.

    Attributes:
        name: As the user writes it: `R[0]`.
        kind: Numbers, seeds, words (held sets, nudges, targets), or the points of a design.
        values: Numbers or words, shape [value]; of a design the places of its points.
        quantities: Of a design, quantity -> its value at each point.
        every: Every how many values are drawn.
        whole: How many values the axis has.
    """

    name: str
    kind: Kind
    values: NDArray[Any]
    quantities: Mapping[str, Floats] = dataclasses.field(default_factory=dict)
    every: int = 1
    whole: int = 0

    def text_of(self, place: int, digits: int = 4) -> str:
        """Return one of its values as it is written in the name of a panel."""
        value = self.values[place]
        return str(value) if self.kind == "words" else f"{value:.{digits}g}"

    def title_of(self, place: int, digits: int = 4) -> str:
        """Return one of its values as it is written above a panel: `A = {T}`."""
        said = self.text_of(place, digits)
        if self.kind == "points":
            return f"point {said}"
        if self.kind == "words":
            letters = {"hold": f"A = {{{said}}}", "nudge": f"n = {said}", "target": f"m = {said}"}
            return letters.get(self.name, f"{self.name} = {said}")
        return f"seed {said}" if self.kind == "seeds" else f"{self.name}={said}"


@dataclasses.dataclass(frozen=True, eq=False)
class SweptData:
    """A sweep as it is drawn.

    Attributes:
        title: Lines above its figure.
        axes: Its axes, in the order of the dimensions.
        labels: Variable -> what stands beside its axis.
        read: Returns the values of a variable, shape [axes...], NaN where they are undefined.
        codes: The status of each point as a place in `words`, -1 where it is missing.
        words: The words.
        drawn: The variables that are drawn where nothing else is said.
    """

    title: tuple[str, ...]
    axes: tuple[DrawnAxis, ...]
    labels: Mapping[str, str]
    read: Callable[[str], Floats]
    codes: NDArray[np.integer[Any]]
    words: tuple[str, ...]
    drawn: tuple[str, ...]
    _kept: dict[str, Floats] = dataclasses.field(default_factory=dict)

    def values(self, name: str) -> Floats:
        """Return a variable's values, shape [axes...]."""
        if name not in self._kept:
            found, missing = self.read(name), self.codes < 0
            self._kept[name] = np.where(missing, np.nan, found) if missing.any() else found
        return self._kept[name]

    def status(self, place: Any = ()) -> NDArray[Any]:
        """Return the words of some points, each word once in memory."""
        table = np.array([*self.words, MISSING], dtype=object)
        found: NDArray[Any] = table[self.codes[place]]
        return found

    def rest(self, name: str) -> float | None:
        """Return a variable's value without an influence of A, None if it has none."""
        return _RESTS.get(name)

    def counted(self, count: int) -> str:
        """Return how many points there are of a kind; of a thinned sweep, which share is."""
        if all(axis.every == 1 for axis in self.axes):
            return f"{count:,}"
        return f"{100 * count / self.codes.size:.3g} %"

    @property
    def remark(self) -> str:
        """What the figure leaves out: "" where nothing is."""
        said = [
            f"every {_ordinal(axis.every)} of the {axis.whole:,} values of {axis.name}"
            if axis.kind != "points"
            else f"every {_ordinal(axis.every)} of the {axis.whole:,} points"
            for axis in self.axes
            if axis.every > 1
        ]
        return f"drawn: {', '.join(said)}" if said else ""

    def check(self, measure: str | None) -> str | None:
        """Return the name of a measure's variable.

        Raises:
            QuestionError: There is no such measure.
        """
        names = [("w" if name == "value" else name) for name in self.labels]
        if measure is not None and measure not in (*names, *self.labels):
            raise QuestionError(f"measure is one of {', '.join(names)}; {measure!r} came")
        return "value" if measure == "w" and "value" in self.labels else measure


def swept_data(
    dataset: xarray.Dataset,
    *,
    title: tuple[str, ...] | None = None,
    drawn: str | None = None,
    most: int = MOST_READ,
) -> SweptData:
    """Return a dataset of a sweep as it is drawn, thinned where it is large.

    Args:
        dataset: A dimension an axis, with `axis_name` on its coordinate; variables with `long_name`
            and `units`; `status` as words or as numbers with `flag_values` and `flag_meanings`.
        title: Lines above the figure; by default what the dataset's attributes say.
        drawn: The variable that is drawn where nothing else is said.
        most: How many points may be read.

    Raises:
        QuestionError: The dataset is none of a sweep.
    """
    if "status" not in dataset or not dataset["status"].dims:
        raise QuestionError(
            "a dataset of a sweep has the variable 'status' over its axes: this one has "
            + (", ".join(map(str, dataset.data_vars)) or "no variable")
        )
    dims = [str(dim) for dim in dataset["status"].dims]
    kinds = [_kind(dataset, dim) for dim in dims]
    sizes = [int(dataset.sizes[dim]) for dim in dims]
    every = strides(sizes, kinds, most)
    part = dataset.isel({d: slice(None, None, k) for d, k in zip(dims, every, strict=True)})
    axes = tuple(
        _axis(part, dim, kind, k, size)
        for dim, kind, k, size in zip(dims, kinds, every, sizes, strict=True)
    )
    names = [
        str(name)
        for name, array in dataset.data_vars.items()
        if array.dims == dataset["status"].dims and array.dtype.kind == "f" and name != "status"
    ]
    names.sort(key=_usual_place)
    codes, words = _codes(part["status"])  # before the numbers: a chunk may come between the two

    def read(name: str) -> Floats:
        return np.asarray(part[name].values, dtype=np.float64)

    return SweptData(
        _title(dataset) if title is None else title,
        axes,
        {name: _label(name, dataset[name].attrs) for name in names},
        read,
        codes,
        words,
        _drawn(names, dataset.attrs if drawn is None else {"drawn": drawn}),
    )


def sweep_data(sweep: Sweep) -> SweptData:
    """Return a sweep in memory as it is drawn: all of a line, a map as a figure can show it."""
    named = {"value": "values", "w": "values"}
    names = list(_USUAL)
    at = [] if sweep.model.is_static else [f"at step {sweep.at}"]

    kinds: list[Kind] = ["numbers"] * len(sweep.axes)
    is_line = len(kinds) == 1
    every = [1] if is_line else strides(list(sweep.shape), kinds, MOST_READ)
    index = tuple(slice(None, None, k) for k in every)

    def read(name: str) -> Floats:
        found: Floats = getattr(sweep, named.get(name, name))[index]
        return found

    return SweptData(
        (sweep.model.title or sweep.model.name, ", ".join([sweep.op_name, *at])),
        tuple(
            DrawnAxis(name, "numbers", np.asarray(values)[::k], every=k, whole=len(values))
            for k, (name, values) in zip(every, sweep.axes.items(), strict=True)
        ),
        {name: _LABELS.get(name, f"{sweep.target} in W") for name in names},
        read,
        sweep.codes[index],
        tuple(NAMES.tolist()),
        ("op", "comp"),
    )


def measure_sweep_data(sweep: MeasureSweep, remark: str = "") -> SweptData:
    """Return a sweep of any measure in memory as it is drawn; xarray, which loads slowly, rests.

    Args:
        sweep: The sweep.
        remark: A line more above the figure.
    """
    told, axes, model = sweep.plan.measure, sweep.plan.axes, sweep.model
    kinds = [_kind_of(axis.name, axis.quantities) for axis in axes]
    every = strides(list(sweep.shape), kinds, MOST_READ)
    index = tuple(slice(None, None, k) for k in every)
    lines: tuple[str, ...] = (model.title or model.name, told.title)
    if told.name == "op":
        swept = [axis.name for axis in axes]
        lines = question_lines(lines[0], told.name, told.settings(), swept)
    floats = [one for one in sweep.plan.variables if one.dtype == "f8"]
    names = sorted((one.name for one in floats), key=_usual_place)
    return SweptData(
        (*lines, remark) if remark else lines,
        tuple(
            _planned_axis(axis, kind, k) for axis, kind, k in zip(axes, kinds, every, strict=True)
        ),
        {
            name: _label(name, next(one.attrs for one in floats if one.name == name))
            for name in names
        },
        lambda name: sweep.columns[name][index],
        sweep.codes[index],
        tuple(told.statuses),
        _drawn(names, {"drawn": told.drawn}),
    )


def _kind_of(name: str, quantities: Mapping[str, Any]) -> Kind:
    """Return what kind of axis a plan's axis is."""
    if name not in quantities:
        return "points"
    if name in CHOICES:
        return "words"
    return "seeds" if name == SEED else "numbers"


def _planned_axis(axis: SweptAxis, kind: Kind, every: int) -> DrawnAxis:
    read = {name: np.asarray(values[:])[::every] for name, values in axis.quantities.items()}
    if kind == "points":
        places = np.arange(len(next(iter(read.values()))))
        return DrawnAxis(axis.name, kind, places, read, every=every, whole=len(axis))
    return DrawnAxis(axis.name, kind, read[axis.name], every=every, whole=len(axis))


def _usual_place(name: str) -> int:
    return _USUAL.index(name) if name in _USUAL else len(_USUAL)


def strides(sizes: list[int], kinds: list[Kind], most: int) -> list[int]:
    """Return every how many values of each axis are drawn.

    An axis of numbers or points is thinned to what a figure can show; where the whole is still more
    than `most` points, all of them are thinned further, alike. Words and seeds are not thinned.

    Example:
        >>> strides([10_000, 10_000], ["numbers", "numbers"], 4_000_000)
        [10, 10]
        >>> strides([3, 1_000_000], ["words", "numbers"], 4_000_000)
        [1, 50]
    """
    can = [k for k, kind in enumerate(kinds) if kind in ("numbers", "points")]
    along = MOST_ALONG if kinds.count("numbers") > 1 else MOST_OF_LINE
    limits = {"numbers": along, "points": MOST_OF_POINTS}
    every = [
        max(1, math.ceil(size / limits[kind])) if k in can else 1
        for k, (size, kind) in enumerate(zip(sizes, kinds, strict=True))
    ]

    def count() -> int:
        return math.prod(math.ceil(size / k) for size, k in zip(sizes, every, strict=True))

    while count() > most and any(sizes[k] > every[k] for k in can):
        widest = max(can, key=lambda k: sizes[k] / every[k])
        every[widest] += max(1, every[widest] // 8)
    return every


def _kind(dataset: xarray.Dataset, dim: str) -> Kind:
    """Return what kind of axis a dimension is."""
    if dim not in dataset.coords:
        return "points"
    coord = dataset[dim]
    name = str(coord.attrs.get("axis_name", dim))
    if coord.dtype.kind in "OUST":
        return "words"
    if name == "point":
        return "points"
    return "seeds" if name == "seed" else "numbers"


def _axis(part: xarray.Dataset, dim: str, kind: Kind, every: int, whole: int) -> DrawnAxis:
    if kind == "points":
        quantities = {
            str(coord.attrs.get("axis_name", name)): np.asarray(coord.values, dtype=np.float64)
            for name, coord in part.coords.items()
            if coord.dims == (dim,) and name != dim and coord.dtype.kind in "fiu"
        }
        places = np.arange(part.sizes[dim])
        return DrawnAxis(dim, kind, places, quantities, every=every, whole=whole)
    coord = part[dim]
    return DrawnAxis(
        str(coord.attrs.get("axis_name", dim)), kind, coord.values, every=every, whole=whole
    )


def _codes(status: xarray.DataArray) -> tuple[NDArray[np.integer[Any]], tuple[str, ...]]:
    """Return statuses as places among words, -1 for what is missing, and the words."""
    found = status.values
    if found.dtype.kind in "OUST":
        texts = found.astype(object)
        words = [*NAMES.tolist()]
        words += sorted(set(map(str, texts.ravel().tolist())) - {*words, MISSING})
        places = {**{word: k for k, word in enumerate(words)}, MISSING: -1}
        flat = [places[str(text)] for text in texts.ravel().tolist()]
        return np.array(flat, dtype=np.int16).reshape(found.shape), tuple(words)
    attrs = {**status.encoding, **status.attrs}
    meanings = attrs.get("flag_meanings")
    if meanings is None:
        raise QuestionError("the numbers of 'status' need the attribute flag_meanings")
    words = meanings.split() if isinstance(meanings, str) else [str(word) for word in meanings]
    values = np.asarray(attrs.get("flag_values", range(len(words)))).ravel().astype(int).tolist()
    table = {value: k for k, value in enumerate(values) if words[k] != MISSING}
    numbers = np.where(np.isnan(found), -1, found).astype(int) if found.dtype.kind == "f" else found
    codes = np.full(found.shape, -1, dtype=np.int16)
    for value, k in table.items():
        codes[numbers == value] = k
    return codes, tuple(words)


def _label(name: str, attrs: Mapping[str, Any]) -> str:
    if name in _LABELS:
        return _LABELS[name]
    unit = str(attrs.get("units", ""))
    long_name = str(attrs.get("long_name", name))
    return f"{long_name} [{_UNITS.get(unit, unit)}]" if unit not in ("", "1") else long_name


def _drawn(names: list[str], attrs: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what is drawn where nothing else is said: what the attributes name, or Op."""
    said = str(attrs.get("drawn", ""))
    if said in names and said != "op":
        return (said,)
    usual = tuple(name for name in ("op", "comp") if name in names)
    if not usual and not names:
        raise QuestionError("a dataset of a sweep has a measure over the axes of its status")
    return usual or (names[0],)


def _title(dataset: xarray.Dataset) -> tuple[str, ...]:
    """Return the lines that a dataset's attributes say of it."""
    attrs = dataset.attrs
    if "identity" in attrs:  # of a store
        return identity_lines(json.loads(attrs["identity"]))
    name = str(attrs.get("title") or attrs.get("model", ""))
    swept = [
        str(dataset[dim].attrs.get("axis_name", dim)) for dim in dataset.dims if dim in dataset
    ]
    asked = {key: attrs[key] for key in ("hold", "nudge", "target", "at") if key in attrs}
    return question_lines(name, str(attrs.get("measure", "op" if asked else "")), asked, swept)


def _ordinal(count: int) -> str:
    """Return a count as an ordinal number.

    Example:
        >>> [_ordinal(k) for k in (2, 3, 11, 21, 112)]
        ['2nd', '3rd', '11th', '21st', '112th']
    """
    ends = {1: "st", 2: "nd", 3: "rd"}
    end = "th" if count % 100 in (11, 12, 13) else ends.get(count % 10, "th")
    return f"{count:,}{end}"
