"""Configuration of the process. It is the only module of the runtime that reads the environment."""

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
    """A setting cannot be used; the message names the variable, its value and the allowed values."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings. Each is read from the variable `AIKIT_<NAME>`; commas separate the items of a list."""

    feature: str = ""
    """Features to serve, separated by commas, when `aikit serve` is given no name. The image sets it."""
    profile: str | None = None
    """Set of weights to serve. The default is lite, or the first profile of a feature without lite."""
    multi_model: bool = False
    """Enables SageMaker's `/models` calls, which load and unload features; SAGEMAKER_MULTI_MODEL wins."""
    device: str = "auto"
    """Device: cpu, cuda, cuda:N, or auto, which uses a GPU when the machine has one."""
    model_dir: Path = Path("/opt/ml/model")
    """A user's own weights; they take precedence over every other source."""
    cache_dir: Path = msgspec.field(default_factory=lambda: Path("~/.cache/aikit").expanduser())
    """Folder for downloaded weights and the networks compiled from them."""
    weights_mirror: Path | None = None
    """Folder of weight files with a manifest.json, which is searched before anything is downloaded."""
    url_mirror: str | None = None
    """Mirror of GitHub: an address in front of that of a file, as in `https://mirror.example/https://github.com/…`."""
    random_weights: bool = False
    """Uses seeded random weights for missing files, in tests only. Every response says so in a header."""

    port: Annotated[int, Meta(ge=0, le=65535)] = 8080
    """Port of the container; SAGEMAKER_BIND_TO_PORT wins."""
    processes: Annotated[int, Meta(ge=1, le=64)] = 1
    """Number of model processes, each with its own copy of the networks."""
    deadline_s: Annotated[float, Meta(gt=0, le=3600)] = 55.0
    """Seconds that a request may take; a longer one gets status 504."""
    grace_s: Annotated[float, Meta(gt=0, le=300)] = 25.0
    """Seconds that the container waits for the requests in flight after SIGTERM."""
    hang_s: Annotated[float, Meta(gt=0, le=3600)] = 75.0
    """Seconds that a model process may need for one batch, or be silent, before it is replaced."""
    max_body_mb: Annotated[float, Meta(gt=0, le=1024)] = 25.0
    """Largest request body in MB; a larger one gets status 413."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Lowest level of the log lines that are written."""

    max_image_mb: Annotated[float, Meta(gt=0, le=1024)] = 20.0
    """Largest image file in MB, sent or fetched; a larger one gets status 413."""
    max_image_side: Annotated[int, Meta(ge=1, le=32768)] = 4096
    """Largest number of pixels on an image's longest side; a larger image gets status 422."""
    strict_input: bool = False
    """Refuses a request that has both `url` and `img`; otherwise `url` takes precedence."""
    fetch_timeout_s: Annotated[float, Meta(gt=0, le=300)] = 10.0
    """Timeout in seconds for connecting to the server of `url`, and for each read from it."""
    fetch_private: bool = False
    """Allows private, loopback and link-local addresses in `url`. Never set it on a public endpoint."""
    s3_allow: tuple[str, ...] = ()
    """`s3://bucket/prefix` entries, separated by commas, that `url` may read from; by default none."""

    stores: dict[str, str] = {}
    """Addresses of the stores that features declare, by the NAME of `AIKIT_<NAME>_STORE` in lower case."""

    @classmethod
    def read(cls, environ: Mapping[str, str] = os.environ, **given: object) -> "Settings":
        """Returns the settings of this process; values in `given` take precedence. Raises `SettingsError`.

        SageMaker's own variables take precedence over AIKIT_PORT and AIKIT_MULTI_MODEL.
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
        """Returns the environment variables from which `read` makes these settings, without empty ones."""
        values = {
            f"AIKIT_{name.upper()}": ",".join(value) if isinstance(value, tuple) else value
            for name, value in msgspec.structs.asdict(self).items()
            if name != "stores"
        }
        values |= {f"AIKIT_{name.upper()}_STORE": address for name, address in self.stores.items()}
        return {name: str(value) for name, value in values.items() if value not in (None, "")}

    def store(self, declared: DataStore) -> str:
        """Returns the address of the store: the configured one, or the declared default."""
        return self.stores.get(declared.name, declared.default)


def _path(kind: type[Path], given: str | Path) -> Path:
    return kind(given).expanduser()
