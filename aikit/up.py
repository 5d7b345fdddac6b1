"""`aikit up`: the local stack."""

import argparse
from pathlib import Path
from typing import get_args

from deploy.local.options import Auth, Options
from serving.errors import InvalidRequest
from serving.feature import discover, find

from .options import add_loading, settings_of


def add_up(command: argparse.ArgumentParser) -> None:
    default = Options()
    add = command.add_argument
    add("features", metavar="FEATURE", nargs="*", help="default: all features")
    add(
        "--auth",
        choices=get_args(Auth),
        default=default.auth,
        help=f"who may call the API; default: {default.auth}",
    )
    add("--stage", default=default.stage, help=f"first part of the API's paths; default: {default.stage}")
    add(
        "--host",
        default=default.host,
        help=f"address to listen on; default: {default.host}; 0.0.0.0 means all",
    )
    add("--port", type=int, default=default.port, help=f"default: {default.port}")
    add("--keys", type=Path, default=default.keys, metavar="JSON", help="file of access keys, for --auth iam")
    add(
        "--usage",
        type=Path,
        default=default.usage,
        metavar="SQLITE",
        help="file of usage plans, for --auth key",
    )
    text = "folder of files that asynchronous calls may name"
    add("--inputs", type=Path, default=default.inputs, metavar="DIR", help=text)
    text = "where the results of asynchronous calls go"
    add("--outputs", default=default.outputs, metavar="DIR|s3://…", help=text)
    text = "one more endpoint name for a feature; may be given several times"
    add("--alias", action="append", default=[], metavar="NAME=FEATURE", help=text)
    text = "memory of all containers together; default: three quarters of what is free"
    add("--memory", type=float, metavar="MB", help=text)
    add("--most", type=int, metavar="N", help="how many containers may run at once; default: all")
    add_loading(command)
    command.set_defaults(run=_up)


def _up(args: argparse.Namespace) -> int:
    from deploy.local.up import up

    features = [find(name) for name in args.features] or list(discover().values())
    return up(features, settings_of(args), options_of(args), memory_mb=args.memory, most=args.most)


def options_of(args: argparse.Namespace) -> Options:
    """Returns the options of the local stack. Raises `InvalidRequest`."""
    names = ("auth", "stage", "host", "port", "keys", "usage", "inputs", "outputs")
    aliases = dict(pair.partition("=")[::2] for pair in args.alias)
    if "" in {*aliases, *aliases.values()}:
        raise InvalidRequest(f"alias: {', '.join(args.alias)}: NAME=FEATURE is expected")
    return Options(**{name: getattr(args, name) for name in names}, aliases=aliases)
