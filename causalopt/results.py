"""What results offer, a figure, a data set or a text, as generic functions implemented above them.

A result's class knows nothing of figures: `plot` and its like dispatch on it, and the module that
registers the implementation is named by the package, once, and loaded when it is first asked for.
Their numbers in JSON are written here, the same way for all.
"""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, overload

from causalopt.work.interrupts import begin_hearing, end_hearing, start_here

if TYPE_CHECKING:
    from pathlib import Path

    import matplotlib.figure
    import numpy as np
    import pandas
    import xarray
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from causalopt.display.summary import Summary

    Places = Axes | Sequence[Axes] | NDArray[np.object_]

_MODULES: dict[str, Mapping[str, str]] = {}


def offer(modules: Mapping[str, Mapping[str, str]]) -> None:
    """Say which modules register implementations for a class.

    Args:
        modules: A class, as `module.Class` -> a generic function's name -> the module, below the
            package, that registers its implementation.
    """
    _MODULES.update(modules)


R = TypeVar("R")


class Offer(Generic[R]):
    """A generic function on results; a class's own module is loaded when it is first asked for.

    A class is asked for its own before its base's: `functools.singledispatch` alone would take the
    base's, once that is loaded.
    """

    def __init__(self, default: Callable[..., R]) -> None:
        functools.update_wrapper(self, default)
        self.name = default.__name__
        self._dispatch = functools.singledispatch(default)
        self.register = self._dispatch.register

    def __call__(self, result: Any, *others: Any, **options: Any) -> R:
        """Return what the result's class offers.

        Raises:
            TypeError: It offers nothing of that kind.
        """
        hears = begin_hearing()
        try:
            return self._asked(result, others, options)
        finally:
            if hears:
                end_hearing()

    def _asked(self, result: Any, others: tuple[Any, ...], options: dict[str, Any]) -> R:
        from causalopt import extras

        for kind in reversed(type(result).__mro__):
            offered = _MODULES.get(f"{kind.__module__}.{kind.__qualname__}", {})
            if self.name in offered:
                extras.load(f"causalopt.{offered[self.name]}")
        return self._dispatch.dispatch(type(result))(result, *others, **options)


start_here(Offer.__call__)


@Offer
def plot(result: Any, *_others: Any, **_options: Any) -> Any:
    """Return a figure of a result, a new one that belongs to no global state; see `Plotted.plot`.

    Raises:
        TypeError: Nothing draws results of this class.
    """
    raise _missing("plot", result)


@Offer
def labelled(result: Any) -> xarray.Dataset:
    """Return a result as a dataset with labelled axes and its provenance.

    Raises:
        TypeError: Nothing labels results of this class.
    """
    raise _missing("labelled", result)


@Offer
def report(result: Any) -> str:
    """Return how a result was found, step by step, in Markdown.

    Raises:
        TypeError: Nothing reports on results of this class.
    """
    raise _missing("report", result)


@Offer
def python(result: Any) -> str:
    """Return Python source, free of dependencies, that computes a result again.

    Raises:
        TypeError: Nothing writes results of this class as source.
    """
    raise _missing("python", result)


@Offer
def pretty(result: Any, *, width: int = 80, unicode: bool = True) -> str:  # noqa: ARG001 - what each takes
    """Return a result's formulas as two-dimensional text, for a terminal of some columns.

    Raises:
        TypeError: Nothing draws formulas of results of this class.
    """
    raise _missing("pretty", result)


@Offer
def page(result: Any) -> str:
    """Return a result as one HTML page, which needs nothing but a browser.

    Raises:
        TypeError: Nothing makes a page of results of this class.
    """
    raise _missing("page", result)


@Offer
def summary(result: Any, **_options: Any) -> Summary:
    """Return what a result shows: a heading, what was found in sentences, and tables.

    Raises:
        TypeError: Nothing sums up results of this class.
    """
    raise _missing("summary", result)


@Offer
def picture(result: Any) -> str:
    """Return a result's picture as SVG that stands in a page and takes its colours.

    Raises:
        TypeError: Nothing draws results of this class.
    """
    raise _missing("picture", result)


@Offer
def rich(result: Any) -> str:
    """Return a result as HTML for a notebook: heading, table, picture, folded details.

    Raises:
        TypeError: Nothing shows results of this class.
    """
    raise _missing("rich", result)


@Offer
def written(result: Any, _path: str | os.PathLike[str]) -> None:
    """Write something to a file of its own kind, whole or not at all.

    Raises:
        TypeError: Nothing writes results of this class.
    """
    raise _missing("write", result)


