"""Bring your own algorithm to SageMaker; this one is an arc-cosine Gaussian process."""

__version__ = "0.1.0"
