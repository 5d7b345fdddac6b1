"""Files of trained parameters. A feature declares them; this package finds, downloads, checks and reads them.

Features and adapters import from here. `store.py` finds the files, and `sources.py` downloads them.
"""

from .store import Store, Weights, WeightsError, resolve

__all__ = ["Store", "Weights", "WeightsError", "resolve"]
