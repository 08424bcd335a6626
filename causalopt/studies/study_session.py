"""Computing studies: which ones, their pictures, their claims, and the page of all of them."""

from __future__ import annotations

import dataclasses
import io
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from causalopt.errors import FileError, QuestionError
from causalopt.extras import need
from causalopt.model.files import write_whole
from causalopt.results import Displayed
from causalopt.studies.landscape_maps import LandscapeMaps, landscape_maps
from causalopt.studies.landscape_study import LEAST_SIZE, MOST_SIZE
from causalopt.studies.rate_diagram import RateDiagram, rate_diagram
from causalopt.studies.study_claims import CheckedClaim, checked_claims, claim_counts
from causalopt.studies.study_files import load_study, shipped_studies
from causalopt.work.progress import Progress, long_work, portion, through

if TYPE_CHECKING:
    from causalopt.studies.landscape_study import LandscapeStudy
    from causalopt.studies.study_page import StudyPicture

DPI = 120


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Landscapes(Displayed):
    """What was computed of some studies.

    Attributes:
        results: The landscapes or rates of each study, by its name.
        claims: What each claims, set beside what was computed, likewise.
        seconds: How long it took.
    """

    results: Mapping[str, LandscapeMaps | RateDiagram]
    claims: Mapping[str, tuple[CheckedClaim, ...]]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return what was computed, in short, as JSON's types."""
        return {
            "studies": [
                {**found.to_dict(), "claims": [claim.to_dict() for claim in self.claims[name]]}
                for name, found in self.results.items()
            ],
            "claims": sum(map(len, self.claims.values())),
            "refuted": self.refuted,
        }

    @property
    def refuted(self) -> int:
        """How many claims do not hold."""
        return sum(claim.holds is False for found in self.claims.values() for claim in found)

    def __repr__(self) -> str:
        lines = []
        for name, found in self.results.items():
            lines.append(repr(found))
            lines.append(f"  claims: {claim_counts(self.claims[name])}")
            lines += [
                f"  {claim.symbol} {claim.claim} {claim.expected}; computed: {claim.computed}"
                for claim in self.claims[name]
                if claim.holds is False
            ]
        return "\n".join(lines)

    def __str__(self) -> str:
        return repr(self)

    def save(
        self, folder: str | os.PathLike[str], *, theme: Literal["light", "dark"] = "light"
    ) -> Path:
        """Write the page, `index.html`, and beside it each picture and the data; return its path.

        Raises:
            FileError: The folder is a file, or cannot be made or written.
            MissingPackageError: What draws pictures or writes data is not installed.
        """
        need("matplotlib")
        need("h5netcdf")
        from causalopt.studies.study_page import study_page  # numbers alone need no pictures

        home = _folder(folder)
        pictures = {name: _pictures(found, theme) for name, found in self.results.items()}
        for name, found in self.results.items():
            for picture in pictures[name]:
                write_whole(home / picture.file, picture.content)
            if isinstance(found, RateDiagram):
                write_whole(home / f"{name}.svg", picture_bytes(found, theme, "svg"))
            found.save(home / f"{name}.nc")
        sections = [
            (found.study, pictures[name], self.claims[name]) for name, found in self.results.items()
        ]
        file = home / "index.html"
        write_whole(file, study_page(sections, theme=theme).encode())
        return file


@long_work("computing landscapes")
def landscapes(
    only: Sequence[str | os.PathLike[str]] = (),
    *,
    out: str | os.PathLike[str] | None = None,
    size: int | None = None,
    theme: Literal["light", "dark"] = "light",
    workers: int | None = None,
    progress: Progress | None = None,
) -> Landscapes:
    """Compute studies: landscapes of Op and Comp, and rates along a parameter.

    Args:
        only: Names of shipped studies, or files; every shipped study if empty.
        out: The folder that the page, pictures and data are written to, made if need be; none if
            None.
        size: Points along an axis, or values of a parameter; each study's own when not given.
        theme: "light" or "dark": how pictures and page look.
        workers: Threads; one per processor when not given.
        progress: Called with (done, total, what), in studies.

    Raises:
        UnknownNameError: A name is no study's.
        ModelError: A file declares no valid study; the location says file, line and column.
        QuestionError: The size or the theme is none.
        FileError: `out` is a file, or cannot be made.

    Example:
        >>> found = landscapes(["thermostat_power"], size=40)
        >>> found.results["thermostat_power"].op.shape
        (1, 1, 1, 40, 40)
    """
    del progress  # long_work tells it
    began = time.monotonic()
    studies = chosen_studies(only)
    if size is not None and not LEAST_SIZE <= size <= MOST_SIZE:
        raise QuestionError(
            f"size is from {LEAST_SIZE} to {MOST_SIZE} points an axis, found {size}"
        )
    if theme not in ("light", "dark"):
        raise QuestionError(f"theme is one of light, dark; '{theme}' came")
    if out is not None:
        need("matplotlib")
        need("h5netcdf")
        _folder(out)
    results: dict[str, LandscapeMaps | RateDiagram] = {}
    with portion(0.0, 1.0 if out is None else 0.6):
        for study in through(studies):
            count = study.size if size is None else size
            results[study.name] = (
                landscape_maps(study, size=count, workers=workers)
                if study.along is None
                else rate_diagram(study, size=count)
            )
    claims = {name: checked_claims(found) for name, found in results.items()}
    made = Landscapes(results, claims, time.monotonic() - began)
    if out is not None:
        made.save(out, theme=theme)
    return dataclasses.replace(made, seconds=time.monotonic() - began)


