"""Compiles networks for the available device. Every network of every feature runs through `compile`."""

from serving.arrays import Array

from .base import Executor, Outputs, cpu_count
from .choice import compile, resolve_device

__all__ = ["Array", "Executor", "Outputs", "compile", "cpu_count", "resolve_device"]
