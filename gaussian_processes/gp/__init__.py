"""The mathematics: arc-cosine kernels and exact Gaussian-process regression. No files, no HTTP, no environment.

Read `regression.py` first. `kernels/`, `solvers/`, `evidence.py` and `selection/` are the chapters of [RW06]; `linalg/` and
`compiled/` are below them; `cost.py` says what all of it takes. docs/architecture.md has every module.

Citations in all chapters:

[CS09]  Y. Cho, L. K. Saul, Kernel Methods for Deep Learning, NIPS 2009.
[RW06]  C. E. Rasmussen, C. K. I. Williams, Gaussian Processes for Machine Learning, MIT Press 2006.
"""

from gaussian_processes.gp.kernels.arc_cosine import ArcCosine
from gaussian_processes.gp.regression import TrainedGPModel
from gaussian_processes.gp.solvers.direct import Direct
from gaussian_processes.gp.solvers.iterative import Iterative
from gaussian_processes.gp.solvers.refinement import Mixed

__all__ = ["ArcCosine", "Direct", "Iterative", "Mixed", "TrainedGPModel"]
