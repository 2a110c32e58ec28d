"""Model selection: kernels and hyperparameters that maximise the evidence or the leave-one-out density, [RW06] chapter 5.

Read `criterion.py` first: the criteria and their derivatives in the covariance matrix. `parameters.py` has the
hyperparameters and the gradient in them, `optimise.py` follows them. `comparison.py` compares many kernels, each at the
maximum of its profile likelihood (`profile.py`, `line_search.py`). `repeats.py` finds duplicate rows; `replay.py` lets an
interrupted search resume.
"""
