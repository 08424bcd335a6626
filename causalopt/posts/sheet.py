"""A sheet: what one piece of a post finds, its checks and pictures, as it is written down."""

from __future__ import annotations

import base64
import dataclasses
import io
from typing import TYPE_CHECKING, Any, Literal

from causalopt.errors import QuestionError
from causalopt.posts.check import Check, Value, last_digit, near

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Kind = Literal["svg+xml", "png"]
DPI = 110
WIDE = 8.0  # inches


@dataclasses.dataclass(frozen=True)
class Plate:
    """One picture, finished.

    Attributes:
        id: post/piece/picture.
        title: What it shows.
        caption: How to read it, what was chosen.
        kind: `svg+xml` or `png`.
        content: The picture in base64.
        wide: Whether it needs the page's whole width.
    """

    id: str
    title: str
    caption: str
    kind: Kind
    content: str
    wide: bool = False

    @property
    def address(self) -> str:
        """The picture as a data address, which needs no request."""
        return f"data:image/{self.kind};base64,{self.content}"


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
        source: The post's name.
        title: The piece's heading.

    Example:
        >>> sheet = Sheet("part1/dumb", "Part 1", "The dumb thermostat")
        >>> sheet.number("S", "1.6", 1.5849625, section="Attempt one")
        >>> sheet.findings().checks[0].agrees
        True
    """

    def __init__(self, piece: str, source: str, title: str) -> None:
        self._piece, self._source, self._title = piece, source, title
        self._checks: dict[str, Check] = {}
        self._plates: dict[str, Plate] = {}

    def number(
        self,
        name: str,
        claimed: float | str,
        computed: float,
        *,
        section: str,
        within: float | None = None,
        value: float | None = None,
        note: str = "",
    ) -> None:
        """Set a printed number beside ours.

        Args:
            name: The claim's own name.
            claimed: As printed.
            computed: Ours.
            section: Where in the post.
            within: How far apart they may lie; half a unit of the last printed digit by default.
            value: The number that a claim in words means, such as 0.81 for "an 81% chance".
            note: Why they differ, or what was chosen.
        """
        target = float(claimed) if value is None else value
        slack = last_digit(str(claimed)) if within is None else within
        self.claim(
            name,
            claimed,
            float(computed),
            agrees=near(target, float(computed), slack),
            section=section,
            note=note,
        )

    def claim(
        self,
        name: str,
        claimed: Value,
        computed: Value,
        *,
        agrees: bool,
        section: str,
        note: str = "",
    ) -> None:
        """Set a sentence of the post beside what is found.

        Raises:
            QuestionError: The name is taken, or a difference is not explained.
        """
        if name in self._checks:
            raise QuestionError(f"'{self._piece}' has two checks called '{name}'")
        source = f"{self._source}: {section}"
        self._checks[name] = Check(
            f"{self._piece}/{name}", source, claimed, computed, bool(agrees), note
        )

    def picture(
        self, name: str, title: str, figure: Figure | str, caption: str, *, kind: Kind = "svg+xml"
    ) -> None:
        """Add a picture: a matplotlib figure, or SVG as text.

        Raises:
            QuestionError: The name is taken.
        """
        if name in self._plates:
            raise QuestionError(f"'{self._piece}' has two pictures called '{name}'")
        content = figure.encode() if isinstance(figure, str) else image_bytes(figure, kind)
        text = base64.b64encode(content).decode()
        wide = not isinstance(figure, str) and bool(figure.get_figwidth() > WIDE)
        self._plates[name] = Plate(f"{self._piece}/{name}", title, caption, kind, text, wide)

    def findings(self) -> Findings:
        """Return all that was written down."""
        return Findings(
            self._piece, self._title, tuple(self._checks.values()), tuple(self._plates.values())
        )


def image_bytes(figure: Figure, kind: Kind) -> bytes:
    """Return a figure as SVG or PNG, the same bytes every time."""
    import matplotlib

    stream = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "causalopt", "svg.fonttype": "path"}):
        # The layout makes room for tick labels that only a first drawing knows.
        figure.draw_without_rendering()
        if kind == "png":
            figure.savefig(stream, format="png", dpi=DPI, metadata={"Software": None})
        else:
            figure.savefig(stream, format="svg", dpi=DPI, metadata={"Date": None})
    return stream.getvalue()