def chosen_studies(only: Sequence[str | os.PathLike[str]]) -> list[LandscapeStudy]:
    """Return the studies that are named, each once; every shipped one if there are no names.

    Raises:
        UnknownNameError: A name is no study's.
        QuestionError: Two studies have one name.
    """
    names = list(only) or list(shipped_studies())
    studies: dict[str, tuple[Any, LandscapeStudy]] = {}
    for name in names:
        study = load_study(name)
        if study.name in studies and studies[study.name][0] != name:
            raise QuestionError(
                f"two studies are called '{study.name}', and their files would be too: give one "
                "another name"
            )
        studies[study.name] = (name, study)
    return [study for _, study in studies.values()]


def _folder(out: str | os.PathLike[str]) -> Path:
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"cannot make the folder '{out}': {error.strerror or error}") from None
    return folder


def _pictures(found: LandscapeMaps | RateDiagram, theme: str) -> list[StudyPicture]:
    """Return the pictures of a study: one for each setting and measure, or one of rates."""
    from causalopt.studies.study_page import StudyPicture  # numbers alone need no pictures

    name = found.study.name
    if isinstance(found, RateDiagram):
        caption = f"{found.study.title}."
        return [StudyPicture(f"{name}.png", caption, picture_bytes(found, theme, "png"))]
    pictures = []
    for figure in range(len(found.figures)):
        setting = found.figure_name(figure)
        for measure in found.study.measures:
            word = {"op": "Op", "comp": "Comp"}[measure]
            content = picture_bytes(found, theme, "png", figure=figure, measure=measure)
            file = picture_name(found, figure=figure, measure=measure) + ".png"
            caption = f"{word}{', ' if setting else ''}{setting}."
            pictures.append(StudyPicture(file, caption, content))
    return pictures


def picture_name(
    found: LandscapeMaps | RateDiagram, *, figure: int = 0, measure: str | None = None
) -> str:
    """Return what a picture's file is called, without its suffix."""
    if isinstance(found, RateDiagram):
        return found.study.name
    setting = found.figure_name(figure).replace(" = ", "").split(", ")
    return "-".join(filter(None, [found.study.name, *setting, measure or found.study.measures[0]]))


def picture_bytes(
    found: LandscapeMaps | RateDiagram, theme: str, kind: str, *, dpi: float = DPI, **which: Any
) -> bytes:
    """Return a picture as a file's content, which says in itself of which study it is.

    Args:
        found: Landscapes or rates.
        theme: "light" or "dark".
        kind: "png" or "svg".
        dpi: Pixels to the inch.
        which: `figure` and `measure`, of landscapes.
    """
    need("matplotlib")
    import matplotlib
    from matplotlib.figure import Figure

    figure = found.plot(theme=theme, **which)
    # The layout makes room for what only a first drawing knows: tick labels, legends beside axes.
    for _ in range(2 if isinstance(found, RateDiagram) else 1):
        figure.draw_without_rendering()
    figure.set_layout_engine("none")
    stream = io.BytesIO()
    size = len(found.values) if isinstance(found, RateDiagram) else found.op.shape[-1]
    said = f"{picture_name(found, **which)} {found.study.fingerprint}, size {size}"
    told: dict[str, Any] = {"Description": said}
    told |= {"Software": None} if kind == "png" else {"Date": None}
    with matplotlib.rc_context({"svg.hashsalt": "causalopt", "svg.fonttype": "path"}):
        Figure.savefig(figure, stream, format=kind, dpi=dpi, metadata=told)
    return stream.getvalue()
