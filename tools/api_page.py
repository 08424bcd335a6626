"""docs/api.md: the functions of Python, command by command, from their own texts.

`python -m tools.api_page` writes it anew.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterator
from typing import Any, get_type_hints

import causalopt
from causalopt.cli import COMMANDS, application
from tools.command_functions import CHANGES, COMMANDS_CALL
from tools.rooms import ROOT

PAGE = ROOT / "docs" / "api.md"
HEAD = """# Python, command by command

Every command is a function of the same name or the one named here, with the same options as keyword
arguments; `--set` and `--initial` are `parameters=` and `initial=`, and `--dt` and `--method` are
`model.replace(dt=..., method=...)`. Wherever a function takes a model it takes its name or a file
too. What a function returns shows itself in a notebook, is a table of pandas, and is kept by
`.save`: [results](results.md).

This page is written by `python -m tools.api_page` from the functions' own texts.
"""


def sections(text: str) -> dict[str, str]:
    """Return a docstring's parts by their headings, the beginning under the empty one."""
    heads = "Args|Attributes|Returns|Raises|Yields|Example|Examples"
    parts = re.split(rf"^({heads}):\n", text, flags=re.MULTILINE)
    return {"": parts[0].strip(), **dict(zip(parts[1::2], parts[2::2], strict=True))}


def entries(section: str) -> dict[str, str]:
    """Return the items of a list of arguments, attributes or errors, each text on one line."""
    found = re.findall(r"^    (\*{0,2}\w+): (.*(?:\n {5,}.*|\n(?=\n {8}))*)", section, re.M)
    return {name: re.sub(r"\s+", " ", text).strip() for name, text in found}


def signature(name: str) -> str:
    """Return a call with its arguments and their defaults, without types."""
    words = []
    star = False
    for argument in inspect.signature(getattr(causalopt, name)).parameters.values():
        if argument.kind is argument.KEYWORD_ONLY and not star:
            words.append("*")
            star = True
        default = "" if argument.default is argument.empty else f"={argument.default!r}"
        mark = "**" if argument.kind is argument.VAR_KEYWORD else ""
        mark = "*" if argument.kind is argument.VAR_POSITIONAL else mark
        words.append(f"{mark}{argument.name}{default}")
    return f"causalopt.{name}({', '.join(words)})"


def options(command: str) -> dict[str, str]:
    """Return argument of the function -> the command's option for it."""
    _, elsewhere = COMMANDS_CALL[command]
    (registered,) = application([command]).registered_commands
    found: dict[str, str] = {}
    callback = registered.callback
    assert callback is not None
    for option, annotation in get_type_hints(callback, include_extras=True).items():
        place = elsewhere.get(option, CHANGES.get(option, option))
        said = getattr(annotation, "__metadata__", ())
        words = [
            word
            for info in said
            for word in (
                getattr(info, "default", None),
                *(getattr(info, "param_decls", None) or ()),
            )
        ]
        named = next((w for w in words if isinstance(w, str) and w.startswith("--")), None)
        if place is not None:
            found[place] = named or f"--{option.replace('_', '-')}"
    return found


def function_text(name: str, told: dict[str, str]) -> Iterator[str]:
    """Yield the lines of one function."""
    function = getattr(causalopt, name)
    parts = sections(inspect.getdoc(function) or "")
    yield f"```text\n{signature(name)}\n```\n"
    yield parts[""] + "\n"
    arguments = entries(parts.get("Args", ""))
    if arguments:
        yield "| argument | option | meaning |\n|---|---|---|"
        for argument, text in arguments.items():
            option = f"`{told[argument]}`" if argument in told and argument != "model" else ""
            yield f"| `{argument}` | {option} | {cell(text)} |"
        yield ""
    result = str(inspect.signature(function).return_annotation)
    said = re.sub(r"\s+", " ", parts.get("Returns", "")).strip()
    yield f"Returns {link(result)}{': ' + said if said else '.'}\n"
    errors = entries(parts.get("Raises", ""))
    if errors:
        yield "".join(f"- `{error}`: {text}\n" for error, text in errors.items())


def class_text(name: str) -> Iterator[str]:
    """Yield the lines of one class: what it is, its fields, and what it offers."""
    found = getattr(causalopt, name)
    parts = sections(inspect.getdoc(found) or "")
    yield f'### <a id="{name.lower()}"></a>`{name}`\n'
    yield parts[""] + "\n"
    rows = entries(parts.get("Attributes", ""))
    fields = dataclasses.fields(found) if dataclasses.is_dataclass(found) else ()
    own = {field.name for field in fields}
    ours = [base for base in found.__mro__ if base.__module__.startswith("causalopt")]
    for member, value in inspect.getmembers(found):
        if member.startswith(("_", "model_")) or member in rows or member in own:
            continue
        text = first_line(value)
        if text and any(member in vars(base) for base in ours):
            call = "()" if inspect.isroutine(value) else ""
            rows[f"{member}{call}"] = text
    if rows:
        yield "| | |\n|---|---|"
        yield from (f"| `{member}` | {cell(text)} |" for member, text in rows.items())
        yield ""


def first_line(value: Any) -> str:
    """Return the first paragraph of a member's text."""
    text = inspect.getdoc(value.fget if isinstance(value, property) else value) or ""
    return re.sub(r"\s+", " ", text.split("\n\n")[0])


def cell(text: str) -> str:
    """Return a text as a table takes it."""
    return text.replace("|", "\\|")


def link(text: str) -> str:
    """Return a type with the public classes in it linked."""
    public = sorted(n for n in causalopt._HOME if inspect.isclass(getattr(causalopt, n)))
    words = re.split(r"(\w+)", text)
    return "".join(f"[`{w}`](#{w.lower()})" if w in public else w for w in words)


def page() -> str:
    """Return the page."""
    lines = [HEAD]
    told: set[str] = set()
    for command in COMMANDS:
        name, _ = COMMANDS_CALL[command]
        lines.append(f"## `causalopt {command}`\n")
        if inspect.isfunction(getattr(causalopt, name, None)) and name not in told:
            lines += function_text(name, options(command))
            told.add(name)
        else:
            lines.append(f"[`{name}`](#{name.lower()})\n")
    lines.append("## Functions without a command\n")
    for name in sorted(causalopt._HOME):
        if inspect.isfunction(getattr(causalopt, name)) and name not in told:
            lines.append(f"### `{name}`\n")
            lines += function_text(name, {})
    lines.append("## Classes\n")
    for name in sorted(causalopt._HOME):
        if inspect.isclass(getattr(causalopt, name)):
            lines += class_text(name)
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
    print(f"{len(PAGE.read_text()):,} characters")
