"""Compilation: functions compiled by Numba, kept beside their source and found there also where nothing can be written."""

from _thread import RLock
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self, TypeVar

from numba import njit
from numba.core.caching import CompileResultCacheImpl, FunctionCache, InTreeCacheLocator
from numba.core.compiler_lock import global_compiler_lock

F = TypeVar("F", bound=Callable[..., Any])

# The interpreter's own. In a server's threads, those that gevent puts in its place may wait for ever.
global_compiler_lock._lock = RLock()  # noqa: SLF001


class _Locator(InTreeCacheLocator):  # type: ignore[misc]  # Numba is Any to mypy: its hints are partial
    """The folder beside the source. Numba's own locator passes it over where it is read-only."""

    @classmethod
    def from_function(cls, py_func: Any, py_file: str) -> Self | None:
        locator = cls(py_func, py_file)
        if Path(locator.get_cache_path()).is_dir():
            return locator
        found: Self | None = super().from_function(py_func, py_file)
        return found


class _Implementation(CompileResultCacheImpl):  # type: ignore[misc]  # the same
    _locator_classes = (_Locator, *CompileResultCacheImpl._locator_classes)  # noqa: SLF001  # ours before its own


class _Cache(FunctionCache):  # type: ignore[misc]  # the same
    _impl_class = _Implementation

    def _save_overload(self, sig: Any, data: Any) -> None:
        # Notes for people who look at the types, with addresses in them that make each file another.
        data = data._replace(type_annotation="")
        with suppress(OSError):  # it will be compiled again the next time
            super()._save_overload(sig, data)


def compiled(*fastmath: str) -> Callable[[F], F]:
    """Compile a function when it is first called, without the interpreter's lock, and keep the result.

    Args:
        fastmath: what LLVM may assume of its floating-point numbers.
    """

    def decorate(function: F) -> F:
        dispatcher: Any = njit(nogil=True, fastmath=set(fastmath))(function)
        with suppress(RuntimeError):  # no place for a cache
            dispatcher._cache = _Cache(function)  # noqa: SLF001  # as njit(cache=True) does with its own
        result: F = dispatcher
        return result

    return decorate
