"""`aikit call`: sends requests to a feature and prints the replies."""

import argparse
import json
from http import HTTPStatus
from pathlib import Path
from typing import Any

from serving.errors import InvalidRequest
from serving.feature import find

from .options import FAILED, add_body, add_feature, add_loading, settings_of


def add_call(command: argparse.ArgumentParser) -> None:
    add_feature(command)
    add_body(command)
    text = (
        "address of a running container, such as http://localhost:8080; "
        "default: the feature is loaded into this process"
    )
    command.add_argument("--url", metavar="URL", help=text)
    text = "draw the reply over the image and write the result to this PNG file"
    command.add_argument("--draw", type=Path, metavar="OUT.png", help=text)
    add_loading(command)
    command.set_defaults(run=_call)


def _call(args: argparse.Namespace) -> int:
    from .client import ask, bodies_of, print_answers

    if args.draw and len(args.img) != 1:
        raise InvalidRequest("draw: needs exactly one --img, the image to draw over")
    bodies, content_type = bodies_of(args.img, args.json)
    replies = ask(find(args.feature), bodies, content_type, url=args.url, settings=settings_of(args))
    answers = [json.loads(reply.body) for reply in replies]
    print_answers(args.img, answers)
    if any(reply.status != HTTPStatus.OK for reply in replies):
        return FAILED
    if args.draw:
        draw_reply(answers[0], args.img[0], args.draw)
    return 0


def draw_reply(reply: Any, image: Path, target: Path) -> None:
    """Draws the reply over the image, writes the result as PNG and prints where it is."""
    from serving.images.drawing import draw
    from serving.images.intake import Media

    target.parent.mkdir(parents=True, exist_ok=True)
    draw(Media().decode(image.read_bytes()), reply).save(target, compress_level=1)
    print(f"drawn: {target}")
