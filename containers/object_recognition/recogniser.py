"""Recognisers find objects by name. Each profile has one; this module has that of `lite` and `dfine`."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from containers.object_recognition.detection import Detection
from containers.object_recognition.dfine import DFine
from containers.object_recognition.labels import COCO_LABELS
from containers.object_recognition.nanodet import NanoDet
from serving.arrays import Floats, Pixels
from serving.errors import UnprocessableInput


class FoundObject(NamedTuple):
    """An object that was found by name.

    box: (4,) left, top, right, bottom in pixels, inside the image. score: 0 to 1.
    """

    name: str
    score: float
    box: Floats


class Query(NamedTuple):
    """The objects to look for in one image.

    names: all different. min_score: objects with a lower score are left out.
    """

    names: tuple[str, ...]
    min_score: float


class Recogniser(Protocol):
    """The interface of the recognisers. known: the names to look for when the request gives none."""

    known: tuple[str, ...]

    def check(self, names: tuple[str, ...]) -> None:
        """Raises `UnprocessableInput` for a name that it cannot look for. Runs concurrently."""

    def find(self, images: Sequence[Pixels], queries: Sequence[Query]) -> list[list[FoundObject]]:
        """Returns the objects of every (H, W, 3) RGB image, those with the highest score first.

        Objects of one name do not overlap much.
        """


class CocoRecogniser:
    """A recogniser with a detector of COCO's 80 classes, which reports the 75 classes that have a label.

    profile: the name that its errors use.
    """

    known = tuple(name for name in COCO_LABELS if name)

    def __init__(self, detector: NanoDet | DFine, profile: str) -> None:
        self._detector, self._profile = detector, profile

    def check(self, names: tuple[str, ...]) -> None:
        for name in names:
            if name not in self.known:
                known = f"the {len(self.known)} names that the profile {self._profile} knows"
                raise UnprocessableInput(
                    f"labels: {name!r} is none of {known}; the profile standard accepts any English words"
                )

    def find(self, images: Sequence[Pixels], queries: Sequence[Query]) -> list[list[FoundObject]]:
        found = self._detector.detect(images, min_score=min(query.min_score for query in queries))
        return [list(_matching(detections, query)) for detections, query in zip(found, queries, strict=True)]


def _matching(detections: Sequence[Detection], query: Query) -> Iterator[FoundObject]:
    """Yields the detections that a query looks for."""
    for box, score, label in detections:
        name = COCO_LABELS[label]
        if name and name in query.names and score >= query.min_score:
            yield FoundObject(name, score, box)
