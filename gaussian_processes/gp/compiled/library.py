"""Library: the compiled passes as a shared library, for the image, which has no Numba.

The functions have C's calling convention. An array becomes its address and shape, a tuple its elements. A function's name
ends in the types of its arguments, as in `scale_iiiiird1d1d2`: the name is all that a caller needs.
"""

import ctypes
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, TypeVar, cast

import numpy as np

F = TypeVar("F", bound=Callable[..., Any])

SOURCE = Path(__file__).with_name("passes.py")


def library_file(processor: str) -> Path:
    """The path of the library for a processor, by LLVM's name, and for this source."""
    return SOURCE.with_name(f"passes-{processor}-{hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]}.so")


class Library:
    """A library of compiled functions, which run without the interpreter's lock."""

    def __init__(self, file: Path) -> None:
        self._functions = ctypes.CDLL(str(file))

    @classmethod
    def found(cls) -> Self | None:
        """The library for this processor, else for any processor; None if there is neither."""
        processors = dict.fromkeys((os.environ.get("NUMBA_CPU_NAME", "generic"), "generic"))
        file = next((file for file in map(library_file, processors) if file.exists()), None)
        return None if file is None else cls(file)

    def compiled(self, *_fastmath: str) -> Callable[[F], F]:
        """Replace a function by the library's function of the same name, in place of `just_in_time.compiled`."""

        def decorate(function: F) -> F:
            loaded: dict[str, Any] = {}

            def call(*arguments: Any) -> None:
                values: list[float] = []
                kinds = _flatten(arguments, values)
                if kinds not in loaded:
                    loaded[kinds] = self._function(f"{function.__name__}_{kinds}", values)
                loaded[kinds](*values)

            return cast("F", call)

        return decorate

    def _function(self, symbol: str, values: list[float]) -> Any:
        try:
            function = self._functions[symbol]
        except AttributeError:
            raise TypeError(f"the library has no function {symbol}") from None
        function.argtypes = [ctypes.c_double if isinstance(value, float) else ctypes.c_int64 for value in values]
        function.restype = None
        return function


def _flatten(arguments: tuple[Any, ...], values: list[float]) -> str:
    """Append C's arguments to `values`. Returns a letter for each number, a letter and the dimensions for each array."""
    kinds = ""
    for argument in arguments:
        if isinstance(argument, np.ndarray):
            if not argument.flags.c_contiguous:
                raise ValueError(f"an array of strides {argument.strides} is not contiguous")
            values.append(argument.__array_interface__["data"][0])
            values.extend(argument.shape)
            kinds += f"{argument.dtype.char}{argument.ndim}"
        elif isinstance(argument, tuple):
            kinds += _flatten(argument, values)
        else:
            values.append(argument)
            kinds += "r" if isinstance(argument, float) else "i"
    return kinds
