"""The model of text similarity embeds the texts of a whole batch together."""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
from msgspec import UNSET

from containers.text_similarity.encoder import Encoder, Prepared
from containers.text_similarity.feature import (
    CHARACTERS,
    IDF,
    TextRequest,
    TextSimilarity,
    TextVector,
    TextVectors,
)
from containers.text_similarity.grams import is_blank
from containers.text_similarity.lexical import LiteEncoder
from serving.arrays import Floats
from serving.embeddings import cosine, rounded, similarity
from serving.errors import InvalidRequest
from serving.model import Model as Base
from serving.weights import Weights

Response = TextVector | TextVectors | TextSimilarity


class Item(NamedTuple):
    """A request with its prepared texts, in order."""

    request: TextRequest
    texts: list[Prepared]


class Model(Base[TextRequest, Item, Floats, Response]):
    """Answers requests. An output has the vectors of the texts of one request, (texts, 768)."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        if IDF.name in weights:
            return cls(LiteEncoder.load(weights[IDF.name], weights[CHARACTERS.name]))
        # imported here, because `lite` needs no tokenizer and no torch
        from containers.text_similarity.bge import Bge

        return cls(Bge.load(weights, device))

    def preprocess(self, request: TextRequest) -> Item:
        return Item(request, self._encoder.prepare(texts_of(request)))

    def predict(self, batch: Sequence[Item]) -> Sequence[Floats]:
        vectors = self._encoder.embed([text for item in batch for text in item.texts])
        return np.split(vectors, np.cumsum([len(item.texts) for item in batch[:-1]]))

    def postprocess(self, output: Floats, item: Item) -> Response:
        truncated = [text.truncated for text in item.texts]
        version = self._encoder.version
        if item.request.texts is not None:
            return TextVectors([rounded(vector) for vector in output], truncated, version)
        if item.request.text is not None:
            return TextVector(rounded(output[0]), truncated[0], version)
        value = cosine(*output)
        detail = value if item.request.detail else UNSET
        return TextSimilarity(similarity(value), any(truncated), version, detail)


def texts_of(request: TextRequest) -> list[str]:
    """Returns the texts of a request in order. Raises `InvalidRequest` with the name of the wrong field."""
    fields = "text", "text_1", "text_2", "texts"
    given = {field: value for field in fields if (value := getattr(request, field)) is not None}
    if list(given) not in (["text"], ["text_1", "text_2"], ["texts"]):
        raise InvalidRequest(
            f"text, text_1, text_2, texts: either text, or text_1 and text_2, or texts is required; "
            f"given: {', '.join(given) or 'none'}"
        )
    if request.texts is not None:
        given = {f"texts[{index}]": text for index, text in enumerate(request.texts)}
    for field, text in given.items():
        if is_blank(text):
            raise InvalidRequest(f"{field}: empty, at least one visible character is required")
    return list(given.values())
