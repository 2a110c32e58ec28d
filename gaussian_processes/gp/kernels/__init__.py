"""The arc-cosine kernels of [CS09], as formulas and as matrices.

Read `base.py` first: what a kernel is to everything above. Then `formulas.py` beside the paper, and `arc_cosine.py`.
`inputs.py` puts rows on the unit sphere; `polynomials.py` prepares the compiled passes, and `entries.py` chooses between
them and the definition. `matrices.py` and `matvec.py` are for any kernel.
"""
