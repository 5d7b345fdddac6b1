"""`aikit call`: asks a feature."""

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
    command.add_argument("--url", help="address of a running container, such as http://localhost:8080")
    command.add_argument("--draw", type=Path, metavar="OUT.png", help="draw the reply over the image")
    add_loading(command)
    command.set_defaults(run=_call)


def _call(args: argparse.Namespace) -> int:
    from .client import ask, bodies_of

    if args.draw and len(args.img) != 1:
        raise InvalidRequest("draw: needs one --img, the picture to draw over")
    bodies, content_type = bodies_of(args.img, args.json)
    replies = ask(find(args.feature), bodies, content_type, url=args.url, settings=settings_of(args))
    answers = [json.loads(reply.body) for reply in replies]
    named = dict(zip(map(str, args.img), answers, strict=False))
    print(json.dumps(named if len(answers) > 1 else answers[0], ensure_ascii=False, indent=2))
    if any(reply.status != HTTPStatus.OK for reply in replies):
        return FAILED
    if args.draw:
        draw_reply(answers[0], args.img[0], args.draw)
    return 0


def draw_reply(reply: Any, image: Path, target: Path) -> None:
    """Writes a PNG of the image with the reply drawn over it."""
    from serving.images.drawing import draw
    from serving.images.intake import Media

    target.parent.mkdir(parents=True, exist_ok=True)
    draw(Media().decode(image.read_bytes()), reply).save(target, compress_level=1)
    print(f"drawn: {target}")
