"""Ahead-of-time compilation: the library of compiled passes, by Numba, LLVM and a linker.

Each function is compiled for each signature that `precompile` calls, with C's calling convention.
"""

import os
import subprocess
import tempfile
from itertools import chain
from pathlib import Path
from typing import Any

from llvmlite import binding as llvm
from numba import carray, cfunc, types
from numba.core.dispatcher import Dispatcher

from gaussian_processes.gp.build.precompilation import precompile
from gaussian_processes.gp.compiled import passes
from gaussian_processes.gp.compiled.library import library_file

# Numba's code calls these to free memory and to raise exceptions. The passes do neither.
UNUSED = (
    "NRT_Free",
    "NRT_MemInfo_call_dtor",
    "numba_do_raise",
    "numba_gil_ensure",
    "numba_gil_release",
    "numba_runtime_build_excinfo_struct",
    "numba_unpickle",
)
TRAPS = "".join(f"define void @{name}() {{\n  call void @llvm.trap()\n  unreachable\n}}\n" for name in UNUSED)


def make_library() -> Path:
    """Build the library for the processor NUMBA_CPU_NAME, and return its path. Needs `ld` on PATH.

    Raises:
        FileNotFoundError: there is no linker.
        CalledProcessError: the linker fails.
    """
    precompile()
    processor = os.environ["NUMBA_CPU_NAME"]
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=processor, features="", opt=3, reloc="pic", codemodel="default"
    )
    file = library_file(processor)
    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        modules = [
            _with_c_interface(function, signature) for function in _functions() for signature in function.signatures
        ]
        objects = []
        for number, module in enumerate([*modules, llvm.parse_assembly(TRAPS)]):
            objects.append(Path(folder, f"{number}.o"))
            objects[-1].write_bytes(machine.emit_object(module))
        linked = Path(folder, file.name)
        subprocess.run(["ld", "-shared", "-z", "now", "-o", linked, *objects], check=True)  # noqa: S603, S607  # the path is ours
        linked.replace(file)
    return file


def _functions() -> list[Any]:
    """The public compiled functions, in the order of the module."""
    named = vars(passes).items()
    return [one for name, one in named if isinstance(one, Dispatcher) and not name.startswith("_")]


def _with_c_interface(function: Any, signature: tuple[Any, ...]) -> llvm.ModuleRef:
    """A module with a function for one signature and its callees. The function's name ends in the signature."""
    kinds, parameters, arguments = zip(*(_parts(kind, f"a{n}") for n, kind in enumerate(signature)), strict=True)
    name = f"{function.__name__}_{''.join(_letters(kind) for kind in signature)}"
    source = f"def {name}({', '.join(chain(*parameters))}):\n    f({', '.join(arguments)})\n"
    namespace: dict[str, Any] = {"f": function, "carray": carray}
    exec(source, namespace)  # noqa: S102  # Numba cannot compile C functions with `*arguments`
    wrapper = cfunc(types.void(*chain(*kinds)))(namespace[name])
    module = llvm.parse_assembly(wrapper.inspect_llvm())
    for one in module.functions:
        if one.name == wrapper._wrapper_name:  # noqa: SLF001  # `native_name` is the wrapped function's
            one.name = name
        elif not one.is_declaration:
            one.linkage = "internal"
    for one in module.global_variables:
        if not one.is_declaration:
            one.linkage = "internal"
    return module


def _parts(kind: Any, name: str) -> tuple[list[Any], list[str], str]:
    """C's parameter types and names for one argument, and the expression that rebuilds the argument."""
    if isinstance(kind, types.Array):
        shape = [f"{name}_{n}" for n in range(kind.ndim)]
        return (
            [types.CPointer(kind.dtype), *[types.int64] * kind.ndim],
            [name, *shape],
            f"carray({name}, ({', '.join(shape)},))",
        )
    if isinstance(kind, types.BaseTuple):
        kinds, names, elements = zip(*(_parts(one, f"{name}_{n}") for n, one in enumerate(kind)), strict=True)
        return [*chain(*kinds)], [*chain(*names)], f"({', '.join(elements)},)"
    return [kind], [name], name


def _letters(kind: Any) -> str:
    """The type of an argument, spelt as in `library.py`."""
    if isinstance(kind, types.Array):
        return f"{'d' if kind.dtype == types.float64 else 'f'}{kind.ndim}"
    if isinstance(kind, types.BaseTuple):
        return "".join(map(_letters, kind))
    return "r" if isinstance(kind, types.Float) else "i"
