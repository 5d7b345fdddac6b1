"""The reader of general_ocr: its networks know both scripts."""

from containers.general_ocr.model import Model

__all__ = ["Model"]
