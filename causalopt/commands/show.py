"""causalopt show: what the store of a sweep holds, also while it fills."""

from __future__ import annotations

from typing import Annotated

import causalopt
from causalopt.commands import options
from causalopt.commands.outputs import outputs
from causalopt.commands.told_options import Argument, Option
from causalopt.errors import QuestionError


def show(
    store: Annotated[
        str, Argument(metavar="STORE", help="The folder of a sweep, DIR.zarr, done or half done.")
    ],
    watch: Annotated[
        bool, Option("--watch", help="Show it anew until it is complete, with rate and time left.")
    ] = False,
    plot: options.Plot = None,
    drawn: Annotated[
        str | None,
        Option(
            "--show",
            metavar="VARIABLE",
            help="What --plot draws; the measure's first by default.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    theme: options.Theme = None,
    json: options.Json = False,
) -> None:
    """Show what the store of a sweep holds: its question, its axes, what is done and missing.

    With --watch and --plot the picture is drawn anew as chunks come.
    """
    if watch and json:
        raise QuestionError("--watch shows a store again and again, --json once: leave one out")
    if drawn is not None and plot is None:
        raise QuestionError("--show says what --plot draws: give --plot FILE too")
    output = outputs(plot=plot, theme=theme, json=json)
    found = causalopt.open_sweep(store)
    if watch:
        from causalopt.showing.store_watch import watch_store  # rich takes a while

        def redraw() -> None:
            output.draw(causalopt.open_sweep(store), measure=drawn)

        watch_store(found, redraw=redraw if plot is not None else None)
    output.give(found, measure=drawn)
