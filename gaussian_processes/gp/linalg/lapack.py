"""BLAS and LAPACK on views of arrays, in place. SciPy's own wrappers copy views that are not contiguous.

SciPy exports the routines to Cython; here ctypes calls them with the address and the leading dimension of each view. The
interpreter's lock is released while they run.
"""

import ctypes
from functools import cache
from typing import Any

import numpy as np
from scipy.linalg import cython_blas, cython_lapack

from gaussian_processes.gp.arrays import Matrix


def blas(name: str, *arguments: str | float | Matrix) -> None:
    """Call a BLAS routine named without its precision; arguments as `_call`."""
    _call(cython_blas, name, arguments)


def lapack(name: str, *arguments: str | float | Matrix) -> int:
    """Call a LAPACK routine named without its precision; return `info`, its last argument, which is not passed."""
    info = ctypes.c_int()
    _call(cython_lapack, name, (*arguments, ctypes.byref(info)))
    if info.value < 0:
        raise ValueError(f"LAPACK refuses argument {-info.value} of {name}")
    return info.value


def _call(module: Any, name: str, arguments: tuple[Any, ...]) -> None:
    """Call a Fortran routine.

    Args:
        module: SciPy's module with the routine.
        name: the routine's name without its first letter, the precision of the arrays.
        arguments: letters, integers, real scalars, contiguous vectors, and matrices or blocks of them in Fortran's order.
            A matrix stands for two arguments: its address and its leading dimension.
    """
    dtype = next(argument.dtype for argument in arguments if isinstance(argument, np.ndarray))
    real = {"float64": ctypes.c_double, "float32": ctypes.c_float}[dtype.name]
    addresses: list[Any] = []
    for argument in arguments:
        match argument:
            case np.ndarray():
                if argument.dtype != dtype or (len(argument) > 1 and argument.strides[0] != argument.itemsize):
                    raise ValueError(
                        f"an array {argument.dtype} of strides {argument.strides} is not in Fortran's order"
                    )
                addresses.append(ctypes.c_void_p(argument.ctypes.data))
                if argument.ndim == 2:
                    # NumPy's stride between columns is arbitrary where there are fewer than two.
                    leading = max(argument.strides[1] // argument.itemsize, len(argument), 1)
                    addresses.append(ctypes.byref(ctypes.c_int(leading)))
            case str():
                addresses.append(ctypes.c_char_p(argument.encode()))
            case int():
                addresses.append(ctypes.byref(ctypes.c_int(argument)))
            case float():
                addresses.append(ctypes.byref(real(argument)))
            case _:
                addresses.append(argument)
    _routine(module, {"float64": "d", "float32": "s"}[dtype.name] + name, len(addresses))(*addresses)


@cache
def _routine(module: Any, name: str, arguments: int) -> Any:
    capsule = ctypes.py_object(module.__pyx_capi__[name])
    get_name, get_pointer = ctypes.pythonapi.PyCapsule_GetName, ctypes.pythonapi.PyCapsule_GetPointer
    get_name.restype, get_pointer.restype = ctypes.c_char_p, ctypes.c_void_p
    get_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    return ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * arguments)(get_pointer(capsule, get_name(capsule)))
