"""The probe's model."""

from tests.features.probe.model import Model

__all__ = ["Model"]
