"""Environment: what numerical libraries read when they are imported, set before that."""

import platform
from collections.abc import MutableMapping
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")

# What LLVM calls x86-64-v3, the processors of ten years, needs among others.
V3 = {"avx2", "bmi2", "fma", "movbe"}


def prepare_libraries(environ: MutableMapping[str, str], cpuinfo: Path = CPUINFO) -> None:
    """Settings for Numba and OpenBLAS, where the user has made none."""
    # Code compiled on one machine, such as that on which an image is built, must run on another. Numba looks compiled
    # code up under the name of the processor it is for.
    environ.setdefault("NUMBA_CPU_NAME", portable_processor(cpuinfo))
    environ.setdefault("NUMBA_CPU_FEATURES", "")
    # OpenBLAS's threads wait for more work in a loop, by default for 2^26 cycles, and keep others from the cores.
    environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "20")


def portable_processor(cpuinfo: Path = CPUINFO) -> str:
    """The processor, in LLVM's words, for which to compile here: one that many machines can stand in for."""
    if platform.machine() == "x86_64" and _flags(cpuinfo) >= V3:
        return "x86-64-v3"
    return "generic"


def _flags(cpuinfo: Path) -> set[str]:
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        return set()
    return next((set(line.split()) for line in lines if line.startswith("flags")), set())
