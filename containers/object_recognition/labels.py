"""The 300 names that objects are told by, and which of them the classes of COCO are."""

from pathlib import Path

from containers.object_recognition.classes import COCO_NAMES

LABELS = tuple(Path(__file__).with_name("labels.txt").read_text("utf-8").splitlines())

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
    """A name that means the same. None: none does, though one may mean more (table) or less (tennis_ball)."""
    name = _SYNONYMS.get(coco, coco.replace(" ", "_"))
    return name if name in LABELS else None


COCO_LABELS = tuple(map(_label, COCO_NAMES))
"""In the order of COCO_NAMES; None for sports ball, hot dog, dining table, toaster and hair drier."""
