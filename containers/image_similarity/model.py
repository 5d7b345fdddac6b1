"""The model of image similarity embeds the images of a whole batch together."""

from collections.abc import Sequence
from typing import NamedTuple, Self

from containers.image_similarity.embedder import Embedder
from containers.image_similarity.feature import ImageSimilarity, ImageSimilarityRequest, ImageVector
from serving.arrays import Floats
from serving.embeddings import cosine, rounded, similarity
from serving.images.pairs import images_of
from serving.model import Model as Base
from serving.weights import Weights


class Item(NamedTuple):
    """The prepared images of one request: one view, or two views to compare."""

    views: list[Floats]
    detail: bool


Response = ImageVector | ImageSimilarity


class Model(Base[ImageSimilarityRequest, Item, list[Floats], Response]):
    """Answers requests. An output holds one (512,) vector for each view of its item."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        return cls(Embedder.load(weights, device))

    def preprocess(self, request: ImageSimilarityRequest) -> Item:
        views = [self._embedder.view(named.image) for named in images_of(self.media, request)]
        return Item(views, request.detail)

    def predict(self, batch: Sequence[Item]) -> Sequence[list[Floats]]:
        vectors = iter(self._embedder.embed([view for item in batch for view in item.views]))
        return [[next(vectors) for _ in item.views] for item in batch]

    def postprocess(self, output: list[Floats], item: Item) -> Response:
        version = self._embedder.version
        if len(output) == 1:
            return ImageVector(rounded(output[0]), version)
        found = cosine(*output)
        if item.detail:
            return ImageSimilarity(similarity(found), version, found)
        return ImageSimilarity(similarity(found), version)
