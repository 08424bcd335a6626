"""causalopt import: networks of other programs as model files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import causalopt
from causalopt.commands.options import Json, emit, number, output_file
from causalopt.commands.told_options import OUTPUT, Argument, Option
from causalopt.display.echo import echo
from causalopt.errors import FileError, QuestionError

if TYPE_CHECKING:
    from causalopt.model.declaration import Variable
    from causalopt.model.model import Model

_ENDINGS = (".yaml", ".yml", ".toml", ".json")


def import_(
    file: Annotated[str, Argument(metavar="FILE.onnx", help="The network, an ONNX file.")],
    out: Annotated[
        str,
        Option(
            "--out",
            metavar="FILE",
            help="The model file to write, such as net.yaml.",
            rich_help_panel=OUTPUT,
        ),
    ],
    size: Annotated[
        list[str] | None,
        Option("--size", metavar="NAME=N", help="The size of a dim that the file leaves open."),
    ] = None,
    example: Annotated[
        str | None,
        Option(
            "--example",
            metavar="FILE",
            help="What the input starts from: a .npy file, or an .npz with one array an input.",
        ),
    ] = None,
    name: Annotated[str | None, Option("--name", metavar="NAME", help="The model's name.")] = None,
    force: Annotated[
        bool, Option("--force", help="Write over files that are there already.")
    ] = False,
    json: Json = False,
) -> None:
    """Write a network as a model file: rules as text, and the weights in an .npz file beside it.

    Both files are written whole, or neither. No code in FILE is run.
    """
    from causalopt.model.files import arrays_file

    target = output_file(out, _ENDINGS)
    assert target is not None
    weights = arrays_file(target)
    for written in (target, weights):
        if written.exists() and not force:
            raise FileError(f"'{written}' is there already: name another file, or say --force")
    if Path(file).suffix.lower() != ".onnx":
        raise FileError(f"'{file}' does not end in .onnx: only ONNX files are read")
    model = causalopt.from_onnx(file, example=_example(example), sizes=_sizes(size), name=name)
    causalopt.write_model(model, target)
    _show(model, target, weights, json=json)


def _sizes(texts: list[str] | None) -> dict[str, int]:
    found: dict[str, int] = {}
    for text in texts or []:
        name, sign, value = text.partition("=")
        count = number(value)
        if not sign or not isinstance(count, int) or count < 1:
            raise QuestionError(f"--size takes NAME=N such as position=8, found '{text}'")
        found[name.strip()] = count
    return found


def _example(path: str | None) -> Any:
    if path is None:
        return None
    from causalopt.model.arrays.array_files import load_array, names_in

    if Path(path).suffix.lower() == ".npz":
        return {name: load_array(f"{path}#{name}") for name in names_in(path)}
    return load_array(path)


def _is_input(variable: Variable) -> bool:
    return variable.rule is None and variable.values is None


def _show(model: Model, target: Path, weights: Path, *, json: bool) -> None:
    variables = model.arrays.by_name
    first = model.node(model.question.nudge).variable if model.question.nudge else None
    inputs = [n for n, v in model.variables.items() if n == first or _is_input(v)]
    read = [n for n, v in model.variables.items() if v.values is not None and n not in inputs]
    count = sum(variables[n].size for n in read)
    notes = model.description.splitlines()
    if json:
        emit(
            {
                "out": str(target),
                "weights": str(weights) if weights.exists() else None,
                "model": model.name,
                "variables": len(model.variables),
                "numbers": count,
                "sizes": dict(model.arrays.sizes),
                "inputs": {n: list(variables[n].shape) for n in inputs},
                "target": model.question.target,
                "notes": notes,
            }
        )
        return
    kind = "one example" if model.is_static else "one step of a series at a time"
    lines = [f"{model.name}: {len(model.variables)} variables, {count:,} weights, {kind}"]
    for name in inputs:
        dims = [
            d or str(s) for d, s in zip(variables[name].dims, variables[name].shape, strict=True)
        ]
        lines.append(f"  input {name} [{', '.join(dims)}]")
    lines += [f"  output {model.question.target}"] if model.question.target else []
    lines += [f"  note: {note}" for note in notes]
    lines += [f"  written to {target}" + (f" and {weights}" if weights.exists() else "")]
    echo("\n".join(lines))
