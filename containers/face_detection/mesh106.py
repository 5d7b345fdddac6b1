"""The conversion of FaceMesh's 468 points to the 106 points of JD-landmark.

The order of the 106 points is that of JD-landmark: Liu et al. 2019, Grand Challenge of 106-Point Facial
Landmark Localization (https://arxiv.org/abs/1905.03469). Left and right are those of the image.

- 0-32: contour from the left temple over the chin (16) to the right temple
- 33-37 and 38-42: upper edges of the left and right eyebrow
- 43-46 and 47-51: ridge and base of the nose
- 52-57 and 58-63: corners and lids of the left and right eye
- 64-67 and 68-71: lower edges of the left and right eyebrow
- 72-74 and 75-77: of the left and right eye, the middle of the upper lid, of the lower lid, and of the eye
- 78-83: sides of the nose, in pairs
- 84-90 and 91-95: outer edge of the lips, upper and lower
- 96-100 and 101-103: inner edge of the lips, upper and lower
- 104 and 105: pupils

The mesh is MediaPipe's canonical face model. Each of the 106 points is the mean of the mesh points that the
table lists for it. The mesh has no pupils, so the middle of the eye takes their place.
"""

import numpy as np

from serving.arrays import Floats

_LEFT_EYE, _RIGHT_EYE = (33, 133, 159, 145), (263, 362, 386, 374)

# fmt: off
TABLE: tuple[tuple[int, ...], ...] = (
    # 0-16 contour, left temple to chin
    (127,), (127, 234), (234,), (234, 93), (93,), (93, 132), (132,), (132, 58), (58,), (58, 172), (172,),
    (136,), (150,), (149,), (176,), (148,), (152,),
    # 17-32 contour, chin to right temple
    (377,), (400,), (378,), (379,), (365,), (397,), (397, 288), (288,), (288, 361), (361,), (361, 323),
    (323,), (323, 454), (454,), (454, 356), (356,),
    # 33-42 eyebrows, upper edge
    (70,), (63,), (105,), (66,), (107,), (336,), (296,), (334,), (293,), (300,),
    # 43-51 nose
    (168,), (6, 197), (195, 5), (4,), (98,), (97,), (2,), (326,), (327,),
    # 52-63 eyes
    (33,), (160,), (158,), (133,), (153,), (144,), (362,), (385,), (387,), (263,), (373,), (380,),
    # 64-71 eyebrows, lower edge
    (53,), (52,), (65,), (55,), (285,), (295,), (282,), (283,),
    # 72-77 middle of the lids, and of the eyes
    (159,), (145,), _LEFT_EYE, (386,), (374,), _RIGHT_EYE,
    # 78-83 sides of the nose
    (193,), (417,), (198,), (420,), (129,), (358,),
    # 84-95 lips, outside
    (61,), (40, 39), (37,), (0,), (267,), (270, 269), (291,), (321,), (314,), (17,), (84,), (91,),
    # 96-103 lips, inside
    (78,), (81,), (13,), (311,), (308,), (402,), (14,), (178,),
    # 104-105 pupils
    _LEFT_EYE, _RIGHT_EYE,
)
# fmt: on


def mesh_to_106(mesh: Floats) -> Floats:
    """Converts (N, 468, 2) points of the mesh to (N, 106, 2)."""
    return np.stack([mesh[:, indices].mean(1) for indices in TABLE], 1)
