"""Help in sections: a command's options by what they are about, and commands by what people do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    from typer._click.core import Context
    from typer._click.formatting import HelpFormatter

QUESTION = "Question"
CHANGES = "Changes to the model"
OUTPUT = "Output"
SECTIONS = (QUESTION, "Options", CHANGES, OUTPUT)


class SectionedCommand(TyperCommand):
    """A command whose help lists options by section: the panel that typer knows of each."""

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write the sections that have anything, arguments first."""
        found: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is None:
                continue
            panel = getattr(param, "rich_help_panel", None) or "Options"
            found.setdefault("Arguments" if param.param_type_name == "argument" else panel, [])
            found["Arguments" if param.param_type_name == "argument" else panel].append(record)
        for section in ("Arguments", *SECTIONS):
            if section in found:
                with formatter.section(section):
                    formatter.write_dl(found[section])


class SectionedGroup(TyperGroup):
    """All commands, listed by the section that each was added under."""

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write each section with a line for every command, in the order they were added."""
        found: dict[str, list[tuple[str, str]]] = {}
        limit = formatter.width - 6 - max(map(len, self.commands), default=0)
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command is not None and not command.hidden:
                section = getattr(command, "rich_help_panel", None) or "Commands"
                found.setdefault(section, []).append((name, command.get_short_help_str(limit)))
        for section, rows in found.items():
            with formatter.section(section):
                formatter.write_dl(rows)
