"""Array types: `Array` in double precision, `Matrix` in either precision."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Matrix: TypeAlias = NDArray[Any]
