"""`aikit up`: runs features on this machine behind one gateway, as the local stack."""

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
    add("features", metavar="FEATURE", nargs="*", help="name of the feature; default: all features")
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
        help=f"address to listen on, 0.0.0.0 for all; default: {default.host}",
    )
    add("--port", type=int, default=default.port, help=f"port to listen on; default: {default.port}")
    text = f"file with access keys, for --auth iam; default: {default.keys}"
    add("--keys", type=Path, default=default.keys, metavar="JSON", help=text)
    text = f"file with usage plans, for --auth key; default: {default.usage}"
    add("--usage", type=Path, default=default.usage, metavar="SQLITE", help=text)
    text = f"folder with the files that asynchronous calls may name; default: {default.inputs}"
    add("--inputs", type=Path, default=default.inputs, metavar="DIR", help=text)
    text = f"folder or S3 address for the results of asynchronous calls; default: {default.outputs}"
    add("--outputs", default=default.outputs, metavar="DIR|s3://…", help=text)
    text = "additional endpoint name for a feature; may be given several times"
    add("--alias", action="append", default=[], metavar="NAME=FEATURE", help=text)
    text = "memory limit for all containers together; default: three quarters of the free memory"
    add("--memory", type=float, metavar="MB", help=text)
    add("--most", type=int, metavar="N", help="containers that may run at once; default: no limit")
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
