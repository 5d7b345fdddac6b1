"""Detectors of the 80 classes of COCO, told by those of the 300 names that mean the same."""

from collections.abc import Sequence

from containers.object_recognition.fastestdet import FastestDet
from containers.object_recognition.labels import COCO_LABELS
from containers.object_recognition.recogniser import Query, Thing
from containers.object_recognition.yolox import Yolox
from serving.arrays import Pixels
from serving.errors import UnprocessableInput


class CocoRecogniser:
    """Looks for every class, and tells what was asked for. profile: what an error calls it."""

    known = tuple(name for name in COCO_LABELS if name)

    def __init__(self, detector: FastestDet | Yolox, profile: str) -> None:
        self._detector, self._profile = detector, profile

    def check(self, names: tuple[str, ...]) -> None:
        for name in names:
            if name not in self.known:
                known = f"the profile {self._profile} knows {len(self.known)} names"
                raise UnprocessableInput(
                    f"labels: {name!r} is not recognised here, {known}; the profile standard takes any words"
                )

    def find(self, images: Sequence[Pixels], queries: Sequence[Query]) -> list[list[Thing]]:
        found = self._detector.detect(images, min_score=min(query.min_score for query in queries))
        return [
            [
                Thing(name, one.score, one.box)
                for one in detections
                if (name := COCO_LABELS[one.label]) in query.names and name and one.score >= query.min_score
            ]
            for detections, query in zip(found, queries, strict=True)
        ]
