"""causalopt landscapes: Op and Comp over planes of starts, rates along a parameter, and words."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import causalopt
from causalopt.commands.options import Json, Workers, emit, table
from causalopt.commands.told_options import OUTPUT, Argument, Option
from causalopt.display.echo import echo


def landscapes(
    only: Annotated[
        list[str] | None,
        Argument(metavar="NAME", help="Studies that --list names, or files; every one without it."),
    ] = None,
    listed: Annotated[
        bool, Option("--list", help="List the shipped studies and compute nothing.")
    ] = False,
    size: Annotated[
        int | None,
        Option(
            "--size",
            metavar="N",
            help="Points along an axis, or values of a parameter; the study's own by default.",
        ),
    ] = None,
    out: Annotated[
        str,
        Option(
            metavar="DIR",
            help="Where index.html, pictures and data are written.",
            rich_help_panel=OUTPUT,
        ),
    ] = "landscapes",
    theme: Annotated[
        Literal["light", "dark"],
        Option(help="How pictures and page look: light or dark.", rich_help_panel=OUTPUT),
    ] = "light",
    workers: Workers = None,
    json: Json = False,
) -> None:
    """Draw landscapes of Op and Comp over starts, with words on what is seen and its numbers.

    A study is a file: a model, questions, a plane or a parameter, and claims. Each claim is checked
    when the study is computed; one that does not hold is a finding: the exit code is 0.
    """
    if listed:
        _list(json)
        return
    found = causalopt.landscapes(only or [], out=out, size=size, theme=theme, workers=workers)
    target = Path(out) / "index.html"
    if json:
        emit({**found.to_dict(), "out": str(target)})
        return
    echo(str(found))
    echo(f"the page is {target.resolve()}")


def _list(json: bool) -> None:
    """Print the shipped studies, a line each."""
    from causalopt.studies.study_files import load_study, shipped_studies

    studies = [load_study(name) for name in shipped_studies()]
    rows: list[dict[str, Any]] = [
        {
            "name": study.name,
            "model": study.model,
            "title": study.title,
            "claims": len(study.claims),
        }
        for study in studies
    ]
    if json:
        emit(rows)
        return
    cells = [[row["name"], row["model"], row["title"]] for row in rows]
    echo(table(cells, ["NAME", "MODEL", "TITLE"]))
