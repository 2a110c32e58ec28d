"""Just-in-time compilation by Numba, with a cache beside the source that works on read-only disks too."""

from _thread import RLock
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self, TypeVar

from numba import njit
from numba.core.caching import CompileResultCacheImpl, FunctionCache, InTreeCacheLocator
from numba.core.compiler_lock import global_compiler_lock

F = TypeVar("F", bound=Callable[..., Any])

# The interpreter's own lock: gevent's replacement can deadlock in a server's native threads.
global_compiler_lock._lock = RLock()  # noqa: SLF001


class _Locator(InTreeCacheLocator):  # type: ignore[misc]  # Numba is Any to mypy: its hints are partial
    """The cache folder beside the source. Numba's own locator skips a read-only one."""

    @classmethod
    def from_function(cls, py_func: Any, py_file: str) -> Self | None:
        locator = cls(py_func, py_file)
        if Path(locator.get_cache_path()).is_dir():
            return locator
        found: Self | None = super().from_function(py_func, py_file)
        return found


class _Implementation(CompileResultCacheImpl):  # type: ignore[misc]  # the same
    _locator_classes = (_Locator, *CompileResultCacheImpl._locator_classes)  # noqa: SLF001  # first ours


class _Cache(FunctionCache):  # type: ignore[misc]  # the same
    _impl_class = _Implementation

    def _save_overload(self, sig: Any, data: Any) -> None:
        # The annotation holds memory addresses, which make every file different.
        data = data._replace(type_annotation="")
        with suppress(OSError):  # the next process compiles again
            super()._save_overload(sig, data)


def compiled(*fastmath: str) -> Callable[[F], F]:
    """Compile a function at its first call, and cache the result. It runs without the interpreter's lock.

    Args:
        fastmath: LLVM's fast-math flags.
    """

    def decorate(function: F) -> F:
        dispatcher: Any = njit(nogil=True, fastmath=set(fastmath))(function)
        with suppress(RuntimeError):  # no folder for a cache
            dispatcher._cache = _Cache(function)  # noqa: SLF001  # as njit(cache=True) does
        result: F = dispatcher
        return result

    return decorate
