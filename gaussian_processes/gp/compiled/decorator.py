"""The decorator `compiled`: from a library built ahead of time if one fits, else from Numba."""

from gaussian_processes.gp.compiled.library import Library

_library = Library.found()
if _library is None:
    from gaussian_processes.gp.compiled.just_in_time import compiled
else:
    compiled = _library.compiled

__all__ = ["compiled"]
