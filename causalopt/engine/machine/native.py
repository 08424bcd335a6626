"""Machine code from LLVM text: this processor's, optimised, kept on disk, called through ctypes.

ctypes releases the GIL during a call, so that threads run lanes in parallel. Nothing here is
imported until a run is long enough to be compiled.
"""

from __future__ import annotations

import ctypes
import dataclasses
import functools
import itertools
import sys
import threading
from typing import Any

from llvmlite import binding

from causalopt.engine.machine.objects import ObjectStore
from causalopt.work.processes import answer_of_process

_lock = threading.RLock()
_serial = itertools.count()


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

    @property
    def has_avx512(self) -> bool:
        """Whether it has the instructions on doubles of AVX-512."""
        found = f"{self.features},"
        return "+avx512f," in found and "+avx512dq," in found

    @property
    def register(self) -> int:
        """Doubles in one vector register."""
        if "+avx512f," in f"{self.features},":
            return 8
        return 4 if "+avx," in f"{self.features}," else 2


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
    # JITLink puts an object's parts side by side. The older linker takes them where there is room,
    # and ends the process where that is more than 2 GB apart, as beside JAX's large reservations.
    return binding.create_lljit_compiler(_machine(2), use_jit_link=sys.platform != "win32")


@dataclasses.dataclass(frozen=True)
class CompiledLibrary:
    """Functions in machine code.

    Attributes:
        functions: Name -> callable through ctypes.
        from_disk: Whether the code was found compiled.
    """

    functions: dict[str, Any]
    from_disk: bool
    tracker: Any = dataclasses.field(repr=False, default=None)


@dataclasses.dataclass(frozen=True)
class Effort:
    """How much time compilation may take: levels of the optimiser and of the code generator."""

    passes: int
    generator: int


QUICK, FULL = Effort(0, 0), Effort(2, 2)
# A large step is straight lines through memory: the optimiser's passes find little in it.
STRAIGHT = Effort(0, 1)
# Characters of a text that compiles in some tenths of a second, without and with the passes.
_LONG = (1_000_000, 200_000)


def load_library(text: str, exports: dict[str, int], effort: Effort = FULL) -> CompiledLibrary:
    """Return the functions of an LLVM text, compiled now or earlier.

    Args:
        text: The module.
        exports: Function's name -> how many 64-bit arguments it takes.
        effort: How well it is optimised; results do not depend on it.
    """
    host = processor()
    version = ".".join(map(str, binding.llvm_version_info))
    key = "\n".join(
        [host.name, host.features, host.triple, version, repr(effort), "nounwind", text]
    )
    with _lock:
        store = ObjectStore.default()
        image = store.find(key)
        from_disk = image is not None
        if image is None:
            image = _image(text, effort)
            store.keep(key, image)
        builder = binding.JITLibraryBuilder().add_object_img(image).add_current_process()
        for name in exports:
            builder.export_symbol(name)
        tracker = builder.link(_linker(), f"causalopt{next(_serial)}")
        functions: dict[str, Any] = {
            name: ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * count)(tracker[name])
            for name, count in exports.items()
        }
        for function in functions.values():
            # The code lives as long as any function that can be called.
            function.library = tracker
    return CompiledLibrary(functions, from_disk, tracker)


def _image(text: str, effort: Effort) -> bytes:
    """Return an object; what may take long is compiled by a process that can be interrupted."""
    if len(text) > _LONG[min(effort.passes, 1)]:
        given = f"{effort.passes} {effort.generator}\n{text}".encode()
        image = answer_of_process(__name__, "object_of", given)
        if image is not None:
            return image
    return _compiled(text, effort)


def object_of(given: bytes) -> bytes:
    """Return the object of a line with the levels of effort and the text below it."""
    levels, text = given.decode().split("\n", 1)
    passes, generator = map(int, levels.split())
    return _compiled(text, Effort(passes, generator))


def _compiled(text: str, effort: Effort) -> bytes:
    machine = _machine(effort.generator)
    module = binding.parse_assembly(text)
    module.triple = processor().triple
    module.data_layout = str(machine.target_data)
    for function in module.functions:
        # Nothing throws here, so that no tables for unwinding need be registered.
        if not function.is_declaration:
            function.add_function_attribute("nounwind")
    options = binding.create_pipeline_tuning_options(speed_level=effort.passes)
    options.loop_vectorization = False
    options.slp_vectorization = False
    options.loop_unrolling = False
    builder = binding.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    image: bytes = machine.emit_object(module)
    return image
