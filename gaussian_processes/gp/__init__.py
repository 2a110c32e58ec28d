"""Exact Gaussian-process regression with arc-cosine kernels. No files, no HTTP, no environment.

Chapters in reading order: `regression.py`, the model ([RW06] chapter 2); `kernels/` ([CS09]); `solvers/`, of M alpha = y,
on `linalg/`; `evidence.py` ([RW06] section 5.4) and `selection/` ([RW06] chapter 5); `cost.py`; `compiled/`, the inner
loops, and `build/`.

[CS09]  Y. Cho, L. K. Saul, Kernel Methods for Deep Learning, NIPS 2009.
[RW06]  C. E. Rasmussen, C. K. I. Williams, Gaussian Processes for Machine Learning, MIT Press 2006.
"""

from gaussian_processes.gp.kernels.arc_cosine import ArcCosine
from gaussian_processes.gp.regression import TrainedGPModel
from gaussian_processes.gp.solvers.direct import Direct
from gaussian_processes.gp.solvers.iterative import Iterative
from gaussian_processes.gp.solvers.refinement import Mixed

__all__ = ["ArcCosine", "Direct", "Iterative", "Mixed", "TrainedGPModel"]
