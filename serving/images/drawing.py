"""Replies drawn over their pictures, for people to look at. Pillow and a bundled font only.

A picture is marked in place, and beside it (under it, where it is very wide) stands a panel that lists
what was found; numbers link the two.
"""

import base64
import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image, ImageDraw, ImageFont

from serving.arrays import Pixels

FONT = Path(__file__).parent / "fonts" / "wqy-microhei.ttc"
INK, PAPER, FAINT = (30, 34, 38), (250, 250, 247), (140, 144, 148)
SURE, UNSURE, DOUBTFUL = (20, 92, 220), (206, 112, 0), (212, 30, 40)  # score from 0.9, from 0.7, below
LEGIBLE = 1000  # pixels: a picture whose longest side is less is enlarged
LEADING = 1.6  # rows' distance over type size
MEASURE = 32  # ems: longer texts go on in the next row of the panel
# A line break cannot be measured; the others are blank in the font.
SHOWN_AS = str.maketrans({"\n": " ", "℃": "°C", "℉": "°F", "Ⅴ": "V", "Ⅹ": "X", "∼": "~"})

Colour = tuple[int, int, int]
Point = tuple[float, float]


class Row(NamedTuple):
    """One row of the panel; number and score are empty where a long text goes on."""

    number: str
    words: str
    score: str
    colour: Colour


def draw(image: Pixels, reply: Any) -> Image.Image:
    """Any feature's reply: its picture (`result`) where it is one, else what it says over the image it read.

    image: (H, W, 3) RGB. Drawn are the lines of a text, every `BoundingBox` under the nearest `Name`, and
    the points of `landmark_106`.
    """
    if isinstance(reply, list):
        return draw_lines(image, reply)
    if "result" in reply:
        return Image.open(io.BytesIO(base64.b64decode(reply["result"])))
    things = list(_with_boxes(reply, ""))
    points = [(point["x"], point["y"]) for _, thing in things for point in thing.get("landmark_106", ())]
    return draw_lines(image, [_line(name, thing, image.shape) for name, thing in things], points)


