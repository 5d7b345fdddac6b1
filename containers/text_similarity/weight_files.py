"""What the profiles read, importable without torch."""

from serving.feature import Bundled, Url, WeightFile

IDF = WeightFile(
    name="idf.txt",
    source=Bundled(package="containers.text_similarity", path="idf.txt"),
    sha256="9d011d1e27cdeb936c2849d48b7427f14ff9c7219197437e3328c2206056c36a",
    size=122779,
    license="MIT, PSF-2.0",
    origin="counted by training/count_idf.py from jieba 0.42.1 (MIT) and the help of Python 3.11.7 (PSF-2.0)",
)

CHARACTERS = WeightFile(
    name="characters.safetensors",
    source=Bundled(package="containers.text_similarity", path="weights/characters.safetensors"),
    sha256="757a557345bf19ca8f3af9d2f12eb07d6694ef8f6b96378906ad35129323c708",
    size=7049154,
    license="Apache-2.0",
    origin="trained by training/text_similarity on texts made from our thesaurus, jieba 0.42.1 (MIT) and "
    "the definitions of Unihan 15.0 (Unicode)",
)

_BGE = "https://huggingface.co/Xenova/bge-base-zh-v1.5/resolve/71e50dc531959f9e04ebf190ea25b00261a0a186/"

BGE = WeightFile(
    name="bge-base-zh-v1.5.onnx",
    source=Url(address=f"{_BGE}onnx/model.onnx"),
    sha256="5e5619f7cca7380b824d329c157dba10bee7cc00d0c139e82fdb7906051b8e4f",
    size=406953171,
    license="MIT",
    origin="BGE base zh v1.5 by BAAI, exported to ONNX by Xenova",
)
TOKENIZER = WeightFile(
    name="tokenizer.json",
    source=Url(address=f"{_BGE}tokenizer.json"),
    sha256="7dfbf1966ebf99d471c3796e9b457329d2b2182b817e144f1e904b957745c839",
    size=439124,
    license="MIT",
    origin="BGE base zh v1.5 by BAAI",
)
