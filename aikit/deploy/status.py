"""`aikit deploy status` and `aikit deploy logs`: show what is deployed, and print its logs."""

import argparse
import json
from typing import Any

from deploy.aws.calls import Aws
from deploy.aws.logs import endpoint_group, follow, tail
from serving.errors import InvalidRequest
from serving.feature import Feature, find

from .shared import add_place, aws_of, endpoint_of, endpoints_of, say, show, show_table, solution_of


def add_status(command: argparse.ArgumentParser) -> None:
    text = "name of the feature; default: all that are deployed"
    command.add_argument("features", metavar="FEATURE", nargs="*", help=text)
    add_place(command)
    command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(run=_status)


def add_logs(command: argparse.ArgumentParser) -> None:
    command.add_argument("feature", metavar="FEATURE", help="name of the feature")
    add_place(command)
    text = "print new lines as they come, until interrupted"
    command.add_argument("--follow", action="store_true", help=text)
    text = "print at most this many of the lines of the last hour; default: 100"
    command.add_argument("--lines", type=int, default=100, metavar="N", help=text)
    command.set_defaults(run=_logs)


def _status(args: argparse.Namespace) -> None:
    aws = aws_of(args)
    rows: list[Any]
    if args.mode == "api":
        states = [endpoint.state() for endpoint in endpoints_of(args, aws)]
        rows = [state for state in states if state.status != "absent"]
    else:
        names = {find(name).name for name in args.features}
        rows = [row for row in solution_of(args, aws).status() if not names or row.feature in names]
    if args.json:
        show(json.dumps([row._asdict() for row in rows], indent=2))
    elif rows:
        show_table(rows)
    else:
        say(f"{args.stack}: nothing is deployed in {aws.region}")


def _logs(args: argparse.Namespace) -> None:
    aws = aws_of(args)
    group = _log_group(args, aws, find(args.feature))
    lines = follow(aws, group, lines=args.lines) if args.follow else tail(aws, group, lines=args.lines)
    for line in lines:
        show(line)


def _log_group(args: argparse.Namespace, aws: Aws, feature: Feature) -> str:
    if args.mode == "api":
        return endpoint_group(endpoint_of(args, aws, feature).name)
    for row in solution_of(args, aws).status():
        if row.feature == feature.name and row.log_group:
            return row.log_group
    raise InvalidRequest(f"{feature.name}: not deployed in stack {args.stack}")