def _with_boxes(reply: Any, name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every object of a reply that has a box, and what it or the object around it is called."""
    if isinstance(reply, dict):
        name = reply.get("Name", name)
        if "BoundingBox" in reply:
            yield name, reply
    parts = reply.values() if isinstance(reply, dict) else reply if isinstance(reply, list) else ()
    for part in parts:
        yield from _with_boxes(part, name)


def _line(name: str, thing: Mapping[str, Any], shape: tuple[int, ...]) -> dict[str, Any]:
    """As a line of text. Confidence is a share, or a percentage where the thing has a name."""
    width, height, left, top = (thing["BoundingBox"][side] for side in ("Width", "Height", "Left", "Top"))
    corners = ((left, top), (left + width, top), (left + width, top + height), (left, top + height))
    polygon = [(x * shape[1], y * shape[0]) for x, y in corners]
    return {"words": name, "score": thing["Confidence"] / (100 if name else 1), "polygon": polygon}


def draw_lines(
    image: Pixels, lines: Iterable[Mapping[str, Any]], points: Iterable[Point] = ()
) -> Image.Image:
    """The text lines of a general_ocr reply over their picture, and the panel of their words.

    image: (H, W, 3) RGB. lines: the elements of the reply; one without a polygon (`duration`) is passed over.
    points: pixels to be dotted.
    """
    factor = -(-LEGIBLE // max(image.shape[:2]))
    picture = Image.fromarray(image).resize((image.shape[1] * factor, image.shape[0] * factor))
    rows: list[Row] = []
    for number, line in enumerate((line for line in lines if "polygon" in line), 1):
        colour = _colour(line["score"])
        _mark(picture, [(x * factor, y * factor) for x, y in line["polygon"]], colour, str(number))
        first, *others = _wrapped(line["words"])
        rows += [Row(str(number), first, f"{line['score']:.2f}", colour)]
        rows += [Row("", words, "", colour) for words in others]
    pen, radius = ImageDraw.Draw(picture), max(picture.size) / 700
    for x, y in points:
        pen.circle((x * factor, y * factor), radius, PAPER, SURE)
    return _beside(picture, rows or [Row("", "没有找到 · nothing found", "", FAINT)])


def _colour(score: float) -> Colour:
    return SURE if score >= 0.9 else UNSURE if score >= 0.7 else DOUBTFUL


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONT, size, layout_engine=ImageFont.Layout.BASIC)


def _wrapped(words: str) -> list[str]:
    """Parts of at most MEASURE ems."""
    parts, room = [""], float(MEASURE)
    for character in words.translate(SHOWN_AS):
        width = _font(64).getlength(character) / 64
        if width > room:
            parts, room = [*parts, ""], float(MEASURE)
        parts[-1] += character
        room -= width
    return parts


def _mark(picture: Image.Image, corners: Sequence[Point], colour: Colour, label: str) -> None:
    """Tints and outlines a polygon (clockwise from the top-left), labelled on the left, or on top if tall."""
    draw = ImageDraw.Draw(picture, "RGBA")
    longest = max(picture.size)
    across, down = math.dist(corners[0], corners[1]), math.dist(corners[1], corners[2])
    height = min(across, down)
    draw.polygon(corners, (*colour, 30))
    width = round(max(1, min(longest / 500, height / 8)))
    rim = (*PAPER, 120)  # for grounds of the same colour
    for shade, breadth in ((rim, 3 * width), (colour, width)):
        draw.line([*corners, *corners[:2]], shade, breadth, joint="curve")
    face = _font(round(min(max(height / 2, longest / 110), longest / 64, max(height, 8))))
    edge, anchor = (corners[1], "mb") if down > 1.5 * across else (corners[-1], "rm")
    x = max((corners[0][0] + edge[0]) / 2 - face.size / 4, face.getlength(label) + face.size / 4)
    y = max((corners[0][1] + edge[1]) / 2, face.size)
    left, top, right, bottom = draw.textbbox((x, y), label, face, anchor)
    pad = face.size / 6
    draw.rectangle((left - pad, top - pad, right + pad, bottom + pad), (*colour, 210))
    draw.text((x, y), label, "white", face, anchor)


def _beside(picture: Image.Image, rows: Sequence[Row]) -> Image.Image:
    """The picture and its panel, whose type is smaller the more there is to list, within limits."""
    longest, under = max(picture.size), picture.width > 2 * picture.height
    ems = max(_font(64).getlength(row.words) for row in rows) / 64 + 6  # with number and score
    least = min(longest / 60, max(12, longest / math.sqrt(len(rows) * LEADING * ems)))
    if under:
        panel = _panel(rows, least, columns=len(rows), breadth=picture.width)
        canvas = (max(picture.width, panel.width), picture.height + panel.height)
    else:
        columns = math.ceil(len(rows) * LEADING * least / picture.height)
        fitting = picture.height / LEADING / (math.ceil(len(rows) / columns) + 1)
        size = max(least, min(fitting, longest / 45))
        panel = _panel(rows, size, columns, breadth=max(2 * picture.width, picture.height))
        canvas = (picture.width + panel.width, max(picture.height, panel.height))
    page = Image.new("RGB", canvas, PAPER)
    page.paste(picture, (0, 0))
    page.paste(panel, (0, picture.height) if under else (picture.width, 0))
    return page


def _panel(rows: Sequence[Row], size: float, columns: int, breadth: int) -> Image.Image:
    """Rows in that many columns, or as many of them as `breadth` pixels hold."""
    face, step = _font(round(size)), round(size * LEADING)
    gutter = face.getlength(f"{len(rows)} ") + size  # from a column's left edge to its words
    words = max(face.getlength(row.words) for row in rows)
    column = round(gutter + words + face.getlength(" 0.00") + size)
    columns = max(1, min(columns, breadth // column))
    deep = -(-len(rows) // columns)
    panel = Image.new("RGB", (round(columns * (column + size)), round(deep * step + size)), PAPER)
    draw = ImageDraw.Draw(panel)
    for index, row in enumerate(rows):
        left, middle = index // deep * (column + size), (index % deep + 0.5) * step + size / 2
        draw.text((left + gutter - size / 2, middle), row.number, row.colour, face, "rm")
        draw.text((left + gutter, middle), row.words, INK, face, "lm")
        draw.text((left + column, middle), row.score, row.colour, face, "rm")
    return panel
