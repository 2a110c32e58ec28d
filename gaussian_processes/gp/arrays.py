"""Array types."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

# Numbers in double precision, and a matrix in either precision.
Array: TypeAlias = NDArray[np.float64]
Matrix: TypeAlias = NDArray[Any]
