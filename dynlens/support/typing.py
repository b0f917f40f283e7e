"""Array aliases: `ArrayLike` at the boundary, `Array` inside."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
"""Double precision throughout; a complex array may pass where a complex step is taken."""

Mask = NDArray[np.bool_]
"""Where something holds."""

Factors = tuple[NDArray[Any], ...]
"""One array per factor, each with the same leading batch axes."""

__all__ = ["Array", "ArrayLike", "Factors", "Mask"]
