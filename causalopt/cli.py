"""The command line: causalopt COMMAND MODEL ...

Exit codes: 0 done, 2 the input is wrong (one readable message), 130 interrupted, 1 anything else.
With `--json`, stdout holds strict JSON only, an error included.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from keyword import iskeyword
from typing import TYPE_CHECKING, Any

from causalopt.display.echo import echo
from causalopt.errors import CausaloptError, Location, ModelMistakesError, WorkersError
from causalopt.work.progress import lines_elsewhere

if TYPE_CHECKING:
    import typer

GROUPS = {
    "Models": ("models", "check", "draw", "import", "schema"),
    "One question": ("run", "derive", "currents", "rates", "frequency", "sensitivity"),
    "Many questions": ("sweep", "show", "refine", "matrix", "basins", "landscapes"),
    "Who optimizes": ("optimizers", "divide", "across", "watch", "compare"),
    "Chance": ("entropy", "escape", "transitions", "action", "descent"),
    "Files and posts": ("data", "cache", "reproduce"),
}  # what people do -> the commands for it
COMMANDS = tuple(name for names in GROUPS.values() for name in names)
MATRICES = {
    "entropy",
    "escape",
    "rates",
    "reproduce",
    "transitions",
}  # commands whose matrices are worth threads


_GROUP_OF = {name: group for group, names in GROUPS.items() for name in names}


_SHOWN = 6  # commands named in a message


def application(words: Sequence[str]) -> typer.Typer:
    """Return the command that is asked for; all of them for help, or where it is none of them.

    To build them all takes longer than a short run.
    """
    from causalopt.commands.application import built

    asked = [*words[:1]] if words and words[0] in COMMANDS else [*COMMANDS]
    return built({name: (command_function(name), _GROUP_OF[name]) for name in asked})


def command_function(name: str) -> Callable[..., Any]:
    """Return the function that is a command, with what it tells of its options."""
    own = name + "_" * iskeyword(name)  # import is no name that Python could give
    found: Callable[..., Any] = getattr(importlib.import_module(f"causalopt.commands.{own}"), own)
    return found


def _answered(words: Sequence[str]) -> object:
    """Do what a command line says: a usual one is read here, any other by typer."""
    if words and words[0] in COMMANDS:
        from causalopt.commands.plain_words import read_plainly

        function = command_function(words[0])
        arguments = read_plainly(function, words[1:])
        if arguments is not None:
            return function(**arguments)
    return application(words)(
        args=list(words) or ["--help"], prog_name="causalopt", standalone_mode=False
    )


def program() -> int:
    """Run one command as a process of its own and return its exit code.

    Searching for circles of garbage took a third of a short command's time: there is little of it
    in the modules and texts that start-up loads, and at the end memory goes back as a whole. Nor
    does it need threads for matrices, except where they are large: to start them takes as long as
    the rest of numpy, and in a sweep, which has its own, they would only spin. pydantic would read
    what every installed package says of plug-ins.
    """
    if not set(sys.argv[1:2]) & MATRICES:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    gc.set_threshold(300_000, 10, 10)
    warnings.formatwarning = _warning
    try:
        return main()
    finally:
        gc.freeze()


def _warning(message: Warning | str, *_: object, **__: object) -> str:
    """Return a warning as a line of text: where in the code it was raised helps nobody here."""
    return f"warning: {message}\n"


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    try:
        with lines_elsewhere():
            code = _answered(words)
    except ModelMistakesError as error:
        _complain_of_all(error, words)
        return 2
    except CausaloptError as error:
        _complain(error.message, error.location, words, prefix=str(error))
        return 1 if isinstance(error, WorkersError) else 2
    except ModuleNotFoundError as error:
        from causalopt import extras

        found = extras.translated(error)
        if not isinstance(found, CausaloptError):
            raise
        _complain(found.message, Location(), words)
        return 2
    except _of_typer("TyperException") as error:
        message = _of_others(error, words) or error.format_message() + _model_first(words)
        command = " ".join(["causalopt", *(word for word in words[:1] if word in COMMANDS)])
        _complain(message, Location(), words, prefix=f"{message}\nTry '{command} --help'.")
        return 2
    except KeyboardInterrupt:
        code = 130
    except _of_typer("Abort"):
        code = 130
    except OSError as error:
        # Our output cannot be written; Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            echo(f"error: cannot write: {error.strerror}", err=True)
        return 1
    except MemoryError:
        _complain("not enough memory: ask for fewer steps, points or walkers", Location(), words)
        return 1
    if code == 130:
        echo("interrupted", err=True)
        return 130
    return int(code or 0) if words else 2  # type: ignore[call-overload]  # help alone


def _of_typer(name: str) -> tuple[type[typer.TyperException], ...]:
    """Return an exception of typer's; none where nobody has asked typer."""
    typer = sys.modules.get("typer")
    return () if typer is None else (getattr(typer, name),)


def _model_first(words: Sequence[str]) -> str:
    """Return what to write where a model stands before its command."""
    if not words or words[0] in COMMANDS or words[0].startswith("-"):
        return ""
    from causalopt.model.files import FORMATS, shipped

    if os.path.splitext(words[0])[1].lower() not in FORMATS and words[0] not in shipped():
        return ""
    command = next((word for word in words[1:] if word in COMMANDS), "run")
    return f" The command comes before the model: causalopt {command} {words[0]}"


def _of_others(error: typer.TyperException, words: Sequence[str]) -> str | None:
    """Return why a command has not an option, and which ones have it; None if none has."""
    option = getattr(error, "option_name", None)
    if option is None or type(error).__name__ != "NoSuchOption" or words[0] not in COMMANDS:
        return None
    from causalopt.commands.common_options import absences, commands_with

    reason, others = absences(words[0]).get(option), commands_with(option)
    if not others:
        return None
    shown = ", ".join(others[:_SHOWN]) + (", ..." if len(others) > _SHOWN else "")
    why = f": {reason}" if reason else ""
    return f"'{words[0]}' has no {option}{why}; it is an option of {shown}"


def _complain(
    message: str, location: Location, words: list[str], *, prefix: str | None = None
) -> None:
    if "--json" in words:
        place = {"file": location.file, "line": location.line, "column": location.column}
        echo(json.dumps({"error": {"message": message, **place}}, ensure_ascii=False))
    else:
        echo(f"error: {prefix or message}", err=True)


def _complain_of_all(found: ModelMistakesError, words: Sequence[str]) -> None:
    if "--json" in words:
        lists = {
            "errors": [error.to_dict() for error in found.errors],
            "warnings": [warning.to_dict() for warning in found.warnings],
        }
        echo(json.dumps({"error": found.to_dict(), **lists}, ensure_ascii=False))
        return
    for error in found.errors:
        echo(f"error: {error}", err=True)


if __name__ == "__main__":
    sys.exit(program())
