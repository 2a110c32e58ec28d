"""Compiled passes: loops over the entries of kernel matrices in machine code, and the threads that share them.

`passes.py` holds the code that is compiled: read it first. `span.py` says where a pass writes; `threads.py` runs passes
in parallel. `decorator.py` takes machine code from a library built ahead of time (`library.py`, `gp/build/`), or else from
Numba [LPS15] (`just_in_time.py`).

[LPS15] S. K. Lam, A. Pitrou, S. Seibert, Numba: a LLVM-based Python JIT compiler, LLVM-HPC 2015.
"""
