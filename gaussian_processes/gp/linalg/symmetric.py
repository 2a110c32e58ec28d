"""Symmetric packed matrices (N, N): products, rank updates, conversion to full storage."""

import numpy as np

from gaussian_processes.gp.arrays import Array, Matrix
from gaussian_processes.gp.compiled import passes
from gaussian_processes.gp.compiled.threads import in_threads, panels
from gaussian_processes.gp.linalg.blas import (
    add_outer_product,
    add_product,
    add_symmetric_product,
    subtract_product,
    subtract_square,
)
from gaussian_processes.gp.linalg.packed import Packed


def rank_2_update(W: Packed, a: Array, b: Array) -> None:
    """W <- W + (a b^T + b a^T)/2 for vectors a, b (N,)."""
    W11, W21, W22 = W.blocks
    first, last = W.halves
    add_symmetric_product(W11, a[first], b[first])
    if len(W22):
        add_outer_product(W21, a[last], b[first])
        add_outer_product(W21, b[last], a[first])
        add_symmetric_product(W22, a[last], b[last])


def minus_square(B: Matrix) -> Packed:
    """-B B^T for a matrix B (N, M) in C's order."""
    W = Packed.zeros(len(B))
    W11, W21, W22 = W.blocks
    first, last = W.halves
    subtract_square(W11, B[first])
    if len(W22):
        subtract_product(W21, B[last], B[first].T)
        subtract_square(W22, B[last])
    return W


def times(W: Packed, U: Matrix) -> Matrix:
    """W U (N, d) for U (N, d)."""
    W11, W21, W22 = W.blocks
    top, bottom = (np.asfortranarray(U[half]) for half in W.halves)
    products = [np.zeros_like(half, order="F") for half in (top, bottom)]
    add_product(W11, top, products[0])
    if len(W22):
        add_product(W22, bottom, products[1])
        products[0] += W21.T @ bottom
        products[1] += W21 @ top
    return np.concatenate(products)


def unpack(W: Packed) -> Matrix:
    """W as a matrix (N, N) in C's order."""
    out = np.empty((len(W), len(W)))
    for half in W.halves:
        out[half, half.start :] = W[slice(half.start, len(W)), half].T
    in_threads(lambda panel: passes.mirror(out, panel.start, panel.stop), panels(len(W)))
    return out
