"""Angles: the angles between all rows, computed once for every order, depth and geometry of the kernel."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gaussian_processes.gp.compiled import passes
from gaussian_processes.gp.compiled.span import places
from gaussian_processes.gp.compiled.threads import in_threads, panels
from gaussian_processes.gp.kernels.arc_cosine import ArcCosine
from gaussian_processes.gp.kernels.entries import evaluation, half_complements
from gaussian_processes.gp.kernels.inputs import NormalisedInputs
from gaussian_processes.gp.linalg.packed import Packed


@dataclass(frozen=True, eq=False)
class Angles:
    """The angles between N rows.

    Attributes:
        unit: unit rows (N, d).
        half_complements: (1 - |t|)/2 for their cosines t, with the sign of t; packed (N, N).
    """

    unit: NDArray[np.float64]
    half_complements: Packed

    @classmethod
    def of(cls, inputs: NormalisedInputs) -> "Angles":
        """The angles between inputs in double precision."""
        halves = Packed.empty(len(inputs))

        def fill(panel: slice) -> None:
            for rows, span, out in halves.spans(panel):
                some = inputs[rows]
                h = half_complements(some, inputs, out.dtype)
                for i, wanted, place in places(span, len(some)):
                    out[i, place] = h[i, wanted]

        in_threads(fill, panels(halves.m))
        return cls(inputs.unit, halves)

    def gram(self, kernel: ArcCosine, inputs: NormalisedInputs, out: Packed | None = None) -> Packed:
        """`packed_gram(kernel, inputs)`, to the bit.

        Args:
            kernel: any with these unit rows.
            inputs: from `kernel.inputs`; their scales differ from kernel to kernel.
            out: memory for the result; new when None.

        Raises:
            ValueError: the unit rows differ from those of these angles.
        """
        if not np.array_equal(inputs.unit, self.unit):
            raise ValueError("these angles belong to other unit rows")
        K = Packed.empty(len(inputs)) if out is None else out
        k = evaluation(kernel.q, kernel.l, "float64")

        def fill(panel: slice) -> None:
            k.fill_from_angles(self.half_complements.rectangle[panel], K.rectangle[panel])
            if kernel.power != 0.0 or kernel.variance != 1.0:
                for rows, span, part in K.spans(panel):
                    passes.scale(span, kernel.variance, inputs.scale[rows], inputs.scale, part)

        in_threads(fill, panels(K.m))
        return K
