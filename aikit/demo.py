"""`aikit demo`: starts general_ocr, reads an image, and prints and draws the text."""

import argparse
import json
from http import HTTPStatus
from pathlib import Path

from serving.errors import InvalidRequest
from serving.feature import find

from .call import draw_reply


def add_demo(command: argparse.ArgumentParser) -> None:
    text = "image to read; default: the example image of general_ocr"
    command.add_argument("--img", type=Path, metavar="FILE", help=text)
    text = "PNG file for the image with the text drawn over it; default: out/demo.png"
    command.add_argument("--draw", type=Path, metavar="OUT.png", default=Path("out/demo.png"), help=text)
    command.set_defaults(run=_demo)


def _demo(args: argparse.Namespace) -> None:
    from serving.progress import step

    from .client import container, post

    image = args.img or find("general_ocr").folder / "example.jpg"
    with step("starting general_ocr"), container("general_ocr") as running:
        reply = post(running.url, image.read_bytes(), content_type="application/octet-stream", timeout_s=60)
    answer = json.loads(reply.body)
    if reply.status != HTTPStatus.OK:
        raise InvalidRequest(f"{image}: {answer['detail']}")
    print(f"{image}: {len(answer)} lines")
    for line in answer:
        print(f"  {line['score']:.3f}  {line['words']}")
    draw_reply(answer, image, args.draw)
