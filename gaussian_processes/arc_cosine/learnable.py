"""Learnable: the hyperparameters that can be learned, as the kernel and the noise declare them."""

from typing import TYPE_CHECKING, Literal

from gaussian_processes.gp.kernels.arc_cosine import ArcCosine
from gaussian_processes.gp.selection.parameters import learnable

LEARNABLE = learnable(ArcCosine)
NAMES = tuple(LEARNABLE)
# Default least and greatest values.
BOUNDS = {name: one.bounds for name, one in LEARNABLE.items()}
# One metric each is reported of these.
SCALARS = tuple(name for name, one in LEARNABLE.items() if not one.per_feature)

if TYPE_CHECKING:
    Name = str
else:
    Name = Literal[NAMES]
