"""Linear algebra: Cholesky factors, solutions and inverses of symmetric matrices in half the memory, by BLAS and LAPACK.

This is LAPACK's xPFTRF, xPFTRS and xPFTRI, in steps that can report progress and be interrupted. Read `packed.py` first,
the storage format; then `cholesky.py`, `inverse.py` and `symmetric.py`, the algorithms by blocks. `blas.py` calls
routines by what they compute; `lapack.py` calls them by name.

[GWDL10] F. G. Gustavson, J. Wasniewski, J. J. Dongarra, J. Langou, Rectangular full packed format for Cholesky's
    algorithm: factorization, solution and inversion, ACM Transactions on Mathematical Software 37(2), 2010.
"""
