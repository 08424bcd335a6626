"""A check: what a post says beside what is computed here, and whether the two agree."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from causalopt.errors import QuestionError

Value = float | str | None


@dataclasses.dataclass(frozen=True)
class Check:
    """One claim of a post and what we find.

    Attributes:
        id: post/piece/claim, such as `part3/thermostat/op-1000`.
        source: The post and its section.
        claimed: What the post says, a number or words.
        computed: What is computed here, by the public interface.
        agrees: Whether the two agree, to the digits the post prints.
        note: Why they differ, or what was chosen where the text leaves it open.

    Raises:
        QuestionError: It differs and does not say why.
    """

    id: str
    source: str
    claimed: Value
    computed: Value
    agrees: bool
    note: str = ""

    def __post_init__(self) -> None:
        if not self.agrees and not self.note:
            raise QuestionError(f"the check '{self.id}' differs from its source: say why in a note")

    @property
    def symbol(self) -> str:
        """A sign that is told apart without colour."""
        return "✓" if self.agrees else "≠"

    @property
    def word(self) -> str:
        """The same in a word."""
        return "agrees" if self.agrees else "differs"

    def to_dict(self) -> dict[str, Any]:
        """Return the check as JSON's types, infinities as the strings `inf` and `-inf`."""
        row = dataclasses.asdict(self)
        return row | {name: plain(row[name]) for name in ("claimed", "computed")}


def plain(value: Value) -> Value:
    """Return a value as strict JSON has it.

    Example:
        >>> plain(float("-inf")), plain(float("nan")), plain(1.5), plain("two")
        ('-inf', None, 1.5, 'two')
    """
    if not isinstance(value, float):
        return value
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else ("inf" if value > 0 else "-inf")


def near(claimed: float, computed: float, within: float) -> bool:
    """Whether a computed number is the claimed one, to within what was printed.

    Args:
        claimed: The printed number.
        computed: Ours.
        within: Half a unit of the last printed digit, usually; not negative.

    Raises:
        QuestionError: `within` is negative or no number.

    Example:
        >>> near(2.2, 2.1971597, 0.05), near(19.611, 19.9617, 0.0005)
        (True, False)
    """
    if not within >= 0:
        raise QuestionError(f"a tolerance is zero or positive; {within} came")
    if math.isinf(claimed) or math.isinf(computed):
        return claimed == computed
    # A number printed to the digit may lie on the very edge of the interval that rounds to it.
    return abs(claimed - computed) <= within * (1 + 1e-9)


def last_digit(printed: str) -> float:
    """Return half a unit of the last digit of a printed number: how far the truth may lie.

    Raises:
        QuestionError: The text is no plain decimal number.

    Example:
        >>> last_digit("1.6"), last_digit("19.961"), last_digit("5")
        (0.05, 0.0005, 0.5)
    """
    digits = printed.strip().lstrip("+-")
    whole, _, fraction = digits.partition(".")
    if not (whole + fraction).isdigit():
        raise QuestionError(f"'{printed}' is no plain decimal number such as 19.961")
    return 0.5 * 10.0 ** -len(fraction)
