"""What the commands share: their options, reading a model under them, and printing results."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from causalopt.commands.told_options import CHANGES, OUTPUT, QUESTION, Argument, Option
from causalopt.display.echo import echo
from causalopt.display.table import table as table
from causalopt.errors import FileError, QuestionError
from causalopt.extras import need

if TYPE_CHECKING:
    from causalopt.model.model import Model

ModelArgument = Annotated[
    str, Argument(metavar="MODEL", help="A shipped model's name, or a model file.")
]
Json = Annotated[
    bool, Option("--json", help="Print strict JSON and nothing else.", rich_help_panel=OUTPUT)
]
Sets = Annotated[
    list[str] | None,
    Option(
        "--set",
        metavar="NAME=V",
        help="Give a parameter another value. Repeatable.",
        rich_help_panel=CHANGES,
    ),
]
Initials = Annotated[
    list[str] | None,
    Option(
        "--initial",
        metavar="VAR=V",
        help="Give a variable another initial value (V1,V2 for several). Repeatable.",
        rich_help_panel=CHANGES,
    ),
]
NudgeNode = Annotated[
    str | None,
    Option(
        "--nudge",
        metavar="NODE",
        help="What is nudged: a node R[0], a span d[t>=5], a parameter Kp, or a sum of them with "
        "weights: '2*d[t>=5] - Kp'.",
        rich_help_panel=QUESTION,
    ),
]
Hold = Annotated[
    str | None,
    Option(
        "--hold",
        metavar="SEL",
        help="The held set A: a, a[t<=10], 'a - b[3]', 'between(n, m)', ...",
        rich_help_panel=QUESTION,
    ),
]
Target = Annotated[
    str | None,
    Option(
        "--target",
        metavar="VAR",
        help="What is measured: a variable, or an expression of a run's nodes: 'integral(e**2)', "
        "'mean(e[t>=50])'.",
        rich_help_panel=QUESTION,
    ),
]
Steps = Annotated[
    int | None, Option("--steps", metavar="N", help="The last step.", rich_help_panel=QUESTION)
]
At = Annotated[
    int | None,
    Option(
        "--at",
        metavar="N",
        help="The step at which m is measured; the last one by default.",
        rich_help_panel=QUESTION,
    ),
]
Delta = Annotated[
    float | None,
    Option(
        "--delta",
        metavar="D",
        help="A nudge of this size; the limit delta -> 0 when not given.",
        rich_help_panel=QUESTION,
    ),
]
Seed = Annotated[
    int, Option("--seed", metavar="S", help="Which draws noise makes.", rich_help_panel=QUESTION)
]
Seeds = Annotated[
    str | None,
    Option(
        "--seeds",
        metavar="K|S1,S2,...",
        help="An ensemble over noise: K seeds from --seed on, or these; means and quantiles.",
        rich_help_panel=QUESTION,
    ),
]
Data = Annotated[
    list[str] | None,
    Option(
        "--data",
        metavar="VAR=FILE",
        help="Read an array variable's values, step first, from x.npy or x.npz#NAME. Repeatable.",
        rich_help_panel=CHANGES,
    ),
]
Dt = Annotated[
    float | None,
    Option("--dt", metavar="D", help="Time units per step of the model.", rich_help_panel=CHANGES),
]
Method = Annotated[
    Literal["euler", "rk4", "exact"] | None,
    Option("--method", help="How flows are integrated.", rich_help_panel=CHANGES),
]
Workers = Annotated[
    int | None, Option("--workers", metavar="K", help="Threads; one per processor.")
]
Columns = Annotated[
    int | None,
    Option(
        "--columns",
        metavar="K",
        help="Steps drawn at most, 4 to 400; of a longer run steps are left out. As many as fit a "
        "page by default.",
        rich_help_panel=OUTPUT,
    ),
]
Around = Annotated[
    list[int] | None,
    Option(
        "--around",
        metavar="T",
        help="Draw this step too, and what is beside it. Repeatable.",
        rich_help_panel=OUTPUT,
    ),
]
Out = Annotated[
    str | None,
    Option(
        "--out",
        metavar="FILE",
        help="Write the result: .nc, .zarr, .csv, .parquet or .json.",
        rich_help_panel=OUTPUT,
    ),
]
Csv = Annotated[
    str | None,
    Option("--csv", metavar="FILE.csv", help="Write the result's table.", rich_help_panel=OUTPUT),
]
Plot = Annotated[
    str | None,
    Option(
        "--plot",
        metavar="FILE",
        help="Draw the result: a .png, .svg or .pdf file.",
        rich_help_panel=OUTPUT,
    ),
]
Theme = Annotated[
    Literal["light", "dark"] | None,
    Option("--theme", help="How the picture looks; light by default.", rich_help_panel=OUTPUT),
]
FIGURES = (".png", ".pdf", ".svg")


def read_model(
    name: str,
    sets: list[str] | None = None,
    initials: list[str] | None = None,
    dt: float | None = None,
    method: Literal["euler", "rk4", "exact"] | None = None,
) -> Model:
    """Return a model under the command line's changes.

    Raises:
        CausaloptError: The model or a change is wrong.
    """
    from causalopt.model.files import load

    model = load(name)
    changed = model.replace(**read_changes(sets, initials, dt, method))
    if dt is not None and changed.step_size != model.step_size:
        for text in lags_in_steps_text(changed):
            echo(f"warning: {text}", err=True)
    return changed


def read_changes(
    sets: list[str] | None,
    initials: list[str] | None,
    dt: float | None,
    method: Literal["euler", "rk4", "exact"] | None,
) -> dict[str, Any]:
    """Return the command line's changes of a model, as `Model.replace` takes them.

    Raises:
        QuestionError: One is not NAME=VALUE.
    """
    parameters = read_assignments(sets, "--set", "k=0.02")
    initial = read_assignments(initials, "--initial", "R=30")
    return {"parameters": parameters, "initial": initial, "dt": dt, "method": method}


def lags_in_steps_text(model: Model) -> list[str]:
    """Return a line for each rule whose lags are other times with another dt."""
    from causalopt.model.histories import lags_in_steps

    return [
        f"'{name}' reads {', '.join(texts)}: a lag in steps of dt = {float(model.step_size):g}, "
        "another time with another dt; a lag in time is written [time - ...]"
        for name, texts in lags_in_steps(model.variables).items()
    ]


def read_assignments(texts: list[str] | None, option: str, example: str) -> dict[str, Any]:
    """Return values by name, from texts such as `k=0.02` or `x=1,2`.

    Raises:
        QuestionError: A text is not NAME=VALUE.
    """
    result: dict[str, Any] = {}
    for text in texts or []:
        name, equals, value = text.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise QuestionError(f"{option} takes NAME=VALUE such as {example}, found '{text}'")
        if name.strip() in result:
            raise QuestionError(f"{option} names '{name.strip()}' twice: write it once")
        items = re.split(r",(?![^()]*\))", value)
        if option == "--set" and len(items) > 1:
            raise QuestionError(
                f"--set takes one number, found '{text}': a decimal has a point, and each "
                "parameter a --set of its own"
            )
        result[name.strip()] = number(value) if len(items) == 1 else [number(v) for v in items]
    return result


def read_data(texts: list[str] | None) -> dict[str, Any] | None:
    """Return arrays that the command line names, by variable.

    Raises:
        QuestionError: A text is not VAR=FILE, or names a variable twice.
        FileError: A file holds no such array.
    """
    if not texts:
        return None
    from causalopt.model.arrays.array_files import load_array

    found: dict[str, Any] = {}
    for text in texts:
        name, equals, file = (part.strip() for part in text.partition("="))
        if not equals or not name or not file:
            raise QuestionError(f"--data takes VAR=FILE such as x=train.npz#images, found '{text}'")
        if name in found:
            raise QuestionError(f"--data names '{name}' twice: drop one of them")
        try:
            found[name] = load_array(file)
        except FileError as error:
            raise FileError(f"--data {name}={file}: {error.message}") from None
    return found


def read_seeds(text: str | None) -> Any:
    """Return how many seeds, or which, or None: what `seeds` takes.

    Raises:
        QuestionError: The text is neither a number nor a list of them.
    """
    if text is None:
        return None
    try:
        found = [int(item) for item in text.split(",")]
    except ValueError:
        raise QuestionError(
            f"--seeds takes a number of seeds such as 100, or a list such as 3,5,8; found '{text}'"
        ) from None
    return found if "," in text else found[0]


def number(text: str) -> int | float | str:
    """Return a text as a number where it is one, else as the expression it is."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text.strip()


