"""Names for the types of arrays; their shapes stand in the docstrings of those who take and return them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""An image: (H, W, 3) RGB from the top-left, or the shape that the docstring gives."""
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]
Array = NDArray[Any]
