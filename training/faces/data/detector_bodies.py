"""Hair and shoulders in one tone each, drawn behind heads that are cut from portraits."""

import cv2
import numpy as np

from serving.arrays import Floats, Pixels


def draw_body(
    random: np.random.Generator, canvas: Pixels, faces: Floats, matrix: Floats, box: Floats
) -> None:
    """Around the (4,) box that (2, 3) moves into the scene, unless it would cover one of the faces there."""
    size, bottom = box[2:] - box[:2], box[3]
    middle = (box[:2] + box[2:]) / 2
    hair = middle - (0, 0.08 * size[1]), size * random.uniform(0.6, 0.8, 2)
    chest = middle[0] + random.normal(0, 0.1) * size[0], bottom + 0.9 * size[1]
    for centre, radii in (hair, (np.array(chest), size * (random.uniform(0.9, 1.6), 0.85))):
        turns = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        outline = centre + radii * np.column_stack((np.cos(turns), np.sin(turns)))
        outline = outline @ matrix[:, :2].T + matrix[:, 2]
        if ((faces[:, :2] < outline.max(0)) & (faces[:, 2:4] > outline.min(0))).all(1).any():
            continue
        tone = float(random.uniform(0, 255))
        cv2.fillPoly(canvas, [np.rint(outline).astype(np.int32)], tone, cv2.LINE_AA)
