"""Compilation: functions from a library made ahead of time if there is one, and else compiled when they are called."""

from gaussian_processes.gp.compiled.library import Library

_library = Library.found()
if _library is None:
    from gaussian_processes.gp.compiled.just_in_time import compiled
else:
    compiled = _library.compiled

__all__ = ["compiled"]
