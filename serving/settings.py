"""The process's configuration: the one place that reads the environment."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from .errors import ServingError
from .feature import DataStore

_STORE = re.compile(r"AIKIT_([A-Z0-9]+(?:_[A-Z0-9]+)*)_STORE")


class SettingsError(ServingError):
    """A setting that cannot be used; the message names the variable, its value and what is allowed."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Every setting is `AIKIT_<NAME>` in the environment; a list is comma-separated."""

    feature: str = ""
    """What `aikit serve` serves when it is given no name (the container image sets it); several by commas."""
    profile: str | None = None
    """Which of the feature's sets of weights to serve; lite, or standard where there is no lite."""
    multi_model: bool = False
    """Load and unload features by SageMaker's `/models` calls; SAGEMAKER_MULTI_MODEL wins."""
    device: str = "auto"
    """cpu, cuda, cuda:N, or auto: a GPU where there is one."""
    model_dir: Path = Path("/opt/ml/model")
    """A user's own weights; they win over every other source."""
    cache_dir: Path = msgspec.field(default_factory=lambda: Path("~/.cache/aikit").expanduser())
    """Fetched weights, and networks compiled from them."""
    weights_mirror: Path | None = None
    """A folder of weight files with a manifest.json, looked into before anything is fetched."""
    random_weights: bool = False
    """For tests: seeded random weights where a file is missing; every reply says so in a header."""

    port: Annotated[int, Meta(ge=0, le=65535)] = 8080
    """Port of the container; SAGEMAKER_BIND_TO_PORT wins."""
    processes: Annotated[int, Meta(ge=1, le=64)] = 1
    """Model processes, each with its own copy of the networks."""
    deadline_s: Annotated[float, Meta(gt=0, le=3600)] = 55.0
    """A request that takes longer is answered 504."""
    grace_s: Annotated[float, Meta(gt=0, le=300)] = 25.0
    """How long SIGTERM waits for the requests in flight."""
    hang_s: Annotated[float, Meta(gt=0, le=3600)] = 75.0
    """A model process whose one predict lasts longer, or that is silent for as long, is replaced."""
    max_body_mb: Annotated[float, Meta(gt=0, le=1024)] = 25.0
    """A larger request body is answered 413."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """The least severe log line that is written."""

    max_image_mb: Annotated[float, Meta(gt=0, le=1024)] = 20.0
    """A larger image file, sent or fetched, is answered 413."""
    max_image_side: Annotated[int, Meta(ge=1, le=32768)] = 4096
    """Pixels of an image's longest side; a longer one is answered 422."""
    strict_input: bool = False
    """Refuse a request that gives both `url` and `img` instead of letting `url` win."""
    fetch_timeout_s: Annotated[float, Meta(gt=0, le=300)] = 10.0
    """How long connecting to `url`, or its silence, may last."""
    fetch_private: bool = False
    """Let `url` name private, loopback and link-local addresses: never on a public endpoint."""
    s3_allow: tuple[str, ...] = ()
    """`s3://bucket/prefix` entries that `url` may name; none by default."""

    stores: dict[str, str] = {}
    """Addresses of the stores that features declare, by the name in `AIKIT_<NAME>_STORE`."""

    @classmethod
    def read(cls, environ: Mapping[str, str] = os.environ, **given: object) -> "Settings":
        """Settings of this process; what is `given` wins. Raises `SettingsError`.

        SageMaker's own variables win over AIKIT_PORT (it may be fixed) and AIKIT_MULTI_MODEL.
        """
        texts = {name: environ.get(f"AIKIT_{name.upper()}") for name in cls.__struct_fields__}
        texts["port"] = environ.get("SAGEMAKER_BIND_TO_PORT") or texts["port"]
        texts["multi_model"] = environ.get("SAGEMAKER_MULTI_MODEL") or texts["multi_model"]
        values: dict[str, object] = {name: text for name, text in texts.items() if text}
        values["stores"] = {
            found[1].lower(): text
            for name, text in environ.items()
            if (found := _STORE.fullmatch(name)) and text
        }
        if "s3_allow" in values:
            values["s3_allow"] = [part.strip() for part in str(values["s3_allow"]).split(",")]
        try:
            return msgspec.convert(values | given, cls, strict=False, dec_hook=_path)
        except msgspec.ValidationError as error:
            message, _, name = str(error).partition(" - at `$.")
            raise SettingsError(f"AIKIT_{name.rstrip('`').upper()}: {message}") from error

    def environ(self) -> dict[str, str]:
        """Returns the variables from which `read` makes these settings, without those that are empty."""
        values = {
            f"AIKIT_{name.upper()}": ",".join(value) if isinstance(value, tuple) else value
            for name, value in msgspec.structs.asdict(self).items()
            if name != "stores"
        }
        values |= {f"AIKIT_{name.upper()}_STORE": address for name, address in self.stores.items()}
        return {name: str(value) for name, value in values.items() if value not in (None, "")}

    def store(self, declared: DataStore) -> str:
        """Returns the address of a feature's store."""
        return self.stores.get(declared.name, declared.default)


def _path(kind: type[Path], given: str | Path) -> Path:
    return kind(given).expanduser()
