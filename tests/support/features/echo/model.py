"""The probe's model."""

from tests.support.features.probe.model import Model

__all__ = ["Model"]
