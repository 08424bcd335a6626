"""Objects placed without llvmlite do what LLVM's own linker makes of them, or are left to it."""

from __future__ import annotations

import ctypes
import math
import os
import struct
import subprocess
import sys

import pytest

from causalopt.engine.machine import compiler, native
from causalopt.engine.machine.effort import FULL, QUICK
from causalopt.engine.machine.placement import placed

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.uname().machine != "x86_64", reason="placed on x86-64 Linux"
)

# Constants that are addressed, a function of the C library twice, one of its own, and a branch.
TEXT = """
@table = private constant [4 x double] [
  double 1.5, double -2.25, double 0x3FF0000000000001, double 7.0]
declare double @sin(double)
declare double @pow(double, double)
define internal double @inner(double %x) noinline {
  %y = call double @sin(double %x)
  %z = call double @sin(double %y)
  %p = call double @pow(double %z, double 0x3FF3333333333333)
  ret double %p
}
define i64 @answer(i64 %k_, i64 %x_) {
  %k = and i64 %k_, 3
  %at = getelementptr [4 x double], ptr @table, i64 0, i64 %k
  %c = load double, ptr %at
  %x = bitcast i64 %x_ to double
  %big = fcmp ogt double %x, 0.5
  br i1 %big, label %far, label %near
far:
  %f = call double @inner(double %x)
  br label %end
near:
  %n = fmul double %x, 0x400921FB54442D18
  br label %end
end:
  %v = phi double [%f, %far], [%n, %near]
  %r = fmul double %v, %c
  %out = bitcast double %r to i64
  ret i64 %out
}
define i64 @second(i64 %a) {
  %b = mul i64 %a, 3
  ret i64 %b
}
"""
NAMES = ["answer", "second"]


def bits(value: float) -> int:
    return int(struct.unpack("<q", struct.pack("<d", value))[0])


def number(value: int) -> float:
    return float(struct.unpack("<d", struct.pack("<q", value))[0])


@pytest.mark.parametrize("effort", [QUICK, FULL])
def test_placed_code_computes_what_the_c_library_says(effort: native.Effort) -> None:
    image = compiler.object_from(TEXT, effort)
    found = placed(image, NAMES)
    assert found is not None
    addresses, owner = found
    answer = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)(addresses["answer"])
    second = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(addresses["second"])
    assert second(-7) == -21
    for k, c in enumerate((1.5, -2.25, math.nextafter(1, 2), 7.0)):
        assert number(answer(k, bits(0.25))) == 0.25 * math.pi * c
        expected = math.pow(math.sin(math.sin(0.75)), 1.2) * c
        assert number(answer(k, bits(0.75))) == expected
    del owner


def test_placed_and_linked_code_give_the_same_bits() -> None:
    image = compiler.object_from(TEXT, FULL)
    made = [placed(image, NAMES), compiler.linked(image, NAMES)]
    signature = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)
    functions = [signature(found[0]["answer"]) for found in made if found is not None]
    assert len(functions) == 2
    for i in range(300):
        x = bits(i / 100)
        assert functions[0](i, x) == functions[1](i, x)


def test_what_is_not_known_is_left_to_the_linker() -> None:
    image = compiler.object_from(TEXT, FULL)
    assert placed(image, NAMES) is not None
    assert placed(image, [*NAMES, "third"]) is None
    assert placed(b"", NAMES) is None
    assert placed(image[:100], NAMES) is None
    assert placed(b"\xcf\xfa\xed\xfe" + image[4:], NAMES) is None  # of another system
    other = bytearray(image)
    struct.pack_into("<H", other, 18, 183)  # of another processor
    assert placed(bytes(other), NAMES) is None
    assert placed(compiler.object_from(TEXT.replace("@pow", "@no_such"), FULL), NAMES) is None
    state = "@count = internal global i64 0\n" + TEXT.replace(
        "%b = mul i64 %a, 3",
        "%o = load i64, ptr @count\n %b = add i64 %o, %a\n store i64 %b, ptr @count",
    )  # memory that is written to
    assert placed(compiler.object_from(state, FULL), NAMES) is None


def test_memory_that_is_written_to_is_left_to_the_linker_also_when_it_starts_with_a_value() -> None:
    state = "@count = internal global i64 7\n" + TEXT.replace(
        "%b = mul i64 %a, 3",
        "%o = load i64, ptr @count\n %b = add i64 %o, %a\n store i64 %b, ptr @count",
    )
    assert placed(compiler.object_from(state, FULL), NAMES) is None


def test_a_section_larger_than_any_memory_is_left_to_the_linker() -> None:
    image = bytearray(compiler.object_from(TEXT, FULL))
    (start,) = struct.unpack_from("<Q", image, 0x28)
    size, count = struct.unpack_from("<HH", image, 0x3A)
    for k in range(count):
        if struct.unpack_from("<I", image, start + k * size + 4)[0] == 1:  # code or constants
            struct.pack_into("<Q", image, start + k * size + 0x20, 2**64 - 1)
    assert placed(bytes(image), NAMES) is None


def test_a_relocation_of_another_kind_is_left_to_the_linker() -> None:
    image = bytearray(compiler.object_from(TEXT, FULL))
    (start,) = struct.unpack_from("<Q", image, 0x28)
    size, count = struct.unpack_from("<HH", image, 0x3A)
    for k in range(count):
        head = struct.unpack_from("<IIQQQQIIQQ", image, start + k * size)
        if head[1] == 4:  # relocations
            struct.pack_into("<I", image, head[4] + 8, 11)  # R_X86_64_32S
    assert placed(bytes(image), NAMES) is None


def test_code_that_cannot_be_placed_is_linked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "placed", lambda *_: None)
    text = TEXT.replace("mul i64 %a, 3", "mul i64 %a, 5")
    assert native.load_library(text, {"second": 1}, QUICK).functions["second"](4) == 20


def test_placed_memory_is_executable_and_not_writable() -> None:
    found = placed(compiler.object_from(TEXT, FULL), NAMES)
    assert found is not None
    address = found[0]["answer"]
    with open("/proc/self/maps", encoding="ascii") as maps:
        for line in maps:
            low, high = (int(part, 16) for part in line.split()[0].split("-"))
            if low <= address < high:
                assert line.split()[1] == "r-xp"
                return
    pytest.fail("the code is nowhere")


def test_a_sweep_whose_code_is_on_disk_loads_no_llvmlite() -> None:
    code = (
        "import sys, causalopt.cli as c\n"
        "c.main('sweep thermostat --grid R[0]=20:30:500 --at 400 --json'.split())\n"
        "print('llvmlite' in sys.modules)"
    )
    words = [sys.executable, "-c", code]
    for _ in range(2):
        done = subprocess.run(words, check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "False"
