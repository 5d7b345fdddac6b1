"""`aikit deploy invoke`: sends requests to a deployed feature."""

import argparse
import json
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any

from aikit.client import bodies_of, print_answers
from aikit.options import FAILED, add_body
from serving.feature import find
from serving.service import Reply

from .shared import add_place, aws_of, endpoint_of, solution_of


def add_invoke(command: argparse.ArgumentParser) -> None:
    command.add_argument("feature", metavar="FEATURE", help="name of the feature")
    add_place(command)
    add_body(command)
    text = "key of the API, for a stack with --auth API_KEY"
    command.add_argument("--api-key", default="", metavar="KEY", help=text)
    command.set_defaults(run=_invoke)


def _invoke(args: argparse.Namespace) -> int:
    aws, feature = aws_of(args), find(args.feature)
    bodies, content_type = bodies_of(args.img, args.json)
    call: Callable[[bytes], Reply]
    if args.mode == "api":
        endpoint = endpoint_of(args, aws, feature)
        name = feature.name if args.together else ""
        call = partial(endpoint.invoke, content_type=content_type, feature=name)
    else:
        solution = solution_of(args, aws)
        call = partial(solution.invoke, feature, content_type=content_type, api_key=args.api_key)
    replies = [call(body) for body in bodies]
    print_answers(args.img, [_readable(reply) for reply in replies])
    return 0 if all(reply.status == HTTPStatus.OK for reply in replies) else FAILED


def _readable(reply: Reply) -> Any:
    try:
        return json.loads(reply.body)
    except ValueError:
        return {"status": reply.status, "detail": reply.body.decode("utf-8", "replace")}
