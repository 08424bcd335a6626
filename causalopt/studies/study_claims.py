"""The claims of a study set beside what was computed: each a number that holds it or refutes it."""

from __future__ import annotations

import dataclasses
import math
import operator
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.effects.running import run
from causalopt.errors import CausaloptError
from causalopt.studies.landscape_maps import LandscapeMaps
from causalopt.studies.landscape_study import SHARE
from causalopt.studies.plane_sections import evaluated
from causalopt.studies.rate_diagram import RateDiagram
from causalopt.studies.study_files import landscape_labels, matches

if TYPE_CHECKING:
    from causalopt.engine.contract import Bools, Floats
    from causalopt.model.model import Model
    from causalopt.studies.landscape_study import StudyClaim

_COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_CLOSE = 1e-12  # an expected number without a tolerance is met to within rounding


@dataclasses.dataclass(frozen=True)
class CheckedClaim:
    """A claim and what was found.

    Attributes:
        claim: The sentence.
        expected: What the number had to be.
        computed: What it is, over all landscapes that are meant.
        holds: Whether it is so in every one of them; None where the grid is coarser than the one
            that the claim is made for.
        source: Where the expected value comes from.
    """

    claim: str
    expected: str
    computed: str
    holds: bool | None
    source: str

    @property
    def symbol(self) -> str:
        """A sign that is told apart without colour."""
        return "–" if self.holds is None else "✓" if self.holds else "≠"

    @property
    def word(self) -> str:
        """The same in a word."""
        return "not asked" if self.holds is None else "holds" if self.holds else "does not hold"

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON's types."""
        return dataclasses.asdict(self)


def claim_counts(claims: Sequence[CheckedClaim]) -> str:
    """Return how many claims hold, do not, and are not asked of so coarse a grid."""
    held, refuted, left = (sum(c.holds is h for c in claims) for h in (True, False, None))
    parts = [f"{held} of {held + refuted} hold" if held + refuted else ""]
    parts.append(f"{left} not asked of a grid so coarse" if left else "")
    return ", ".join(filter(None, parts)) or "there are none"


@dataclasses.dataclass(frozen=True)
class _Found:
    """One number of one landscape, with what it is held against."""

    value: float | str
    low: float = math.nan
    high: float = math.nan
    holds: bool = False


def checked_claims(found: LandscapeMaps | RateDiagram) -> tuple[CheckedClaim, ...]:
    """Return a study's claims, each set beside what was computed."""
    return tuple(_checked(found, claim) for claim in found.study.claims)


def _checked(found: LandscapeMaps | RateDiagram, claim: StudyClaim) -> CheckedClaim:
    size = (
        len(found.values)
        if isinstance(found, RateDiagram)
        else len(next(iter(found.axes.values())))
    )
    if claim.is_of_a_grid and size < found.study.size:
        needed = f"it is made for a grid of {found.study.size} or finer"
        return CheckedClaim(claim.claim, _expected(claim), needed, None, claim.source)
    if claim.refused is not None:
        numbers = [_refused(found, claim)]
    else:
        meant = [row for row in landscape_labels(found.study) if matches(claim.where, row)]
        numbers = [number for row in meant for number in _numbers(found, claim, row)]
    holds = bool(numbers) and all(number.holds for number in numbers)
    computed = _computed(numbers) + _off_by(claim, numbers)
    return CheckedClaim(claim.claim, _expected(claim), computed, holds, claim.source)


def _expected(claim: StudyClaim) -> str:
    what = {
        "share": f"share of points with {claim.share}",
        "median": f"median {claim.median}",
        "least": f"least {claim.least}",
        "largest": f"largest {claim.largest}",
        "every": f"{claim.every} at every point",
        "integral": f"integral of 1 - Comp over {claim.integral}",
        "mirror": "difference from its mirror image",
        "like": "difference of the two landscapes",
        "point": f"{'status' if claim.status else claim.of} there",
        "refused": "refused",
    }[claim.way]
    if claim.way == "refused":
        return f"refused: {claim.refused}"
    if claim.status is not None:
        return f"{what}: {claim.status}"
    if claim.between is not None:
        low, high = claim.between
        return f"{what}: {low:g} to {high:g}"
    about = f" ± {claim.tolerance:g}" if claim.tolerance else ""
    return f"{what}: {claim.value}{about}"


