"""The declaration of text similarity: a vector for each text, or a similarity for two texts."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from serving.feature import (
    Batching,
    Bundled,
    Feature,
    Measured,
    Measurements,
    Profile,
    Resources,
    Url,
    WeightFile,
    any_of,
)

DIMENSIONS = 768
MAX_CHARACTERS, MAX_TEXTS = 100_000, 256

Text = Annotated[str, Meta(max_length=MAX_CHARACTERS, extra_json_schema={"minLength": 1})]
Vector = Annotated[
    list[float],
    Meta(
        description="The embedding of the text: 768 numbers, a vector of length 1. The scalar product of two "
        "embeddings is their cosine similarity. Compare only vectors of one `model_version`."
    ),
]
Version = Annotated[str, Meta(description="The method or network that made the vectors, and its weights.")]
_CUT = "was cut to the limit of the profile: 2048 characters with `lite`, 512 tokens with `standard`."


class TextRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The request carries one text (`text`), two texts (`text_1` and `text_2`), or many texts (`texts`)."""

    text: Annotated[Text | None, Meta(description="A text in any language, at most 100,000 characters.")] = (
        None
    )
    text_1: Annotated[
        Text | None, Meta(description="The first of two texts to compare. The rules for `text` apply.")
    ] = None
    text_2: Annotated[
        Text | None, Meta(description="The second of two texts to compare. The rules for `text` apply.")
    ] = None
    texts: Annotated[
        Annotated[list[Text], Meta(min_length=1, max_length=MAX_TEXTS)] | None,
        Meta(
            description="1 to 256 texts. The rules for `text` apply to each. With `standard` on a CPU all "
            "texts together may have at most 8192 tokens, each padded to 32, 64, 128, 256 or 512 tokens."
        ),
    ] = None
    detail: Annotated[bool, Meta(description="True adds `cosine` to the reply for two texts.")] = False


class TextVector(msgspec.Struct, frozen=True):
    """The reply to a request that carries `text`."""

    result: Vector
    truncated: Annotated[bool, Meta(description=f"True when the text {_CUT}")]
    model_version: Version


class TextVectors(msgspec.Struct, frozen=True):
    """The reply to a request that carries `texts`: their vectors, in the same order."""

    results: Annotated[
        list[Vector], Meta(description="One vector for each text, like `result` for a single text.")
    ]
    truncated: Annotated[list[bool], Meta(description=f"One value for each text: true when it {_CUT}")]
    model_version: Version


class TextSimilarity(msgspec.Struct, frozen=True):
    """The reply to a request that carries `text_1` and `text_2`."""

    similarity: Annotated[
        float,
        Meta(
            ge=0,
            le=1,
            description="(1 + cosine) / 2. It is 1 for equal texts and about 0.5 for unrelated ones.",
        ),
    ]
    truncated: Annotated[bool, Meta(description=f"True when one of the two texts {_CUT}")]
    model_version: Version
    cosine: Annotated[
        Annotated[float, Meta(ge=-1, le=1)] | UnsetType,
        Meta(description="The cosine similarity of the two vectors. Present only with `detail`."),
    ] = UNSET


Reply = Annotated[Any, Meta(extra_json_schema=any_of(TextVector, TextVectors, TextSimilarity))]

IDF = WeightFile(
    name="idf.txt",
    sources=(Bundled(package="containers.text_similarity", path="idf.txt"),),
    sha256="9d011d1e27cdeb936c2849d48b7427f14ff9c7219197437e3328c2206056c36a",
    size=122779,
    license="MIT, PSF-2.0",
    origin="counted by containers/text_similarity/count_idf.py from jieba 0.42.1 (MIT) and the help of "
    "Python 3.11.7 (PSF-2.0)",
    commercial_use="yes",
)

CHARACTERS = WeightFile(
    name="characters.safetensors",
    sources=(Bundled(package="containers.text_similarity", path="weights/characters.safetensors"),),
    sha256="757a557345bf19ca8f3af9d2f12eb07d6694ef8f6b96378906ad35129323c708",
    size=7049154,
    license="Apache-2.0",
    origin="trained by training/text_similarity on texts made from our thesaurus, jieba 0.42.1 (MIT) and "
    "the definitions of Unihan 15.0 (Unicode)",
    commercial_use="yes",
)

_BGE = "https://huggingface.co/Xenova/bge-base-zh-v1.5/resolve/71e50dc531959f9e04ebf190ea25b00261a0a186/"

BGE = WeightFile(
    name="bge-base-zh-v1.5.onnx",
    sources=(Url(address=f"{_BGE}onnx/model.onnx"),),
    sha256="5e5619f7cca7380b824d329c157dba10bee7cc00d0c139e82fdb7906051b8e4f",
    size=406953171,
    license="MIT",
    origin="BGE base zh v1.5 by BAAI, exported to ONNX by Xenova",
    commercial_use="yes",
)
TOKENIZER = WeightFile(
    name="tokenizer.json",
    sources=(Url(address=f"{_BGE}tokenizer.json"),),
    sha256="7dfbf1966ebf99d471c3796e9b457329d2b2182b817e144f1e904b957745c839",
    size=439124,
    license="MIT",
    origin="BGE base zh v1.5 by BAAI",
    commercial_use="yes",
)

feature = Feature(
    module=__name__,
    feature_id="TextSimilarity",
    title="Text Similarity",
    title_zh="文本相似度",
    summary="Turns texts into vectors, or measures how similar two texts are.",
    request=TextRequest,
    response=Reply,
    profiles={
        "lite": Profile(
            files=(IDF, CHARACTERS),
            summary="Shared characters, weighted by rarity, and a small network for Chinese words.",
            verified=True,
        ),
        "standard": Profile(
            files=(BGE, TOKENIZER),
            summary="BGE base zh v1.5, a BERT with 12 layers, for GPUs. Slower on CPUs.",
            verified=False,
        ),
    },
    requires=("onnx>=1.16", "tokenizers>=0.20"),
    batching=Batching(max_size=4, max_delay_ms=2, max_queue=256),
    resources=Resources(memory_mb=3008, lambda_memory_mb=3008),
    measured=Measurements(
        cpu=Measured(
            seconds=0.005,
            input="a sentence, over HTTP",
            machine="2 vCPU Intel Xeon 2.5 GHz",
            date="2026-11-21",
            source="benchmarks/README.md",
        )
    ),
)
