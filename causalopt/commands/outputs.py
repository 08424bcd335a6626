"""Where a command's result goes: files, checked before any work is done, and what is printed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from causalopt.commands import options
from causalopt.display.echo import echo


@dataclasses.dataclass(frozen=True)
class Outputs:
    """The files that a result is written to, and how it is printed.

    Attributes:
        out: Where its data go, or None.
        csv: Where its table goes.
        picture: Where its picture goes.
        theme: How the picture looks.
        json: Whether strict JSON is printed, and nothing else.
    """

    out: Path | None
    csv: Path | None
    picture: Path | None
    theme: str | None
    json: bool

    def give(
        self,
        found: Any,
        *,
        data: Callable[[], Mapping[str, Any]] | None = None,
        text: Callable[[], str] | None = None,
        pages: Mapping[str, Callable[[], str]] | None = None,
        pictured: Any = None,
        **drawn: Any,
    ) -> None:
        """Write a result's files and print it.

        Args:
            found: The result.
            data: Makes what `--json` prints; its `to_dict` when not given.
            text: Makes what is printed else; its `str` when not given.
            pages: Suffix -> what makes the text of such a file, which is not a dataset's.
            pictured: What is drawn; the result itself when not given.
            drawn: What its `plot` takes besides the theme.
        """
        for path in (self.out, self.csv):
            page = None if path is None else (pages or {}).get(path.suffix.lower())
            if path is not None and page is not None:
                from causalopt.model.files import write_whole

                write_whole(path, page().encode())
            elif path is not None:
                found.save(path)
        self.draw(found if pictured is None else pictured, **drawn)
        if self.json:
            options.emit(found.to_dict() if data is None else data())
        else:
            echo(str(found) if text is None else text())
            self.tell()

    def draw(self, subject: Any, **drawn: Any) -> None:
        """Write the picture of a result, where one is asked for; `drawn` is what `plot` takes."""
        if self.picture is not None:
            options.write_figure(subject.plot(theme=self.theme, **drawn), self.picture)

    def tell(self) -> None:
        """Say on stderr what was written."""
        for path in (self.out, self.csv, self.picture):
            if path is not None:
                echo(f"wrote {path}", err=True)


def outputs(
    *,
    out: str | None = None,
    csv: str | None = None,
    plot: str | None = None,
    theme: str | None = None,
    json: bool = False,
    pages: tuple[str, ...] = (),
) -> Outputs:
    """Return where a result goes, each file checked before any work is done.

    Args:
        out: Where its data go, or its page.
        csv: Where its table goes.
        plot: Where its picture goes.
        theme: How the picture looks.
        json: Whether strict JSON is printed.
        pages: Suffixes of `out` that are no dataset's.

    Raises:
        QuestionError: A theme is given and no picture.
        FileError: A suffix is none that can be written, or a folder is not there.
        MissingPackageError: What writes a file is not installed.
    """
    return Outputs(
        _data_file(out, pages),
        options.result_file(csv, (".csv",)),
        options.figure_file(plot, theme),
        theme,
        json,
    )


def _data_file(out: str | None, pages: tuple[str, ...]) -> Path | None:
    if out is None or not pages:
        return options.result_file(out)
    if Path(out).suffix.lower() in pages:
        return options.output_file(out, pages)
    from causalopt.saving.file_formats import FORMATS

    if Path(out).suffix.lower() in FORMATS:
        return options.result_file(out)
    return options.output_file(out, (*pages, *FORMATS))  # refused, with all that there are
