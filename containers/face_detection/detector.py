"""The face detector: boxes, scores and five points of faces."""

from collections.abc import Sequence
from typing import Self

from containers.face_detection.detection import Face
from containers.face_detection.landmarks import Landmarks
from containers.face_detection.mtcnn import Mtcnn
from containers.face_detection.retinaface import RetinaFaceDetector
from containers.face_detection.weight_files import PNET
from serving.arrays import Pixels
from serving.weights import Weights

__all__ = ["Face", "FaceDetector"]


class FaceDetector:
    """Finds faces, with the method for which the profile has files.

    Scores of both methods mean about the same: from `MIN_SCORE` on it is very probably a face.
    """

    MIN_SCORE = 0.7

    def __init__(self, method: Mtcnn | RetinaFaceDetector) -> None:
        self._method = method

    @classmethod
    def load(cls, weights: Weights, device: str, mesh: Landmarks | None = None) -> Self:
        """Loads the detector of a profile that declares `MTCNN` or `RETINAFACE_R50`.

        mesh: FaceMesh, when the caller has loaded it already.
        """
        if PNET.name in weights:
            return cls(Mtcnn.load(weights, device, mesh))
        return cls(RetinaFaceDetector.load(weights, device))

    def detect(self, images: Sequence[Pixels], min_scores: Sequence[float] | None = None) -> list[list[Face]]:
        """Returns the faces of every (H, W, 3) RGB image, highest score first; at most 200 per image.

        min_scores: the minimum score for each image; default: `MIN_SCORE` for all.
        """
        return self._method.detect(images, min_scores or [self.MIN_SCORE] * len(images))
