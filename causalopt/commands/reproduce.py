"""causalopt reproduce: every figure and number of the posts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import causalopt
from causalopt.commands.options import Json, emit
from causalopt.commands.told_options import OUTPUT, Option
from causalopt.display.echo import echo

if TYPE_CHECKING:
    from causalopt.posts.session import Reproduction


def reproduce(
    out: Annotated[
        str, Option(metavar="DIR", help="Where index.html is written.", rich_help_panel=OUTPUT)
    ] = "reproduce",
    only: Annotated[
        list[str] | None,
        Option(
            "--only",
            metavar="ID",
            help="A post (part3), a piece of it (part3/thermostat), a check or a figure. "
            "Repeatable.",
        ),
    ] = None,
    demo: Annotated[
        bool, Option("--demo", help="A selection of every post, in under a minute.")
    ] = False,
    workers: Annotated[int, Option(metavar="K", min=1, help="Processes.")] = 2,
    fresh: Annotated[
        bool, Option("--fresh", help="Compute also what an earlier run has stored.")
    ] = False,
    json: Json = False,
) -> None:
    """Set every figure and number of the posts beside what is computed here.

    A difference is a finding, not a failure: the exit code is 0. What was computed once is stored
    under the user's cache folder, and computed again only when code, models or versions change.
    """
    from causalopt.posts.session import demo_pieces

    wanted = [*(only or []), *(demo_pieces() if demo else [])]
    found = causalopt.reproduce(wanted, out=out, fresh=fresh, workers=workers)
    target = Path(out) / "index.html"
    if json:
        emit({"checks": [check.to_dict() for check in found.checks], "out": str(target)})
        return
    _print(found)
    echo(f"the page is {target.resolve()}")


def _print(found: Reproduction) -> None:
    """Print what agrees in a line a piece, and every difference."""
    for piece in found.findings:
        agreed = sum(check.agrees for check in piece.checks)
        echo(f"{piece.piece}: {agreed} of {len(piece.checks)} agree, {len(piece.plates)} figures")
        for check in piece.checks:
            if not check.agrees:
                echo(
                    f"  {check.symbol} {check.id}: {check.claimed} claimed, "
                    f"{check.computed} computed: {check.note}"
                )
    agreed = sum(check.agrees for check in found.checks)
    echo(
        f"{len(found.checks)} checks, {agreed} agree, {len(found.checks) - agreed} differ; "
        f"{found.figures} figures; {found.computed} of {len(found.findings)} pieces computed in "
        f"{found.seconds:.1f} s"
    )
