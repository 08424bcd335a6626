"""The options by which `causalopt sweep` is told what to measure, and what they make.

Each measure has the options of the command that answers the same question at one point: `rates`,
`entropy`, `escape`. What is said of another measure than the one that is asked is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from causalopt.commands import entropy, escape, options, rates
from causalopt.commands.grid_axes import read_axis
from causalopt.commands.told_options import Option
from causalopt.errors import QuestionError

Measured = Annotated[
    Literal["op", "rates", "strength", "escape", "power"],
    Option(
        "--measure",
        help="What is found at each point: Op at one step; growth rates; optimizing strength; the "
        "probability of escape; or the integral of 1 - Comp over n's start, --over.",
        rich_help_panel=options.QUESTION,
    ),
]
Show = Annotated[
    str | None,
    Option(
        "--show",
        metavar="VARIABLE",
        help="Which of the measure's variables --plot draws, such as comp, lyapunov_1 or error.",
        rich_help_panel=options.OUTPUT,
    ),
]
Over = Annotated[
    str | None,
    Option(
        "--over",
        metavar="NODE=LO:HI:COUNT",
        help="Of power: the nudged start, and the values that the integral takes, such as "
        "R[0]=5:45:401.",
        rich_help_panel=options.QUESTION,
    ),
]
Start = Annotated[float | None, get_args(escape.Start)[1]]
Beyond = Annotated[float | None, get_args(escape.Beyond)[1]]
Within = Annotated[str | None, get_args(escape.Within)[1]]
Walkers = Annotated[int | None, get_args(escape.Walkers)[1]]
Passage = escape.Passage
Targets = entropy.Targets
Horizon = Annotated[int | None, get_args(entropy.Horizon)[1]]
Lasting = Annotated[str | None, get_args(entropy.Lasting)[1]]
Fresh = entropy.Fresh
Unit = Annotated[Literal["bit", "nat"] | None, get_args(entropy.WhichUnit)[1]]
Transient = rates.Transient
Exponents = rates.Exponents
How = Annotated[
    Literal["euler", "rk4", "exact", "operator", "ensemble", "diffusion"] | None,
    Option(
        "--method",
        help="How flows are integrated: euler, rk4 or exact; of escape, who answers: operator, "
        "ensemble, diffusion or exact.",
        rich_help_panel=options.CHANGES,
    ),
]
_INTEGRATORS = ("euler", "rk4", "exact")


def integration_method(measure: str, method: str | None) -> Literal["euler", "rk4", "exact"] | None:
    """Return how flows are integrated, None where `--method` says how escape is answered.

    Raises:
        QuestionError: A way of answering escape stands beside another measure.
    """
    if method is None or measure == "escape":
        return None
    if method not in _INTEGRATORS:
        raise QuestionError(
            f"--method {method} answers a question of escape, and {measure} is measured: leave it "
            "out, or add --measure escape"
        )
    return method  # type: ignore[return-value]


def initial_law(measure: str, initial: list[str] | None) -> tuple[str | None, list[str] | None]:
    """Return the word for the law at t = 0, of strength, and the initial values that are given."""
    if measure == "strength" and initial and len(initial) == 1 and "=" not in initial[0]:
        return initial[0], None
    return None, initial


def read_measure(measure: str, said: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a measure's settings with its name, as `causalopt.sweep` takes them; None for Op.

    Args:
        measure: What is measured.
        said: Option by its name in Python -> its value, None (or False, or the seed 0) where it is
            not given. Those that ask for Op stand beside those of the other measures.

    Raises:
        QuestionError: An option belongs to another measure, or its text cannot be read.
    """
    from causalopt.sweeps.named_measures import MEASURES, setting_names  # loads the package

    given = {key: value for key, value in said.items() if value is not None and value is not False}
    if given.get("seed") == 0:
        del given["seed"]
    known = setting_names(measure)
    for key in given:
        if key in known:
            continue
        owners = [name for name in MEASURES if key in setting_names(name)]
        raise QuestionError(
            f"--{key} says something of {' and '.join(owners)}, and {measure} is measured: leave "
            f"it out, or add --measure {owners[0]}"
        )
    if measure == "op":
        return None
    if "over" in given:
        node, values = read_axis(given["over"], "--over")
        given["over"] = {node: _range(given["over"], values)}
    if "within" in given:
        given["within"] = escape.read_steps(given["within"])
    if "lasting" in given:
        given["lasting"] = entropy.read_duration(given["lasting"])
    return {"name": measure, **given}


def _range(text: str, values: Any) -> tuple[float, float, int]:
    """Return the ends and the number of the values of an integral, which are evenly spaced."""
    span = text.rpartition("=")[2]
    if span.count(":") != 2:
        raise QuestionError(
            f"--over takes NODE=LO:HI:COUNT, evenly spaced, such as R[0]=5:45:401; found '{text}'"
        )
    return float(values[0]), float(values[-1]), len(values)
