"""The frame: where a group of lanes keeps its state between two calls of its step code."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from causalopt.engine.contract import Floats
from causalopt.engine.program import Program
from causalopt.engine.rescaling import RESCALE

WIDEST = 64  # bytes; frames and the cells in them are aligned to it for vectors

# Places in the context table, 64 bits each.
CONTEXT = {
    name: place
    for place, name in enumerate(
        [
            "parameters",
            "varying",
            "width",
            "force",
            "values",
            "shifts",
            "overrides",
            "starts",
            "out_values",
            "out_tangents",
            "out_extras",
            "exponents",
            "delta",
        ]
    )
}


@dataclasses.dataclass(frozen=True)
class Cell:
    """One value of every lane.

    Attributes:
        offset: Bytes from the frame's start.
        kind: LLVM type of what one register holds.
        size: Bytes.
        start: What the cell holds before the first step.
        is_past: Whether it holds a value of an earlier step: what the next step starts from.
        steps: How many values stand one after another: more than one in a ring.
    """

    offset: int
    kind: str
    size: int
    start: float | int
    is_past: bool
    steps: int = 1

    @property
    def is_ring(self) -> bool:
        """Whether it holds the values of many steps, written round and round."""
        return self.steps > 1

    @property
    def is_integer(self) -> bool:
        """Whether it holds integers."""
        return isinstance(self.start, int)


class Frame:
    """Cells by name, laid out one after another.

    Args:
        lanes: Lanes of a group.
        register: Lanes of one vector register; all of them when not given.

    Example:
        >>> frame = Frame(1)
        >>> frame.add("w0", "double", 0.0)
        >>> frame["w0"].offset
        0
    """

    def __init__(self, lanes: int, register: int | None = None) -> None:
        self.lanes = lanes
        self.register = lanes if register is None else register
        self._cells: dict[str, Cell] = {}
        self.size = 0

    def add(
        self, name: str, kind: str, start: float | int, *, count: int | None = None, steps: int = 1
    ) -> None:
        """Lay out one more cell, or a ring of as many as `steps`.

        `kind` is its element, `count` its elements when not the lanes.
        """
        if name in self._cells:
            return
        count = self.lanes if count is None else count
        size = 8 * count
        align = min(size, WIDEST)
        offset = -(-self.size // align) * align
        width = min(count, self.register) if count == self.lanes else count
        text = kind if width == 1 else f"<{width} x {kind}>"
        self._cells[name] = Cell(offset, text, size * steps, start, "_" in name, steps)
        self.size = offset + size * steps

    def __getitem__(self, name: str) -> Cell:
        return self._cells[name]

    def __contains__(self, name: object) -> bool:
        return name in self._cells

    def items(self) -> list[tuple[str, Cell]]:
        """Return the cells in order."""
        return list(self._cells.items())

    def told(self) -> list[list[Any]]:
        """Return the frame as JSON's types."""
        return [
            [self.lanes, self.register, self.size],
            *([name, *dataclasses.astuple(cell)] for name, cell in self._cells.items()),
        ]

    @classmethod
    def of_told(cls, told: list[list[Any]]) -> Frame:
        """Return the frame that `told` came from."""
        (lanes, register, size), *cells = told
        frame = cls(lanes, register)
        frame.size = size
        frame._cells = {name: Cell(*fields) for name, *fields in cells}
        return frame

    def room(self) -> Floats:
        """Return memory for a frame, as floats aligned for vectors."""
        words = -(-self.size // 8)
        block = np.empty(words + WIDEST // 8)
        skip = (-block.ctypes.data % WIDEST) // 8
        return block[skip : skip + words]

    def fresh(self) -> Floats:
        """Return a frame before the first step."""
        frame = self.room()
        frame[:] = 0.0
        for cell in self._cells.values():
            part = frame[cell.offset // 8 : (cell.offset + cell.size) // 8]
            if cell.is_integer:
                part.view(np.int64)[:] = cell.start
            else:
                part[:] = cell.start
        return frame


def frame_of(program: Program) -> Frame:
    """Return the frame: the same for all step code of one structure, mode and number of lanes."""
    frame = Frame(program.lanes, program.register)
    worlds = "wxy" if program.mode == "finite" else "w"
    slots = program.layout.near
    # Steps may be taken back, at most a block of them: what they overwrote is no longer read.
    rings = [(i, depth + RESCALE) for i, depth in program.layout.rings]
    count = len(program.structure.names)
    for world in worlds:
        for i in range(count):
            frame.add(f"{world}{i}", "double", float("nan"))
        for i, lag in slots:
            frame.add(f"{world}{i}_{lag}", "double", float("nan"))
        for i, steps in rings:
            frame.add(f"{world}{i}_r", "double", float("nan"), steps=steps)
    if program.mode == "tangents":
        packed = program.lanes == 1
        worlds = ("zv" if packed else "xypq")[: None if program.estimate else 1 if packed else 2]
        for letter in worlds:
            width = 2 if packed else None
            for i in range(count):
                frame.add(f"{letter}{i}", "double", 0.0, count=width)
            for i, lag in slots:
                frame.add(f"{letter}{i}_{lag}", "double", 0.0, count=width)
            for i, steps in rings:
                frame.add(f"{letter}{i}_r", "double", 0.0, count=width, steps=steps)
            if rings:
                frame.add(f"top{letter}", "double", 0.0, count=width)
        for name in ("ex", "ey", "ox", "oy"):
            frame.add(name, "i64", 0)
    if program.mode != "values":
        frame.add("kink", "i64", -1)
    if program.near:
        frame.add("near", "i64", 0)
    if program.watch:
        frame.add("bad", "i64", -1)
    frame.add("scratch", "double", 0.0)
    return frame
