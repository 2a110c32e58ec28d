"""Several hosts as one: how they find each other, work together by way of Dask, and part."""
