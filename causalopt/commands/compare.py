"""causalopt compare: Op beside other people's measures, on the same models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import causalopt
from causalopt.commands import options
from causalopt.commands.outputs import outputs
from causalopt.commands.told_options import Argument, Option
from causalopt.errors import QuestionError

if TYPE_CHECKING:
    from causalopt.model.model import Model

Models = Annotated[
    list[str] | None,
    Argument(metavar="[MODEL]...", help="Shipped names, files or controls; a dozen if none."),
]
Goals = Annotated[
    list[str] | None,
    Option("--goal", metavar="VAR=LABEL", help="The goal, in one model of labels. Repeatable."),
]
Out = Annotated[
    str | None,
    Option(
        "--out",
        metavar="FILE",
        help="Write the table: .html or .md; or .nc, .zarr, .csv, .parquet or .json.",
        rich_help_panel=options.OUTPUT,
    ),
]


def compare(
    models: Models = None,
    goal: Goals = None,
    seed: options.Seed = 0,
    sets: options.Sets = None,
    initial: options.Initials = None,
    dt: options.Dt = None,
    method: options.Method = None,
    out: Out = None,
    csv: options.Csv = None,
    plot: options.Plot = None,
    theme: options.Theme = None,
    json: options.Json = False,
) -> None:
    """Compare Op with optimizing strength, currents, empowerment and other people's measures.

    Numbers are asked their own question, information measures under small normal disturbances;
    labels from one state, by exact enumeration. What is not defined says why.
    """
    from causalopt.comparison.subjects import DOZEN

    output = outputs(out=out, csv=csv, plot=plot, theme=theme, json=json, pages=(".html", ".md"))
    names = models or list(DOZEN)
    wanted = _goal(names, goal)
    compared: list[str | Model] = [*names]
    if sets or initial or dt is not None or method is not None:
        if len(names) != 1:
            raise QuestionError(
                "--set, --initial, --dt and --method change one model, and "
                f"{len(names)} are compared: name one"
            )
        compared = [options.read_model(names[0], sets, initial, dt, method)]
    found = causalopt.compare_measures(compared, goal=wanted, seed=seed)
    output.give(found, pages={".html": found.to_html, ".md": found.to_markdown})


def _goal(names: list[str], said: list[str] | None) -> dict[str, str | int | float | bool] | None:
    """Return the goal by its labels."""
    from causalopt.comparison.subjects import goal_label, subject

    if not said:
        return None
    if len(names) != 1:
        raise QuestionError(f"--goal is of one model's labels, and {len(names)} are compared")
    model, goal = subject(names[0]), {}
    for text in said:
        name, equals, label = (part.strip() for part in text.partition("="))
        if not equals or not name or not label:
            raise QuestionError(f"--goal takes VAR=LABEL such as room=warm, found '{text}'")
        goal[name] = goal_label(model, name, label)
    return goal