class Displayed:
    """A result that shows itself: `repr` is short, `print` has its table, a notebook all of it."""

    def __str__(self) -> str:
        return str(summary(self))

    def _repr_html_(self) -> str:
        return rich(self)


class Tabled(Displayed):
    """A result that is labelled arrays too, and can be kept."""

    @functools.cached_property
    def dataset(self) -> xarray.Dataset:
        """The result with labelled axes and its provenance."""
        return labelled(self)

    def to_pandas(self, of: str | None = None) -> pandas.DataFrame:
        """Return the result as one table, a row for each point of a variable's axes.

        Args:
            of: The dataset's variable whose axes the rows are; `status` when not given, or the
                first where there is none.

        Raises:
            UnknownNameError: The dataset has no such variable.
        """
        from causalopt.saving.data_frame import data_frame  # few results are tables
        from causalopt.saving.status_words import in_words

        return data_frame(in_words(self.dataset), of)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the result to a file, whole or not at all; its suffix says as what.

        `.nc` and `.zarr` hold the dataset, `.csv` and `.parquet` the table of `to_pandas`, `.json`
        what `--json` prints.

        Raises:
            FileError: The suffix is none of these, or the file cannot be written.
            MissingPackageError: What writes it is not installed.
        """
        from causalopt.saving.file_formats import save  # few results are written

        return save(self, path)

    def to_dict(self) -> dict[str, Any]:
        """Return the dataset as JSON's types: its attributes, axes and variables by name."""
        found = self.dataset
        values = {str(name): nested(array.values) for name, array in found.variables.items()}
        return {**{str(name): str(text) for name, text in found.attrs.items()}, **values}

    def record(self) -> dict[str, Any]:
        """Return all of the result as JSON's types."""
        return self.to_dict()


class NotOfferedError(TypeError):
    """A class of results that offers nothing of this kind."""


class Plotted:
    """A result with a picture of named panels."""

    @overload
    def plot(
        self,
        *,
        ax: None = None,
        figsize: tuple[float, float] | None = None,
        panels: str | Sequence[str] | None = None,
        theme: Literal["light", "dark"] | None = None,
    ) -> matplotlib.figure.Figure: ...

    @overload
    def plot(
        self,
        *,
        ax: Places,
        figsize: None = None,
        panels: str | Sequence[str] | None = None,
        theme: Literal["light", "dark"] | None = None,
    ) -> Places: ...

    def plot(
        self,
        *,
        ax: Places | None = None,
        figsize: tuple[float, float] | None = None,
        panels: str | Sequence[str] | None = None,
        theme: Literal["light", "dark"] | None = None,
    ) -> Any:
        """Return a figure of the result, which shows itself in a notebook.

        Args:
            ax: Axes of your own figure to draw into: one for one panel, a sequence for several, in
                the panels' order. Your figure is neither closed nor resized, and its title is
                yours.
            figsize: Width and height of the figure in inches; as its panels need by default, and
                as wide as a page.
            panels: Names of the panels that are drawn, in this order; an unknown one is refused
                with the list.
            theme: "light" or "dark"; light by default, and with `ax` the one that is legible on
                its ground.

        Returns:
            A new `matplotlib.figure.Figure`, that pyplot does not know; with `ax`, what was given.

        Raises:
            QuestionError: There is no such panel or theme, or there are more or fewer axes than
                panels.
            MissingPackageError: matplotlib is not installed.
        """
        return plot(self, ax=ax, figsize=figsize, panels=panels, theme=theme)


def _missing(name: str, result: Any) -> NotOfferedError:
    return NotOfferedError(f"nothing is registered to {name} a {type(result).__name__}")


def plain(values: NDArray[np.float64]) -> list[float | str | None]:
    """Return an array as strict JSON's types: infinities as "inf" and "-inf", NaN as null."""
    return [plain_number(value) for value in values.tolist()]


def nested(values: NDArray[Any]) -> Any:
    """Return an array of any axes as nested lists of strict JSON's types.

    Example:
        >>> import numpy as np
        >>> nested(np.array([[1.0, np.inf]]))
        [[1.0, 'inf']]
    """
    if values.dtype.kind != "f":
        return values.tolist()
    if values.ndim == 0:
        return plain_number(values.item())
    return plain(values) if values.ndim == 1 else [nested(row) for row in values]


def plain_number(value: float) -> float | str | None:
    """Return one number as JSON's types.

    Example:
        >>> plain_number(float("-inf")), plain_number(float("nan")), plain_number(1.5)
        ('-inf', None, 1.5)
    """
    if math.isfinite(value):
        return value
    return None if value != value else "inf" if value > 0 else "-inf"
