"""Model selection: kernels and their hyperparameters, chosen by the data. [RW06] chapter 5.

Read `criterion.py` first: what is maximised. `parameters.py` has what is learned, and the gradient; `optimise.py` climbs; `comparison.py` compares many kernels.
"""
