"""Solvers of M alpha = y, M = sigma2 I + K: [RW06] chapters 2 and 8.

Read `base.py` and `covariance.py` first: what a solver returns, and what it asks of M. `direct.py` factors M;
`refinement.py` corrects a solution in single precision; `iterative.py` needs products with M only.
"""
