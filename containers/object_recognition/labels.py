"""The names of objects: the 300 labels that replies use, and the 80 classes of COCO.

75 classes of COCO have a label that means the same. NanoDet and D-FINE know COCO's classes, so they can
return only those 75 labels.
"""

from pathlib import Path

LABELS = tuple(Path(__file__).with_name("labels.txt").read_text("utf-8").splitlines())

_COCO = """
person|bicycle|car|motorcycle|airplane|bus|train|truck|boat|traffic light|fire hydrant|stop sign
parking meter|bench|bird|cat|dog|horse|sheep|cow|elephant|bear|zebra|giraffe|backpack|umbrella|handbag
tie|suitcase|frisbee|skis|snowboard|sports ball|kite|baseball bat|baseball glove|skateboard|surfboard
tennis racket|bottle|wine glass|cup|fork|knife|spoon|bowl|banana|apple|sandwich|orange|broccoli|carrot
hot dog|pizza|donut|cake|chair|couch|potted plant|bed|dining table|toilet|tv|laptop|mouse|remote
keyboard|cell phone|microwave|oven|toaster|sink|refrigerator|book|clock|vase|scissors|teddy bear
hair drier|toothbrush
"""

COCO_NAMES = tuple(_COCO.strip().replace("\n", "|").split("|"))
"""The 80 classes of COCO. The index of a class is the label of a `Detection`."""

PERSON = COCO_NAMES.index("person")

_SYNONYMS = {
    "car": "car_(automobile)",
    "bus": "bus_(vehicle)",
    "train": "train_(railroad_vehicle)",
    "fire hydrant": "fireplug",
    "tie": "necktie",
    "skis": "ski",
    "wine glass": "wineglass",
    "orange": "orange_(fruit)",
    "donut": "doughnut",
    "couch": "sofa",
    "tv": "television_set",
    "laptop": "laptop_computer",
    "mouse": "mouse_(computer_equipment)",
    "remote": "remote_control",
    "keyboard": "computer_keyboard",
    "cell phone": "cellular_telephone",
    "microwave": "microwave_oven",
}


def _label(coco: str) -> str | None:
    """Returns the label that means the same as a class of COCO.

    Returns None when no label does. A label may then still mean more (`table`) or less (`tennis_ball`).
    """
    name = _SYNONYMS.get(coco, coco.replace(" ", "_"))
    return name if name in LABELS else None


COCO_LABELS = tuple(map(_label, COCO_NAMES))
"""The label of each class in COCO_NAMES.

It is None for sports ball, hot dog, dining table, toaster and hair drier.
"""
