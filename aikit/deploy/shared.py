"""Options, objects and output that several actions of `aikit deploy` share."""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

from deploy.aws.calls import Aws
from deploy.endpoint import Endpoint
from deploy.stack import Solution
from deploy.tables import columns
from serving.errors import InvalidRequest
from serving.feature import Feature, discover, find

show = partial(print, flush=True)


def say(line: str, end: str = "\n") -> None:
    """Writes progress to stderr, because stdout carries data."""
    sys.stderr.write(line + end)
    sys.stderr.flush()


def show_table(rows: Sequence[Any]) -> None:
    """Prints named tuples of one type as a table, without the columns that are empty in every row."""
    header = [name.replace("_", " ") for name in rows[0]._fields]
    texts = [header, *(["" if value is None else str(value) for value in row] for row in rows)]
    filled = [column for column in zip(*texts, strict=True) if any(column[1:])]
    for line in columns(list(zip(*filled, strict=True))):
        show(line)


def confirmed(question: str) -> bool:
    """True when the user answers yes. Raises `InvalidRequest` when stdin is not a terminal."""
    if not sys.stdin.isatty():
        raise InvalidRequest("yes: stdin is not a terminal, so nobody can confirm; pass --yes")
    say(f"{question} [y/N] ", end="")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def add_place(command: argparse.ArgumentParser) -> None:
    """Adds the options that say which deployment is meant."""
    command.add_argument(
        "--stack",
        default="aikit",
        metavar="NAME",
        help="name of the stack, with which the names of all resources begin; default: aikit",
    )
    command.add_argument("--region", default="", help="AWS region; default: the region of the AWS profile")
    command.add_argument(
        "--mode",
        choices=["stack", "api"],
        default="stack",
        help="stack: all features in one CloudFormation stack behind API Gateway; "
        "api: each feature at a SageMaker endpoint, without a stack; default: stack",
    )
    text = "seconds between two queries while something is in progress; default: 5"
    command.add_argument("--poll", type=float, default=5.0, metavar="S", help=text)
    text = "with --mode api: one endpoint that several features share"
    command.add_argument("--together", action="store_true", help=text)


def add_caution(command: argparse.ArgumentParser) -> None:
    """Adds `--yes` and `--dry-run`."""
    command.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    text = "print the AWS calls that would change something, and change nothing"
    command.add_argument("--dry-run", action="store_true", help=text)


def aws_of(args: argparse.Namespace) -> Aws:
    """Returns the account and region that the options name. Raises `InvalidRequest`."""
    if args.poll <= 0:
        raise InvalidRequest(f"poll: {args.poll:g} s, must be more than 0")
    dry_run = show if getattr(args, "dry_run", False) else None
    return Aws(args.region, dry_run=dry_run, poll_s=args.poll)


def solution_of(args: argparse.Namespace, aws: Aws) -> Solution:
    """Returns the deployment that `--mode stack` means."""
    return Solution(aws, args.stack, say=say)


def endpoint_of(args: argparse.Namespace, aws: Aws, feature: Feature) -> Endpoint:
    """Returns the endpoint of `--mode api` that serves the feature."""
    group = list(discover().values()) if args.together else [feature]
    return Endpoint(*group, aws=aws, stack=args.stack, say=say)


def endpoints_of(args: argparse.Namespace, aws: Aws) -> list[Endpoint]:
    """Returns the endpoints of `--mode api` that may exist.

    They are those of the named features. Without names they are those of every feature, and the shared one.
    """
    features = [find(name) for name in args.features] or list(discover().values())
    alone = [] if args.together else [[feature] for feature in features]
    together = [list(discover().values())] if args.together or not args.features else []
    return [Endpoint(*group, aws=aws, stack=args.stack, say=say) for group in [*alone, *together]]
