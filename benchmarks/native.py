"""The C written by hand: compiled for this processor, and called through ctypes."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SOURCES = ("kernels", "lorenz", "ring")
FLAGS = ("-O3", "-march=native", "-std=c++17", "-pthread")
LIBRARIES = ("-lmvec", "-lm") if sys.platform == "linux" else ("-lm",)


class CompilerError(Exception):
    """There is no C++ compiler."""


def compiler() -> str:
    """Return the C++ compiler.

    Raises:
        CompilerError: There is none.
    """
    found = os.environ.get("CXX") or shutil.which("g++") or shutil.which("clang++")
    if found is None:
        raise CompilerError("the benchmarks are compared with C: install g++ or set CXX")
    return found


@functools.cache
def processor() -> tuple[str, str]:
    """Return the processor's name and its flags, as far as the system says them."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    told = {k.strip(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
    return told.get("model name", "an unnamed processor"), told.get("flags", "")


def built(source: Path, folder: Path, *, program: bool = False) -> Path:
    """Compile a file into a library, or into a program, and return where it is."""
    wide = ["-mprefer-vector-width=512"] if "avx512f" in processor()[1] else []
    words = [compiler(), *FLAGS, *wide, *(("-DPROGRAM",) if program else ("-shared", "-fPIC"))]
    out = folder / (source.stem if program else f"{source.stem}.so")
    headers = ["-I", str(HERE)]
    done = subprocess.run(
        [*words, *headers, "-o", str(out), str(source), *LIBRARIES],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CompilerError(f"{compiler()} does not compile {source.name}:\n{done.stderr}")
    return out


@functools.cache
def scratch() -> Path:
    """Return this process's folder for what is compiled, removed at its end."""
    folder = tempfile.TemporaryDirectory(prefix="causalopt-bench-")
    globals()["_kept"] = folder
    return Path(folder.name)


@functools.cache
def library(stem: str, text: str | None = None) -> ctypes.CDLL:
    """Return one of `SOURCES`, compiled; `text` is compiled in its place, which tests use."""
    source, folder = HERE / f"{stem}.cpp", scratch()
    if text is not None:
        folder = folder / hashlib.sha256(text.encode()).hexdigest()[:16]
        folder.mkdir(exist_ok=True)
        source = folder / source.name
        source.write_text(text, encoding="utf-8")
    return ctypes.CDLL(str(built(source, folder)))


def called(stem: str, name: str, *arguments: Any) -> None:
    """Call a function with integers, floats and arrays."""
    getattr(library(stem), name)(*(_argument(value) for value in arguments))


def _argument(value: Any) -> Any:
    if isinstance(value, int):
        return ctypes.c_int64(value)
    if isinstance(value, float):
        return ctypes.c_double(value)
    return ctypes.c_void_p(value.ctypes.data)
