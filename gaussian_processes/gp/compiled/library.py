"""Library: the compiled pass as machine code in a file, for where Numba and its compiler are not, such as the image.

Its functions take C's arguments: of an array the address and the shape, of a tuple its elements. A function is named by
what it is given, as in `scale_iiiiird1d1d2`, so that nothing beside its name has to be known to call it.
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
    """Where the library for a processor, in LLVM's words, is looked for. Another source has another."""
    return SOURCE.with_name(f"passes-{processor}-{hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]}.so")


class Library:
    """Compiled functions, called without the interpreter's lock."""

    def __init__(self, file: Path) -> None:
        self._functions = ctypes.CDLL(str(file))

    @classmethod
    def found(cls) -> Self | None:
        """The one for this processor, or for any; None where none was made."""
        processors = dict.fromkeys((os.environ.get("NUMBA_CPU_NAME", "generic"), "generic"))
        made = next((file for file in map(library_file, processors) if file.exists()), None)
        return None if made is None else cls(made)

    def compiled(self, *_fastmath: str) -> Callable[[F], F]:
        """What stands for `just_in_time.compiled`: the function of the same name instead of the one decorated."""

        def decorate(function: F) -> F:
            made: dict[str, Any] = {}

            def call(*arguments: Any) -> None:
                values: list[float] = []
                kinds = _flatten(arguments, values)
                if kinds not in made:
                    made[kinds] = self._function(f"{function.__name__}_{kinds}", values)
                made[kinds](*values)

            return cast("F", call)

        return decorate

    def _function(self, symbol: str, values: list[float]) -> Any:
        try:
            function = self._functions[symbol]
        except AttributeError:
            raise TypeError(f"no {symbol} was compiled when the library was made") from None
        function.argtypes = [ctypes.c_double if isinstance(value, float) else ctypes.c_int64 for value in values]
        function.restype = None
        return function


def _flatten(arguments: tuple[Any, ...], values: list[float]) -> str:
    """Append what C is given, addresses as numbers; a letter for each number, letter and dimensions for each array."""
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
