"""The build of the library of compiled passes, for an image without a compiler.

Read `precompilation.py` first: it calls each pass with each type of argument. `ahead_of_time.py` compiles and links the
passes for these types; `gp/compiled/library.py` loads the result.
"""