def _computed(numbers: list[_Found]) -> str:
    words = sorted({number.value for number in numbers if isinstance(number.value, str)})
    if words:
        return ", ".join(words)
    values = [float(number.value) for number in numbers]
    if not values:
        return "nothing"
    low, high = min(values), max(values)
    if math.isnan(low + high):
        return "undefined"
    return f"{low:.6g}" if f"{low:.6g}" == f"{high:.6g}" else f"{low:.6g} to {high:.6g}"


def _off_by(claim: StudyClaim, numbers: list[_Found]) -> str:
    """Return how far several numbers are from what each is held against, by a formula."""
    if not isinstance(claim.value, str) or len({number.low for number in numbers}) < 2:
        return ""
    off = [
        abs(float(number.value) - (number.low + number.high) / 2)
        for number in numbers
        if not isinstance(number.value, str) and math.isfinite(number.low)
    ]
    return f", at most {max(off):.2g} off" if off else ""


def _refused(found: LandscapeMaps | RateDiagram, claim: StudyClaim) -> _Found:
    """Ask what cannot be asked; the words of the refusal hold the claim."""
    assert claim.refused is not None
    asked = {key: claim.where[key] for key in ("hold", "nudge", "target") if key in claim.where}
    try:
        run(found.model, **asked, steps=1)
    except CausaloptError as error:
        return _Found(error.message, holds=claim.refused in error.message)
    return _Found("it was asked")


def _numbers(
    found: LandscapeMaps | RateDiagram, claim: StudyClaim, row: dict[str, Any]
) -> Iterator[_Found]:
    """Return the numbers of one landscape, or of one curve."""
    place = row["place"]
    if not isinstance(found, LandscapeMaps):
        yield from _of_rates(found, claim, place)
        return
    model = found.model_of(place[0])
    inside = _inside(found.axes, claim)
    if claim.point is not None:
        yield _at_point(model, claim, row)
    elif claim.mirror is not None:
        right, up = found.axes
        turned = tuple(slice(None, None, -1 if name in claim.mirror else 1) for name in (up, right))
        images = [values[place][turned] for values in (found.op, found.comp)]
        yield _held_against(_difference(found, place, images), claim, model)
    elif claim.like is not None:
        wanted = {**row, **claim.like}
        others = [other for other in landscape_labels(found.study) if _same(other, wanted)]
        images = [values[others[0]["place"]] for values in (found.op, found.comp)]
        yield _held_against(_difference(found, place, images), claim, model)
    elif claim.integral is not None:
        yield from _integrals(found, claim, place, model)
    else:
        values = {"op": found.op, "comp": found.comp, "w": found.w}[_quantity(claim)][place]
        yield from _of_values(values[inside], claim, model)


def _inside(axes: dict[str, Floats], claim: StudyClaim) -> Bools:
    """Return which points of the plane count, axes (up, right)."""
    parts = {
        name: (claim.inside[name][0] <= x) & (x <= claim.inside[name][1])
        if name in claim.inside
        else np.ones(len(x), dtype=bool)
        for name, x in axes.items()
    }
    right, up = parts.values()
    return up[:, None] & right[None, :]


def _quantity(claim: StudyClaim) -> str:
    if claim.share is not None:
        match = SHARE.fullmatch(claim.share)
        assert match is not None
        return match[1]
    said = getattr(claim, claim.way)
    assert isinstance(said, str)
    return said


def _of_values(values: Floats, claim: StudyClaim, model: Model) -> Iterator[_Found]:
    """Return a statistic of some points; points without a number do not count, but for `every`."""
    known = values[~np.isnan(values)]
    if not known.size or (claim.every is not None and known.size < values.size):
        yield _Found(math.nan)
    elif claim.share is not None:
        match = SHARE.fullmatch(claim.share)
        assert match is not None
        share = float(np.mean(_COMPARE[match[2]](known, float(match[3]))))
        yield _held_against(share, claim, model)
    elif claim.every is not None:
        ends = (float(known.min()), float(known.max()))
        yield from (_held_against(value, claim, model) for value in ends)
    else:
        yield _held_against(_statistic(known, claim.way), claim, model)


