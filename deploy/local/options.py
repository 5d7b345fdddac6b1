"""What `aikit up` may be told."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from serving.errors import InvalidRequest

Auth = Literal["none", "iam", "key"]
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


def add_options(command: argparse.ArgumentParser) -> None:
    """Give `up` its options."""
    default = Options()
    add = command.add_argument
    add("features", metavar="FEATURE", nargs="*", help="default: all")
    add("--auth", choices=get_args(Auth), default=default.auth, help=f"of the API; default {default.auth}")
    add("--stage", default=default.stage, help=f"first part of the API's paths; default {default.stage}")
    add("--host", default=default.host, help=f"default {default.host}; 0.0.0.0: every address")
    add("--port", type=int, default=default.port, help=f"default {default.port}")
    add("--keys", type=Path, default=default.keys, metavar="JSON", help="access keys, for --auth iam")
    add("--usage", type=Path, default=default.usage, metavar="SQLITE", help="usage plans, for --auth key")
    add("--inputs", type=Path, default=default.inputs, metavar="DIR", help="files of asynchronous calls")
    add("--outputs", default=default.outputs, metavar="DIR|s3://…", help="results of asynchronous calls")
    add("--alias", action="append", default=[], metavar="NAME=FEATURE", help="another endpoint name")
    add("--memory", type=float, metavar="MB", help="of all containers; default 3/4 of what is free")
    add("--most", type=int, metavar="N", help="containers at once; default: all")


def options_of(args: argparse.Namespace) -> Options:
    """Raises `InvalidRequest`."""
    names = ("auth", "stage", "host", "port", "keys", "usage", "inputs", "outputs")
    aliases = dict(pair.partition("=")[::2] for pair in args.alias)
    if "" in {*aliases, *aliases.values()}:
        raise InvalidRequest(f"alias: {', '.join(args.alias)}: NAME=FEATURE is expected")
    return Options(**{name: getattr(args, name) for name in names}, aliases=aliases)
