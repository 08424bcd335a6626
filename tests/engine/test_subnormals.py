"""Flush-to-zero is noticed."""

from __future__ import annotations

import platform

import pytest

from causalopt import load, run
from causalopt.engine.executions import are_flushed
from causalopt.engine.machine.native import QUICK, load_library

MODE = """
declare void @llvm.x86.sse.ldmxcsr(ptr)
define i64 @mode(i64 %bits_) {
  %cell = alloca i32, align 4
  %bits = trunc i64 %bits_ to i32
  store i32 %bits, ptr %cell, align 4
  call void @llvm.x86.sse.ldmxcsr(ptr %cell)
  ret i64 0
}
"""
PLAIN, FLUSHING = 0x1F80, 0x9FC0


@pytest.mark.skipif(platform.machine() not in {"x86_64", "AMD64"}, reason="x86's control register")
def test_a_run_warns_when_subnormals_are_flushed_to_zero() -> None:
    set_mode = load_library(MODE, {"mode": 1}, QUICK).functions["mode"]
    assert not are_flushed()
    set_mode(FLUSHING)
    try:
        assert are_flushed()
        with pytest.warns(RuntimeWarning, match="flushes subnormal numbers to zero"):
            run(load("thermostat"), steps=3)
    finally:
        set_mode(PLAIN)
    assert not are_flushed()
