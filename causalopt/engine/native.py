"""Machine code from LLVM text: this processor's, optimised, kept on disk, called through ctypes.

ctypes releases the GIL during a call, so that threads run lanes in parallel. Nothing here is
imported until a run is long enough to be compiled.
"""

from __future__ import annotations

import ctypes
import dataclasses
import functools
import threading
from typing import Any

from llvmlite import binding

from causalopt.engine.objects import ObjectStore

_lock = threading.RLock()
_SERIAL = 0


@dataclasses.dataclass(frozen=True)
class Processor:
    """The processor code is made for."""

    name: str
    features: str
    triple: str

    @property
    def has_fma(self) -> bool:
        """Whether a product and a sum can be one rounding."""
        return "+fma," in f"{self.features}," or self.triple.startswith(("aarch64", "arm64"))


@functools.cache
def processor() -> Processor:
    """Return the processor this process runs on."""
    with _lock:
        binding.initialize_native_target()
        binding.initialize_native_asmprinter()
    return Processor(
        binding.get_host_cpu_name(),
        binding.get_host_cpu_features().flatten(),
        binding.get_process_triple(),
    )


@functools.cache
def _machine(level: int) -> Any:
    host = processor()
    target = binding.Target.from_triple(host.triple)
    return target.create_target_machine(
        cpu=host.name, features=host.features, opt=level, reloc="pic", codemodel="small", jit=True
    )


@functools.cache
def _linker() -> Any:
    return binding.create_lljit_compiler(_machine(2), use_jit_link=False)


@dataclasses.dataclass(frozen=True)
class Library:
    """Functions in machine code.

    Attributes:
        functions: Name -> callable through ctypes.
        from_disk: Whether the code was found compiled.
    """

    functions: dict[str, Any]
    from_disk: bool
    tracker: Any = dataclasses.field(repr=False, default=None)


def load_library(text: str, exports: dict[str, int], level: int = 2) -> Library:
    """Return the functions of an LLVM text, compiled now or earlier.

    Args:
        text: The module.
        exports: Function's name -> how many 64-bit arguments it takes.
        level: Optimisation level, 0 to 3.
    """
    global _SERIAL
    host = processor()
    version = ".".join(map(str, binding.llvm_version_info))
    key = "\n".join([host.name, host.features, host.triple, version, str(level), text])
    with _lock:
        store = ObjectStore.default()
        image = store.find(key)
        from_disk = image is not None
        if image is None:
            image = _compiled(text, level)
            store.keep(key, image)
        _SERIAL += 1
        builder = binding.JITLibraryBuilder().add_object_img(image).add_current_process()
        for name in exports:
            builder.export_symbol(name)
        tracker = builder.link(_linker(), f"causalopt{_SERIAL}")
        functions = {
            name: ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * count)(tracker[name])
            for name, count in exports.items()
        }
    return Library(functions, from_disk, tracker)


def _compiled(text: str, level: int) -> bytes:
    machine = _machine(level)
    module = binding.parse_assembly(text)
    module.triple = processor().triple
    module.data_layout = str(machine.target_data)
    options = binding.create_pipeline_tuning_options(speed_level=level)
    options.loop_vectorization = False
    options.slp_vectorization = False
    options.loop_unrolling = False
    builder = binding.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    image: bytes = machine.emit_object(module)
    return image
