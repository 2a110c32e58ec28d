"""Linear algebra on packed symmetric matrices, by BLAS and LAPACK.

Half of a symmetric matrix is stored. Read `packed.py` first, then `cholesky.py`; `blas.py` and `lapack.py` call the
library's routines on parts of an array.
"""
