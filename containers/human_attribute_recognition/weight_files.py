"""The files of SigLIP 2, importable without torch."""

from serving.feature import Hub, WeightFile

REPOSITORY = "google/siglip2-base-patch16-224"


def _hub(file: str) -> WeightFile:
    return WeightFile(
        name=f"siglip2/{file}",
        source=Hub(repository=REPOSITORY, path=file),
        license="Apache-2.0",
        origin="SigLIP 2 base, patches of 16 px, 224 px, by Google",
    )


CONFIG, NETWORK, TOKENIZER = (_hub(file) for file in ("config.json", "model.safetensors", "tokenizer.json"))
