"""Ahead of time: the library of the compiled pass, made by Numba, LLVM and a linker.

What is compiled is each function for the kinds of arguments that `precompile` calls it with, behind C's interface.
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

# Numba's code to free memory and to raise exceptions calls these. The pass does neither: its arrays are others', and no
# error can occur in it.
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
    """The file, for the processor that NUMBA_CPU_NAME says. Needs `ld` on PATH.

    Raises:
        CalledProcessError, FileNotFoundError: there is no linker, or it finds fault.
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
        made = Path(folder, file.name)
        subprocess.run(["ld", "-shared", "-z", "now", "-o", made, *objects], check=True)  # noqa: S603, S607  # whose it is
        made.replace(file)
    return file


def _functions() -> list[Any]:
    """Those of the module that others call, in its order."""
    named = vars(passes).items()
    return [one for name, one in named if isinstance(one, Dispatcher) and not name.startswith("_")]


def _with_c_interface(function: Any, signature: tuple[Any, ...]) -> llvm.ModuleRef:
    """A module in which a function with its callees is there for one signature, under the name that says so."""
    kinds, parameters, arguments = zip(*(_parts(kind, f"a{n}") for n, kind in enumerate(signature)), strict=True)
    name = f"{function.__name__}_{''.join(_letters(kind) for kind in signature)}"
    source = f"def {name}({', '.join(chain(*parameters))}):\n    f({', '.join(arguments)})\n"
    namespace: dict[str, Any] = {"f": function, "carray": carray}
    exec(source, namespace)  # noqa: S102  # Numba takes no `*arguments` of C
    wrapper = cfunc(types.void(*chain(*kinds)))(namespace[name])
    module = llvm.parse_assembly(wrapper.inspect_llvm())
    for one in module.functions:
        if one.name == wrapper._wrapper_name:  # noqa: SLF001  # `native_name` is that of what it wraps
            one.name = name
        elif not one.is_declaration:
            one.linkage = "internal"
    for one in module.global_variables:
        if not one.is_declaration:
            one.linkage = "internal"
    return module


def _parts(kind: Any, name: str) -> tuple[list[Any], list[str], str]:
    """The types and names of C's parameters for one argument, and the argument made of them."""
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
    """As the library has them for values."""
    if isinstance(kind, types.Array):
        return f"{'d' if kind.dtype == types.float64 else 'f'}{kind.ndim}"
    if isinstance(kind, types.BaseTuple):
        return "".join(map(_letters, kind))
    return "r" if isinstance(kind, types.Float) else "i"
