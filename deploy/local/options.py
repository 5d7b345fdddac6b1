"""The options of `aikit up`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Auth = Literal["none", "iam", "key"]
ACCOUNT = "000000000000"
REGION = "us-east-1"
"""Account and region that appear in the ARNs, events and errors of the local stack; they do not exist."""
_CACHE = Path("~/.cache/aikit").expanduser()


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of one local stack.

    auth: who may call the API. host: the address to listen on.
    keys: JSON file with the access keys and their secrets, for `iam`.
    usage: SQLite file with the usage plans, for `key`.
    aliases: additional endpoint names, each with the name of its feature.
    inputs: folder of the files that asynchronous calls may name.
    outputs: folder, or s3:// address, for the results of asynchronous calls.
    """

    auth: Auth = "none"
    stage: str = "prod"
    host: str = "127.0.0.1"
    port: int = 8000
    keys: Path = _CACHE / "keys.json"
    usage: Path = _CACHE / "usage.sqlite"
    aliases: Mapping[str, str] = field(default_factory=dict)
    inputs: Path = _CACHE / "async" / "inputs"
    outputs: str = str(_CACHE / "async")

    @property
    def public_url(self) -> str:
        """The address at which this machine, and the gateway itself, reach the gateway."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104  (all addresses)
        return f"http://{host}:{self.port}"