def _statistic(known: Floats, way: str) -> float:
    """Return the median, the least or the largest value; infinities are values."""
    if way == "median":
        return float(np.median(known))
    return float(known.min() if way == "least" else known.max())


def _held_against(value: float, claim: StudyClaim, model: Model) -> _Found:
    if claim.between is not None:
        low, high = claim.between
    else:
        middle = evaluated(model, claim.value)
        slack = claim.tolerance or _CLOSE * max(abs(middle), 1.0)
        low, high = middle - slack, middle + slack
        if value == middle:
            return _Found(value, low, high, holds=True)  # infinities too
    return _Found(value, low, high, holds=bool(low <= value <= high))


def _same(row: dict[str, Any], wanted: dict[str, Any]) -> bool:
    return matches({key: value for key, value in wanted.items() if key != "place"}, row)


def _difference(found: LandscapeMaps, place: tuple[int, ...], images: list[Floats]) -> float:
    """Return the largest difference of Op and of Comp from images of them.

    It is infinite where one has a number and the other has none, or another infinity.
    """
    worst = 0.0
    for values, image in zip((found.op[place], found.comp[place]), images, strict=True):
        same = (values == image) | (np.isnan(values) & np.isnan(image))
        both = np.isfinite(values) & np.isfinite(image)
        if not (same | both).all():
            return math.inf
        apart = np.subtract(values, image, out=np.zeros_like(values), where=both)
        worst = max(worst, float(np.abs(apart).max(initial=0.0)))
    return worst


def _integrals(
    found: LandscapeMaps, claim: StudyClaim, place: tuple[int, ...], model: Model
) -> Iterator[_Found]:
    """Return the integral of 1 - Comp over one axis, at each value of the other."""
    right, up = found.axes
    other = up if claim.integral == right else right
    over = 1 if claim.integral == right else 0
    low, high = found.study.axes[str(claim.integral)]
    comp, is_parameter = found.comp[place], other in model.parameters
    amounts = (1.0 - comp).mean(axis=over) * (high - low)
    part = claim.inside.get(other, (-math.inf, math.inf))
    for value, amount in zip(found.axes[other], amounts, strict=True):
        if part[0] <= value <= part[1]:
            at = model.replace(parameters={other: float(value)}) if is_parameter else model
            yield _held_against(float(amount), claim, at)


def _at_point(model: Model, claim: StudyClaim, row: dict[str, Any]) -> _Found:
    """Return a quantity of one run, or its status."""
    assert claim.point is not None
    starts = {name: value for name, value in claim.point.items() if name not in model.parameters}
    changes = {name: value for name, value in claim.point.items() if name in model.parameters}
    at = model.replace(parameters=changes)
    found = run(
        at,
        nudge=row["nudge"],
        hold=row["hold"],
        target=row["target"],
        steps=row["at"],
        initial={name.partition("[")[0].strip(): value for name, value in starts.items()},
    )
    status = str(found.status[-1])
    if claim.status is not None:
        return _Found(status, holds=status == claim.status)
    values = {"op": found.op, "comp": found.comp, "w": found.W[row["target"]]}[claim.of]
    return _held_against(float(values[-1]), claim, at)


def _of_rates(found: RateDiagram, claim: StudyClaim, place: tuple[int, ...]) -> Iterator[_Found]:
    """Return the numbers of one curve; of `every` each value is held against its own."""
    branch, question = place
    low, high = claim.inside.get(found.parameter, (-math.inf, math.inf))
    inside = (low <= found.values) & (found.values <= high)
    name = _quantity(claim)
    curve = found.lyapunov[branch] if name == "lyapunov" else getattr(found, name)[branch, question]
    if claim.every is None:
        yield from _of_values(curve[inside], claim, found.model)
        return
    for value, number in zip(found.values[inside], curve[inside], strict=True):
        model = found.model.replace(parameters={found.parameter: float(value)})
        yield _held_against(float(number), claim, model)
