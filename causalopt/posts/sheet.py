"""A sheet: what one piece of a post finds, its checks and pictures, as it is written down."""

from __future__ import annotations

import base64
import copy
import dataclasses
import io
from typing import TYPE_CHECKING, Any

from causalopt.errors import QuestionError
from causalopt.posts.charts import Chart, line_figure
from causalopt.posts.check import Check, Value, last_digit, near

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

DPI = 110
WIDE = 8.0  # inches


@dataclasses.dataclass(frozen=True)
class Plate:
    """One picture, finished.

    Attributes:
        id: post/piece/picture.
        title: What it shows.
        caption: How to read it, what was chosen.
        content: The picture, SVG, in base64.
        wide: Whether it needs the page's whole width.
    """

    id: str
    title: str
    caption: str
    content: str
    wide: bool = False

    @property
    def address(self) -> str:
        """The picture as a data address, which needs no request."""
        return f"data:image/svg+xml;base64,{self.content}"


@dataclasses.dataclass(frozen=True)
class Findings:
    """What one piece of a post finds.

    Attributes:
        piece: post/piece.
        title: The piece's heading.
        checks: In the order of the post.
        plates: Its pictures, likewise.
    """

    piece: str
    title: str
    checks: tuple[Check, ...]
    plates: tuple[Plate, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON's types."""
        return dataclasses.asdict(self) | {"checks": [check.to_dict() for check in self.checks]}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Findings:
        """Return what `to_dict` gave.

        Raises:
            QuestionError: Something is missing from it.
        """
        try:
            checks = tuple(Check(**row) for row in data["checks"])
            plates = tuple(Plate(**row) for row in data["plates"])
            return cls(data["piece"], data["title"], checks, plates)
        except (KeyError, TypeError) as error:
            raise QuestionError(f"these are no findings: {error}") from None


class Sheet:
    """Where a piece writes down what it finds; `findings` closes it.

    Args:
        piece: post/piece, the beginning of every id.
        source: The post's name, and where in the post its claims stand.
        title: The piece's heading.

    Example:
        >>> sheet = Sheet("part1/dumb", "Part 1", "The dumb thermostat")
        >>> sheet.under("Attempt one").number("S", "1.6", 1.5849625)
        >>> sheet.findings().checks[0].source
        'Part 1: Attempt one'
    """

    def __init__(self, piece: str, source: str, title: str) -> None:
        self._piece, self._source, self._title = piece, source, title
        self._checks: dict[str, Check] = {}
        self._plates: dict[str, Plate] = {}

    def under(self, section: str) -> Sheet:
        """Return the same sheet, for claims of this section of the post."""
        part = copy.copy(self)
        part._source = f"{self._source}: {section}"
        return part

    def number(
        self,
        name: str,
        claimed: float | str,
        computed: float,
        note: str = "",
        *,
        within: float | None = None,
        value: float | None = None,
    ) -> None:
        """Set a printed number beside ours.

        Args:
            name: The claim's own name.
            claimed: As printed.
            computed: Ours.
            note: Why they differ, or what was chosen.
            within: How far apart they may lie; half a unit of the last printed digit by default.
            value: The number that a claim in words means, such as 0.81 for "an 81% chance".
        """
        computed = float(computed)
        target = float(claimed) if value is None else value
        slack = last_digit(str(claimed)) if within is None else within
        self.claim(name, claimed, computed, near(target, computed, slack), note)

    def claim(
        self, name: str, claimed: Value, computed: Value, agrees: bool | np.bool_, note: str = ""
    ) -> None:
        """Set a sentence of the post beside what is found.

        Raises:
            QuestionError: The name is taken, or a difference is not explained.
        """
        if name in self._checks:
            raise QuestionError(f"'{self._piece}' has two checks called '{name}'")
        if isinstance(computed, float):
            computed = float(computed)  # of numpy's floats, too
        key = f"{self._piece}/{name}"
        self._checks[name] = Check(key, self._source, claimed, computed, bool(agrees), note)

    def picture(self, name: str, title: str, figure: Figure | Chart | str, caption: str) -> None:
        """Add a picture: a matplotlib figure, one chart, or SVG as text.

        Raises:
            QuestionError: The name is taken.
        """
        if name in self._plates:
            raise QuestionError(f"'{self._piece}' has two pictures called '{name}'")
        if isinstance(figure, Chart):
            figure = line_figure(figure)
        content = figure.encode() if isinstance(figure, str) else image_bytes(figure)
        text = base64.b64encode(content).decode()
        wide = not isinstance(figure, str) and bool(figure.get_figwidth() > WIDE)
        self._plates[name] = Plate(f"{self._piece}/{name}", title, caption, text, wide)

    def findings(self) -> Findings:
        """Return all that was written down."""
        checks, plates = tuple(self._checks.values()), tuple(self._plates.values())
        return Findings(self._piece, self._title, checks, plates)


def image_bytes(figure: Figure) -> bytes:
    """Return a figure as SVG, the same bytes every time."""
    import matplotlib

    stream = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "causalopt", "svg.fonttype": "path"}):
        # The layout makes room for tick labels that only a first drawing knows.
        figure.draw_without_rendering()
        figure.savefig(stream, format="svg", dpi=DPI, metadata={"Date": None})
    return stream.getvalue()
