"""Text similarity: a vector per text, or how alike two texts are."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from containers.text_similarity.weight_files import BGE, CHARACTERS, IDF, TOKENIZER
from serving.feature import Batching, Feature, Measured, Measurements, Profile, Resources, any_of

DIMENSIONS = 768
MAX_CHARACTERS, MAX_TEXTS = 100_000, 256

Text = Annotated[str, Meta(max_length=MAX_CHARACTERS, extra_json_schema={"minLength": 1})]
Vector = Annotated[
    list[float],
    Meta(
        description="768 numbers, a vector of length 1. The scalar product of two is their cosine. "
        "Comparable within one `model_version` only."
    ),
]
Version = Annotated[str, Meta(description="What made the vectors, and its weights.")]
_CUT = "was cut to the limit: its first 2048 characters count with `lite`, 512 tokens with `standard`."


class TextRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One text, `text`; or two to compare, `text_1` and `text_2`; or many, `texts`."""

    text: Annotated[Text | None, Meta(description="A text of any language, at most 100,000 characters.")] = (
        None
    )
    text_1: Annotated[Text | None, Meta(description="One of two texts to compare, as `text`.")] = None
    text_2: Annotated[Text | None, Meta(description="The other, as `text`.")] = None
    texts: Annotated[
        Annotated[list[Text], Meta(min_length=1, max_length=MAX_TEXTS)] | None,
        Meta(
            description="1 to 256 texts in one call, each as `text`; with `standard` on a CPU at most 8192 "
            "tokens in all, each text filled up to 32, 64, 128, 256 or 512."
        ),
    ] = None
    detail: Annotated[bool, Meta(description="Of two texts also tell the `cosine`.")] = False


class TextVector(msgspec.Struct, frozen=True):
    """One text: its vector."""

    result: Vector
    truncated: Annotated[bool, Meta(description=f"Whether the text {_CUT}")]
    model_version: Version


class TextVectors(msgspec.Struct, frozen=True):
    """Many texts: their vectors, in the order of `texts`."""

    results: Annotated[list[Vector], Meta(description="A vector per text, each as `result` of one text.")]
    truncated: Annotated[list[bool], Meta(description=f"Of each text, whether it {_CUT}")]
    model_version: Version


class TextSimilarity(msgspec.Struct, frozen=True):
    """Two texts: how alike they are."""

    similarity: Annotated[
        float,
        Meta(ge=0, le=1, description="(1 + cosine) / 2: 1 is the same, 0.5 has nothing in common."),
    ]
    truncated: Annotated[bool, Meta(description=f"Whether one of the two {_CUT}")]
    model_version: Version
    cosine: Annotated[
        Annotated[float, Meta(ge=-1, le=1)] | UnsetType,
        Meta(description="With `detail`: the scalar product of the vectors."),
    ] = UNSET


Reply = Annotated[Any, Meta(extra_json_schema=any_of(TextVector, TextVectors, TextSimilarity))]

feature = Feature(
    module=__name__,
    feature_id="TextSimilarity",
    title="Text Similarity",
    title_zh="文本相似度",
    summary="Turns each text into a vector, or tells how alike two texts are.",
    request=TextRequest,
    response=Reply,
    profiles={
        "lite": Profile(
            files=(IDF, CHARACTERS),
            summary="Shared characters, weighted by rarity, and our own small network for Chinese words.",
            verified=True,
        ),
        "standard": Profile(
            files=(BGE, TOKENIZER),
            summary="BGE base zh v1.5, a BERT of 12 layers, for GPUs and patient CPUs.",
            verified=False,
        ),
    },
    requires=("onnx>=1.16", "tokenizers>=0.20"),
    batching=Batching(max_size=4, max_delay_ms=2, max_queue=256),
    resources=Resources(memory_mb=3008, lambda_memory_mb=3008),
    measured=Measurements(
        cpu=Measured(
            seconds=0.002,
            input="a sentence, over HTTP",
            machine="2 vCPU Intel Xeon 2.5 GHz",
            date="2026-11-21",
            source="benchmarks/README.md",
        )
    ),
)
