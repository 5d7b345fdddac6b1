"""Files of trained parameters: declared by a feature, found or fetched, checked, and read.

The names that features and adapters need stand here; `store.py` finds files, `sources.py` fetches them.
"""

from .store import Store, Weights, WeightsError, resolve

__all__ = ["Store", "Weights", "WeightsError", "resolve"]
