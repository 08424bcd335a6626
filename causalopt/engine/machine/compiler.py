"""LLVM text to an object, and an object to functions, by llvmlite.

Nothing here is imported where the object is on disk already and can be placed without it.
"""

from __future__ import annotations

import functools
import itertools
import sys
from typing import Any

from llvmlite import binding

from causalopt.engine.machine.effort import Effort
from causalopt.work.processes import answer_of_process

_serial = itertools.count()
# Characters of a text that compiles in some tenths of a second, without and with the passes.
_LONG = (1_000_000, 200_000)


@functools.cache
def host() -> tuple[str, str, str, str]:
    """Return this processor's name, its features and its triple, and LLVM's version."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    return (
        binding.get_host_cpu_name(),
        binding.get_host_cpu_features().flatten(),
        binding.get_process_triple(),
        ".".join(map(str, binding.llvm_version_info)),
    )


@functools.cache
def _machine(level: int) -> Any:
    name, features, triple, _ = host()
    target = binding.Target.from_triple(triple)
    return target.create_target_machine(
        cpu=name, features=features, opt=level, reloc="pic", codemodel="small", jit=True
    )


@functools.cache
def _linker() -> Any:
    # JITLink puts an object's parts side by side. The older linker takes them where there is room,
    # and ends the process where that is more than 2 GB apart, as beside JAX's large reservations.
    return binding.create_lljit_compiler(_machine(2), use_jit_link=sys.platform != "win32")


def linked(image: bytes, names: list[str]) -> tuple[dict[str, int], Any]:
    """Return the addresses of an object's functions, and what owns their code."""
    builder = binding.JITLibraryBuilder().add_object_img(image).add_current_process()
    for name in names:
        builder.export_symbol(name)
    tracker = builder.link(_linker(), f"causalopt{next(_serial)}")
    return {name: tracker[name] for name in names}, tracker


def object_from(text: str, effort: Effort) -> bytes:
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
    module.triple = host()[2]
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
