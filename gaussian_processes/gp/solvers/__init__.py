"""Solvers of M alpha = y, M = sigma2 I + K: [RW06] chapter 2 and section 8.2.

Read `covariance.py` first. `direct.py` factors M; `refinement.py` corrects a solution in single precision; `iterative.py`
needs products with M only.
"""
