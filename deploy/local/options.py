"""What `aikit up` may be told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Auth = Literal["none", "iam", "key"]
ACCOUNT = "000000000000"
REGION = "us-east-1"
"""What ARNs, events and errors of the local stack name; neither exists."""
_KEPT = Path("~/.cache/aikit").expanduser()


@dataclass(frozen=True, kw_only=True)
class Options:
    """keys: JSON file of access keys and their secrets, for `iam`; usage: SQLite file of plans, for `key`.

    aliases: further endpoint names, each with the feature it stands for. host: the address listened on.
    inputs: folder that asynchronous calls may name files of. outputs: where their results go, or s3://….
    """

    auth: Auth = "none"
    stage: str = "prod"
    host: str = "127.0.0.1"
    port: int = 8000
    keys: Path = _KEPT / "keys.json"
    usage: Path = _KEPT / "usage.sqlite"
    aliases: Mapping[str, str] = field(default_factory=dict)
    inputs: Path = _KEPT / "async" / "inputs"
    outputs: str = str(_KEPT / "async")

    @property
    def public_url(self) -> str:
        """Where this machine reaches the gateway, and it itself."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104  (every address)
        return f"http://{host}:{self.port}"
