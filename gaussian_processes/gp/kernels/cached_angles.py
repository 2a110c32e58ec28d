"""Angles: the angles between all rows, computed once for every order, depth and geometry that is tried on them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gaussian_processes.gp.compiled import passes
from gaussian_processes.gp.compiled.span import places
from gaussian_processes.gp.compiled.threads import in_threads, panels
from gaussian_processes.gp.kernels.arc_cosine import ArcCosine
from gaussian_processes.gp.kernels.formulas import composed_kernel, of_half_complements
from gaussian_processes.gp.kernels.inputs import Directions
from gaussian_processes.gp.kernels.polynomials import approximation
from gaussian_processes.gp.linalg.packed import Packed


@dataclass(frozen=True, eq=False)
class Angles:
    """Between N rows on the sphere.

    Attributes:
        unit: the rows (N, d).
        half_complements: (1 - |t|)/2 for their cosines t, with the sign of t; packed (N, N).
    """

    unit: NDArray[np.float64]
    half_complements: Packed

    @classmethod
    def of(cls, rows: Directions) -> "Angles":
        """Those of rows in double precision."""
        halves = Packed.empty(len(rows))

        def fill(panel: slice) -> None:
            work = passes.workspace(np.float64)
            for there, span, out in halves.spans(panel):
                some = rows[there]
                h = np.empty((len(some), len(rows)))
                passes.fill_half_complements(some.unit, rows.unit, rows.transposed, h, work)
                for i, wanted, place in places(span, len(some)):
                    out[i, place] = h[i, wanted]

        in_threads(fill, panels(halves.m))
        return cls(rows.unit, halves)

    def gram(self, kernel: ArcCosine, rows: Directions, out: Packed | None = None) -> Packed:
        """`kernel.packed_gram(rows)`, to the bit.

        Args:
            kernel: any for which these rows have the same directions.
            rows: as `kernel.directions` gives them, whose lengths may be others for every kernel.
            out: memory for the result; new when None.

        Raises:
            ValueError: the rows' directions are others than those whose angles are known.
        """
        if not np.array_equal(rows.unit, self.unit):
            raise ValueError("the rows have other directions than those whose angles these are")
        K = Packed.empty(len(rows)) if out is None else out
        polynomials = approximation(kernel.q, kernel.l, "float64")

        def fill(panel: slice) -> None:
            h, k = self.half_complements.rectangle[panel], K.rectangle[panel]
            if polynomials is not None:
                passes.fill_from_half_complements(h, polynomials.polynomials, k, passes.workspace(np.float64))
            else:
                k[:] = of_half_complements(composed_kernel, kernel.q, kernel.l, h)

        in_threads(fill, panels(K.m))
        if kernel.power != 0.0 or kernel.variance != 1.0:
            in_threads(lambda panel: _scale(kernel, rows, K, panel), panels(K.m))
        return K


def _scale(kernel: ArcCosine, rows: Directions, K: Packed, panel: slice) -> None:
    for there, span, out in K.spans(panel):
        passes.scale(span, kernel.variance, rows.scale[there], rows.scale, out)
