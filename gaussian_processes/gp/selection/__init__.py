"""Model selection: kernels and their hyperparameters, chosen by the data. [RW06] chapter 5.

Read `criterion.py` first: what is maximised. `gradient.py` and `optimise.py` climb; `comparison.py` compares many kernels.
"""
