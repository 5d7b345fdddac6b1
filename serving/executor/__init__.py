"""Networks compiled for the device at hand; every network of every feature runs through `compile`."""

from serving.arrays import Array

from .base import Executor, Outputs
from .choice import compile, resolve_device
from .cpus import cpu_count

__all__ = ["Array", "Executor", "Outputs", "compile", "cpu_count", "resolve_device"]
