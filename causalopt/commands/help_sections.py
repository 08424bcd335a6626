"""Help in sections: a command's options by what they are about, and commands by what people do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typer.core import TyperCommand, TyperGroup

from causalopt.commands.told_options import SECTIONS
from causalopt.errors import QuestionError

if TYPE_CHECKING:
    from typer._click.core import Context
    from typer._click.formatting import HelpFormatter


class SectionedCommand(TyperCommand):
    """A command whose help lists options by section: the panel that typer knows of each."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Read the words; an option that takes one value is given once.

        Raises:
            QuestionError: It is given again: one of the two would be lost.
        """
        _, _, order = self.make_parser(ctx).parse_args(args=list(args))
        for param in order:
            is_single = param.param_type_name == "option" and not param.multiple
            if is_single and not getattr(param, "is_flag", False) and order.count(param) > 1:
                several = "; several nodes are one text, such as 'R[0], R[1]'"
                raise QuestionError(
                    f"{param.opts[0]} is given {order.count(param)} times and takes one value: "
                    f"write it once{several if param.opts[0] in {'--nudge', '--hold'} else ''}"
                )
        return super().parse_args(ctx, args)

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
