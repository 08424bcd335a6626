"""The commands as typer has them: for help, for mistakes and for what is not read plainly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer

from causalopt.commands.help_sections import SectionedCommand, SectionedGroup
from causalopt.commands.told_options import for_typer
from causalopt.display.echo import echo


def _version(value: bool) -> None:
    if value:
        from importlib.metadata import version

        echo(version("causalopt"))
        raise typer.Exit


def causalopt(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Declare a causal model and ask who is optimizing what, and by how much."""


def built(commands: Mapping[str, tuple[Callable[..., Any], str]]) -> typer.Typer:
    """Return typer's application.

    Args:
        commands: Name -> the command's function, and the section of help that lists it.
    """
    app = typer.Typer(
        cls=SectionedGroup,
        name="causalopt",
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(causalopt)
    for name, (function, section) in commands.items():
        app.command(name, cls=SectionedCommand, rich_help_panel=section)(for_typer(function))
    return app
