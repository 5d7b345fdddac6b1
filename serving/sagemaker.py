"""The module from which an `inference.py` imports: `from serving.sagemaker import *`; see `adapters/`."""

from .adapters.sagemaker import input_fn, model_fn, output_fn, predict_fn

__all__ = ["input_fn", "model_fn", "output_fn", "predict_fn"]
