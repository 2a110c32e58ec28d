"""The mathematics: arc-cosine kernels and exact Gaussian-process regression. No files, no HTTP, no environment.

Citations used below this package:

[CS09]  Y. Cho, L. K. Saul, Kernel Methods for Deep Learning, NIPS 2009.
[RW06]  C. E. Rasmussen, C. K. I. Williams, Gaussian Processes for Machine Learning, MIT Press 2006.
"""

from gaussian_processes.gp.kernels.arc_cosine import ArcCosine
from gaussian_processes.gp.regression import TrainedGPModel
from gaussian_processes.gp.solvers.direct import Direct
from gaussian_processes.gp.solvers.iterative import Iterative
from gaussian_processes.gp.solvers.refinement import Mixed

__all__ = ["ArcCosine", "Direct", "Iterative", "Mixed", "TrainedGPModel"]
