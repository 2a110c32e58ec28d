"""The arc-cosine kernels of [CS09], as formulas and as matrices.

Read `formulas.py` beside the paper, then `arc_cosine.py`. `inputs.py` puts rows on the unit sphere; `polynomials.py` and
`derivative.py` prepare the compiled passes; `matvec.py` multiplies by a kernel matrix that is never stored.
"""
