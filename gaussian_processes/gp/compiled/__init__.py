"""The compiled passes: loops over kernel entries in machine code, and the threads that share them.

`passes.py` is the code that is compiled; `span.py` says where a pass writes; `threads.py` runs passes side by side.
`decorator.py` takes machine code from a library made ahead of time (`library.py`) or from Numba (`just_in_time.py`).
Read `passes.py` first.
"""
