"""Helpers that measure enlargement: resizing of photographs, and likeness to the original."""

from typing import Any, cast

import numpy as np
from PIL import Image
from skimage import metrics

from serving.arrays import Doubles, Pixels

_METRICS: Any = metrics  # untyped

NAMES = ("astronaut", "chelsea", "coffee", "rocket")


def resized(pixels: Pixels, scale: float) -> Pixels:
    """Resizes by bicubic interpolation, with antialiasing when it shrinks, as MATLAB's imresize does."""
    size = round(pixels.shape[1] * scale), round(pixels.shape[0] * scale)
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))


def psnr_and_ssim(pixels: Pixels, truth: Pixels, scale: int) -> tuple[float, float]:
    """Returns PSNR in dB and SSIM of the luma, without a border of `scale` px, as the literature does."""
    one, other = (_luma(each)[scale:-scale, scale:-scale] for each in (pixels, truth))
    ssim = _METRICS.structural_similarity(
        one, other, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    psnr = _METRICS.peak_signal_noise_ratio(other, one, data_range=255)
    return float(psnr), float(ssim)


def _luma(pixels: Pixels) -> Doubles:
    """Returns the luma as BT.601 defines it, 16 to 235."""
    return cast("Doubles", 16 + pixels @ np.array((65.481, 128.553, 24.966)) / 255)
