"""Names for array types. The functions that take or return arrays give the shapes in their docstrings."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""An image: (H, W, 3) RGB from the top-left, or another shape that the docstring gives."""
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]
Array = NDArray[Any]
