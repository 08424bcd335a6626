"""Groups of lanes as several registers: each line on vectors once a register.

A vector wider than a register is legal LLVM, but its comparisons become masks that must be packed
and unpacked. Written once a register, masks stay where they are made, and the processor has as many
independent chains of operations to overlap.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_NAME = re.compile(r"%[\w.]+")
_POINTER = re.compile(r"ptr (%[\w.]+)")
_DEFINED = re.compile(r"\s*(%[\w.]+) = ")
_REDUCED = re.compile(r"\s*(%[\w.]+) = call i1 @llvm\.vector\.reduce\.or\.\w+\((<.*>) (%[\w.]+)\)")


def widened(lines: Iterable[str], register: int, count: int) -> list[str]:
    """Return a function's lines, those on vectors of `register` lanes repeated `count` times.

    A pointer that is the same for all registers points to the first one's lanes; the others' follow
    it in memory.

    Args:
        lines: The body, entry block and all, one instruction a line.
        register: Doubles in one register.
        count: Registers in a group.
    """
    if count == 1:
        return list(lines)
    vector = f"<{register} x "
    own: set[str] = set()  # names that each register has its own of
    result: list[str] = []
    for number, line in enumerate(lines):
        reduced = _REDUCED.match(line)
        names = _NAME.findall(line)
        if reduced and vector in line:
            result += _any_of(reduced, own, count, number)
        elif vector in line or any(name in own for name in names):
            defined = _DEFINED.match(line)
            if defined:
                own.add(defined[1])
            for k in range(count):
                result += _copy(line, own, k, 8 * register * k, number)
        else:
            result.append(line)
    return result


def _copy(line: str, own: set[str], k: int, offset: int, number: int) -> list[str]:
    moved: dict[str, str] = {}
    before: list[str] = []
    for pointer in dict.fromkeys(_POINTER.findall(line)):
        if pointer not in own and offset:
            moved[pointer] = f"{pointer}.at.{number}.{k}"
            before.append(f"{moved[pointer]} = getelementptr i8, ptr {pointer}, i64 {offset}")

    def renamed(match: re.Match[str]) -> str:
        name = match[0]
        return f"{name}.r{k}" if name in own else moved.get(name, name)

    return [*before, _NAME.sub(renamed, line)]


def _any_of(reduced: re.Match[str], own: set[str], count: int, number: int) -> list[str]:
    """Return lines that tell whether a truth value holds in any lane of any register."""
    name, kind, value = reduced.groups()
    if value not in own:
        return [reduced[0]]
    lines = []
    joined = f"{value}.r0"
    for k in range(1, count):
        lines.append(f"%any.{number}.{k} = or {kind} {joined}, {value}.r{k}")
        joined = f"%any.{number}.{k}"
    function = re.search(r"@[\w.]+", reduced[0])
    assert function is not None
    return [*lines, f"{name} = call i1 {function[0]}({kind} {joined})"]
