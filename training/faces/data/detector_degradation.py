"""Changes that light, lenses and file formats make to a grey picture."""

import cv2
import numpy as np

from serving.arrays import Floats, Pixels


def shaded(random: np.random.Generator, grey: Pixels) -> Pixels:
    """Changes contrast and brightness, as another camera would.

    Some pictures also get light from one side, or something that covers a part of the face.
    """
    tones = (np.arange(256) / 255) ** np.exp(random.normal(0, 0.35))
    low, high = random.uniform(0, 70), random.uniform(150, 255)
    shade = cv2.LUT(grey, (low + (high - low) * tones).astype(np.uint8))
    if random.random() < 0.3:
        height, width = grey.shape
        x, y = np.linspace(-1, 1, width), np.linspace(-1, 1, height)[:, None]
        light = 1 + random.uniform(-0.4, 0.4) * x + random.uniform(-0.3, 0.3) * y
        shade = (shade * light).clip(0, 255)
    if random.random() < 0.18:
        shade = _covered(random, np.ascontiguousarray(shade, np.float32))
    return shade.astype(np.uint8)


def degraded(random: np.random.Generator, grey: Pixels) -> Pixels:
    """Adds blur, low resolution, darkness, noise and JPEG compression, each to some of the pictures."""
    size = grey.shape[1], grey.shape[0]
    if random.random() < 0.25:
        grey = cv2.GaussianBlur(grey, (0, 0), float(random.uniform(0.3, 1.5))).astype(np.uint8)
    if random.random() < 0.15:
        share = float(random.uniform(0.4, 0.9))
        fewer = cv2.resize(grey, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
        grey = cv2.resize(fewer, size, interpolation=cv2.INTER_LINEAR).astype(np.uint8)
    if random.random() < 0.3:
        gain, offset = random.uniform(0.3, 1.3), random.uniform(-20, 30)
        grey = cv2.convertScaleAbs(grey, alpha=float(gain), beta=float(offset)).astype(np.uint8)
    if random.random() < 0.3:
        noise = random.standard_normal(grey.shape, np.float32) * np.float32(random.uniform(1, 14))
        grey = (grey + noise).clip(0, 255).astype(np.uint8)
    if random.random() < 0.4:
        quality = int(random.integers(25, 95))
        packed = cv2.imencode(".jpg", grey, (cv2.IMWRITE_JPEG_QUALITY, quality))[1]
        grey = np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE), np.uint8)
    return grey


def _covered(random: np.random.Generator, shade: Floats) -> Floats:
    """Draws something over the lower half, or a hat."""
    height, width = shade.shape
    x, size = random.uniform(0, width), random.uniform(0.08, 0.25) * width
    y, reach = random.uniform(0.5, 1) * height, random.uniform(0.08, 0.4) * height
    if random.random() < 0.4:
        x, size = random.uniform(0.4, 0.6) * width, random.uniform(0.4, 0.7) * width
        y, reach = random.uniform(-0.05, 0.1) * height, random.uniform(0.08, 0.2) * height
    middle, axes = (int(x), int(y)), (int(size), int(reach))
    angle, tone = float(random.uniform(-30, 30)), float(random.uniform(0, 255))
    cv2.ellipse(shade, middle, axes, angle, 0, 360, tone, -1)
    return shade
