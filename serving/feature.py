"""What a feature is: pure data, importable without torch, from which everything else is derived."""

import base64
import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import msgspec

from .errors import InvalidRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class Bundled:
    """Shipped inside an installed Python package: `rapidocr`, `models/det.onnx`."""

    package: str
    path: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Url:
    """A pinned public address."""

    address: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Hub:
    """A file of a Hugging Face repository. Safetensors and JSON only."""

    repository: str
    path: str
    revision: str = "main"


@dataclass(frozen=True, kw_only=True, slots=True)
class WeightFile:
    """One file of trained parameters: where it comes from, what it must hash to, who may use it.

    `name` is its path inside a model folder or cache. A hub file may leave `sha256` and `size` open: the
    first pull writes the commit and the hash it got into weights.lock, later ones are held to that.
    """

    name: str
    source: Bundled | Url | Hub
    license: str
    origin: str
    sha256: str | None = None
    size: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """A named set of weights. `verified`: this project's own tests have run these very files."""

    files: tuple[WeightFile, ...]
    summary: str
    verified: bool

    @property
    def complete(self) -> bool:
        """Whether nothing has to be downloaded."""
        return all(isinstance(file.source, Bundled) for file in self.files)


@dataclass(frozen=True, kw_only=True, slots=True)
class Batching:
    """How many requests `Model.predict` may see at once, how long the first one waits, how many may queue.

    max_wait_s: fewer may queue where, at the pace of late, the last of them would wait for longer.
    """

    max_size: int = 1
    max_delay_ms: float = 0.0
    max_queue: int = 64
    max_wait_s: float = 10.0


SMALL_LAMBDA_MB = 3008
"""The most memory that Lambda gives to a function in a new AWS account."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Resources:
    """What one replica needs.

    The templates, the cost estimate, the checks before a deployment, SageMaker's multi-model loading and the
    local stack's memory budget read it.
    """

    memory_mb: int = SMALL_LAMBDA_MB
    lambda_memory_mb: int = 8192
    instance_type: str = "ml.g4dn.xlarge"


@dataclass(frozen=True, kw_only=True, slots=True)
class DataStore:
    """Where a feature keeps what its callers give it: a folder, or `s3://bucket/prefix`.

    name: of one thing that is kept, such as `template`. default: the address where none is set. meaning:
    one sentence about the setting, for the documentation.
    """

    name: str
    default: str
    meaning: str

    @property
    def variable(self) -> str:
        """The environment variable that holds the address: `AIKIT_TEMPLATE_STORE`."""
        return f"AIKIT_{self.name.upper()}_STORE"


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """Seconds of one call at a time: for which input, on which machine, when, and where that is written."""

    seconds: float
    input: str
    machine: str
    date: str
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Measurements:
    """The measured speed of a feature. gpu: on the instance type that the feature declares."""

    cpu: Measured | None = None
    gpu: Measured | None = None


@dataclass(frozen=True, kw_only=True)
class Feature:
    """The one declaration of a feature. `module` is `__name__`: it locates the folder and names it.

    request and response are msgspec types. aliases: public names beyond the hyphenated and `-ml` ones.
    image_alone: whether an image is a whole request; of no meaning where the request has no field `img`.
    """

    module: str
    feature_id: str
    title: str
    title_zh: str
    summary: str
    request: type[Any]
    response: Any
    profiles: Mapping[str, Profile]
    requires: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    batching: Batching = Batching()
    resources: Resources = Resources()
    measured: Measurements = Measurements()
    store: DataStore | None = None
    image_alone: bool = True
    notes: str = field(default="", repr=False)

    @property
    def package(self) -> str:
        """`containers.face_detection`."""
        return self.module.rpartition(".")[0]

    @property
    def name(self) -> str:
        """Public name, in URLs and AWS resources: `face_detection`."""
        return self.package.rpartition(".")[2]

    @property
    def default_profile(self) -> str:
        """What is served where nothing is chosen: lite, or the first where there is no lite."""
        return "lite" if "lite" in self.profiles else next(iter(self.profiles))

    @property
    def folder(self) -> Path:
        """Where the declaration lives."""
        return Path(str(resources.files(self.package)))

    @property
    def names(self) -> tuple[str, ...]:
        """Every name the feature answers to: its own first, then hyphenated, historic and `-ml` forms."""
        plain = dict.fromkeys([self.name, self.name.replace("_", "-"), *self.aliases])
        return tuple(dict.fromkeys([*plain, *(f"{name.replace('_', '-')}-ml" for name in plain)]))

    @property
    def takes_image(self) -> bool:
        """Whether a body may be an image and nothing else."""
        return self.image_alone and "img" in self.request.__struct_fields__

    @property
    def formats(self) -> tuple[str, ...]:
        """Of the image under `result` in its replies: what the request's `format` may be; else nothing."""
        kinds = [one.type for one in msgspec.structs.fields(self.request) if one.name == "format"]
        plain = (get_args(kind)[0] if get_origin(kind) is Annotated else kind for kind in kinds)
        return tuple(name for kind in plain for name in get_args(kind))

    @cached_property
    def example(self) -> dict[str, Any]:
        """What example.json says, where "@photo.jpg" stands for that file in base64.

        `request` and `response`: what a container asks itself before it is healthy. `others`, optional: for
        the documentation, by name, more of both.
        """

        def expand(value: Any) -> Any:
            match value:
                case dict():
                    return {key: expand(item) for key, item in value.items()}
                case list():
                    return [expand(item) for item in value]
                case str() if value.startswith("@"):
                    return base64.b64encode((self.folder / value[1:]).read_bytes()).decode()
            return value

        example: dict[str, Any] = expand(json.loads((self.folder / "example.json").read_bytes()))
        return example


def any_of(*kinds: type[msgspec.Struct]) -> dict[str, Any]:
    """Schema of one of several structs; said by reference, as msgspec has no union of untagged ones."""
    return {"anyOf": [{"$ref": f"#/components/schemas/{kind.__name__}"} for kind in kinds]}


def discover() -> dict[str, Feature]:
    """Every feature under containers/, by public name, sorted."""
    root = Path(str(resources.files("containers")))
    names = sorted(path.parent.name for path in root.glob("*/feature.py"))
    return {name: importlib.import_module(f"containers.{name}.feature").feature for name in names}


def find(name: str) -> Feature:
    """The feature of that public name or alias, or of a dotted module such as `mine.barcode.feature`.

    Raises `InvalidRequest` listing what there is.
    """
    if "." in name:
        feature: Feature = importlib.import_module(name).feature
        return feature
    features = discover()
    if not name:
        raise InvalidRequest(f"feature: name one, or set AIKIT_FEATURE; there is {', '.join(features)}")
    for feature in features.values():
        if name in feature.names:
            return feature
    raise InvalidRequest(f"feature: no {name!r}; there is {', '.join(features) or 'none'}")
