"""Placing an object in memory without llvmlite, whose import takes as long as numpy's.

What LLVM emits for step code is one ELF object of x86-64: code and constants side by side, which
name each other by their distance, and a few functions of the C library. Its parts are laid out in
one piece of memory, the distances written in, and that memory made executable and read-only. Any
other kind of object, processor or system is left to LLVM's own linker, by None.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import struct
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

_HEAD = b"\x7fELF\x02\x01\x01"  # 64 bits, little-endian
_RELOCATABLE, _X86_64 = 1, 62
_PROGBITS, _SYMBOLS, _RELOCATIONS = 1, 2, 4
_WRITTEN, _ALLOCATED = 1, 2
_PC32, _PLT32 = 2, 4  # the distance from the place to a symbol; to a function, or a jump to it
_JUMP = b"\xff\x25\x00\x00\x00\x00"  # jmp to the address in the 8 bytes that follow
_STUB = 16
_UNWINDING = ".eh_frame"  # nothing throws


class _Section(NamedTuple):
    name: int
    kind: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    align: int
    entry: int


class _Symbol(NamedTuple):
    name: int
    info: int
    other: int
    section: int
    value: int
    size: int


class _OtherKindError(Exception):
    """The object has something that only LLVM's linker knows."""


_NOT_READ = (
    _OtherKindError,
    struct.error,
    IndexError,
    ValueError,
    OSError,
    AttributeError,
    OverflowError,  # a size beyond any memory
)


def placed(image: bytes, names: Sequence[str]) -> tuple[dict[str, int], Any] | None:
    """Return the addresses of an object's functions, and what owns their memory.

    None where LLVM's linker has to do it.

    Args:
        image: The object.
        names: Functions that it defines.
    """
    if sys.platform != "linux" or os.uname().machine != "x86_64" or sys.maxsize < 2**32:
        return None
    try:
        return _Placement(image).placed(names)
    except _NOT_READ:
        return None


class _Placement:
    def __init__(self, image: bytes) -> None:
        self.image = image
        kind, processor = struct.unpack_from("<HH", image, 16)
        if not image.startswith(_HEAD) or (kind, processor) != (_RELOCATABLE, _X86_64):
            raise _OtherKindError
        (start,) = struct.unpack_from("<Q", image, 0x28)
        size, count, names = struct.unpack_from("<HHH", image, 0x3A)
        self.sections = [
            _Section(*struct.unpack_from("<IIQQQQIIQQ", image, start + k * size))
            for k in range(count)
        ]
        self.names = self.sections[names]
        self.offsets = self._laid_out()
        self.stubs: dict[str, int] = {}

    def _text(self, table: _Section, offset: int) -> str:
        start = table.offset + offset
        return self.image[start : self.image.index(b"\0", start)].decode()

    def _is_loaded(self, section: _Section) -> bool:
        is_there = bool(section.flags & _ALLOCATED and section.size)
        return is_there and self._text(self.names, section.name) != _UNWINDING

    def _laid_out(self) -> dict[int, int]:
        """Return the place of each section in memory."""
        offsets, end = {}, 0
        for k, section in enumerate(self.sections):
            if not self._is_loaded(section):
                continue
            is_other = section.kind != _PROGBITS or section.flags & _WRITTEN
            if is_other or section.align > mmap.PAGESIZE:
                raise _OtherKindError
            offsets[k] = -(-end // max(section.align, 1)) * max(section.align, 1)
            end = offsets[k] + section.size
        self.end = -(-end // _STUB) * _STUB
        return offsets

    def placed(self, names: Sequence[str]) -> tuple[dict[str, int], Any]:
        relocations = [
            (self.offsets[section.info], section)
            for section in self.sections
            if section.kind == _RELOCATIONS and section.info in self.offsets
        ]
        most = sum(section.size // 24 for _, section in relocations)
        private = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        memory = mmap.mmap(-1, self.end + _STUB * most, flags=private)
        view = ctypes.c_char.from_buffer(memory)
        self.base = ctypes.addressof(view)
        for k, offset in self.offsets.items():
            section = self.sections[k]
            memory[offset : offset + section.size] = self.image[
                section.offset : section.offset + section.size
            ]
        for offset, section in relocations:
            self._relocate(memory, offset, section)
        found = self._exported(names)
        protect = ctypes.CDLL(None, use_errno=True).mprotect
        protect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
        if protect(self.base, len(memory), mmap.PROT_READ | mmap.PROT_EXEC):
            raise _OtherKindError
        return found, (view, memory)

    def _relocate(self, memory: mmap.mmap, start: int, section: _Section) -> None:
        table = self.sections[section.link]
        for k in range(section.size // 24):
            offset, info, add = struct.unpack_from("<QQq", self.image, section.offset + 24 * k)
            if info & 0xFFFFFFFF not in {_PC32, _PLT32}:
                raise _OtherKindError
            place = start + offset
            target = self._place_of(memory, table, info >> 32)
            struct.pack_into("<i", memory, place, target + add - place)

    def _symbol(self, table: _Section, number: int) -> _Symbol:
        return _Symbol(*struct.unpack_from("<IBBHQQ", self.image, table.offset + 24 * number))

    def _place_of(self, memory: mmap.mmap, table: _Section, number: int) -> int:
        """Return where a symbol lies in the memory; a function from elsewhere has a jump there."""
        symbol = self._symbol(table, number)
        if symbol.section:
            if symbol.section not in self.offsets:
                raise _OtherKindError
            return self.offsets[symbol.section] + symbol.value
        name = self._text(self.sections[table.link], symbol.name)
        if name not in self.stubs:
            address = ctypes.cast(getattr(ctypes.CDLL(None), name), ctypes.c_void_p).value
            if address is None:
                raise _OtherKindError
            self.stubs[name] = stub = self.end
            memory[stub : stub + 14] = _JUMP + struct.pack("<Q", address)
            self.end += _STUB
        return self.stubs[name]

    def _exported(self, names: Sequence[str]) -> dict[str, int]:
        (table,) = (section for section in self.sections if section.kind == _SYMBOLS)
        found = {}
        for k in range(table.size // 24):
            symbol = self._symbol(table, k)
            name = self._text(self.sections[table.link], symbol.name)
            if name in names and symbol.section in self.offsets:
                found[name] = self.base + self.offsets[symbol.section] + symbol.value
        if set(found) != set(names):
            raise _OtherKindError
        return found