def result_file(path: str | None, suffixes: tuple[str, ...] | None = None) -> Path | None:
    """Return where a result is to be saved, checked before any work is done.

    Args:
        path: Where to; its suffix says as what.
        suffixes: The kinds allowed, such as `(".csv",)`; all that `save` knows when not given.

    Raises:
        FileError: The suffix is none of those, its folder is not there, or a store is.
        MissingPackageError: What writes it is not installed.
    """
    if path is None:
        return None
    from causalopt.saving.file_formats import check_target

    return check_target(path, suffixes)


def output_file(path: str | None, endings: tuple[str, ...], *packages: str) -> Path | None:
    """Return the path of a file to be written, checked before any work is done.

    Args:
        path: Where to.
        endings: What it may end in.
        packages: Packages of extras that write it.

    Raises:
        FileError: Its ending is none of those, or its folder is not there.
        MissingPackageError: A package is not installed.
    """
    if path is None:
        return None
    file = Path(path)
    if file.suffix.lower() not in endings:
        raise FileError(f"'{path}' must end in {' or '.join(endings)}")
    if not file.parent.is_dir():
        raise FileError(f"the folder '{file.parent}' does not exist: make it first")
    if file.is_dir():
        raise FileError(f"'{path}' is a folder: name a file")
    for package in packages:
        need(package)
    return file


def figure_file(plot: str | None, theme: str | None) -> Path | None:
    """Return the file that a figure is written to, checked before any work is done.

    Raises:
        QuestionError: A theme is given and no file.
        FileError: Its ending is not a figure's, or its folder is not there.
        MissingPackageError: matplotlib is not installed.
    """
    if theme is not None and plot is None:
        raise QuestionError("--theme says how --plot looks: give --plot FILE too")
    return output_file(plot, FIGURES, "matplotlib")


def write_figure(figure: Any, path: Path) -> None:
    """Write a matplotlib figure, whole or not at all."""
    import io

    from causalopt.model.files import write_whole

    stream = io.BytesIO()
    figure.savefig(stream, format=path.suffix[1:].lower(), dpi=150)
    write_whole(path, stream.getvalue())


def emit(data: Mapping[str, Any] | list[Any]) -> None:
    """Print a result as strict JSON."""
    echo(json.dumps(data, allow_nan=False, ensure_ascii=False))
