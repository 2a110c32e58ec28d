"""The mathematics of gp/ over several hosts: matrices in tiles, and graphs of tasks on tiles that Dask carries out."""
