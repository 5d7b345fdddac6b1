"""The model of general_ocr, because its networks read both scripts."""

from containers.general_ocr.model import Model

__all__ = ["Model"]
