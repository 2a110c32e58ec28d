"""The mathematics of gp/ over several hosts: matrices in tiles, and graphs of tasks on tiles that Dask carries out.

Citations used below this package, beside those of gp/:

[BL97]   L. S. Blackford et al., ScaLAPACK Users' Guide, SIAM 1997.
[GVL13]  G. H. Golub, C. F. Van Loan, Matrix Computations, 4th edition, Johns Hopkins 2013.
[R15]    M. Rocklin, Dask: Parallel Computation with Blocked Algorithms and Task Scheduling, SciPy 2015.
"""
