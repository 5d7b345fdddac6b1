"""Draws replies over their images, for people to look at. It needs only Pillow and the bundled font.

Each finding is marked in the image. A panel next to the image (below it, when the image is very wide) lists
the findings. Numbers connect the marks with the rows of the panel.
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
HIGH, MEDIUM, LOW = (20, 92, 220), (206, 112, 0), (212, 30, 40)  # score from 0.9, from 0.7, below 0.7
LEAST_SIDE = 1000  # pixels; an image with a shorter longest side is enlarged
LEADING = 1.6  # distance of two rows, in type sizes
ROW_EMS = 32  # a longer text continues in the next row of the panel
# Pillow cannot measure a line break; the font has no glyphs for the other characters.
REPLACEMENTS = str.maketrans({"\n": " ", "℃": "°C", "℉": "°F", "Ⅴ": "V", "Ⅹ": "X", "∼": "~"})

Colour = tuple[int, int, int]
Point = tuple[float, float]


class Row(NamedTuple):
    """One row of the panel; number and score are empty when it continues a long text."""

    number: str
    words: str
    score: str
    colour: Colour


def draw(image: Pixels, reply: Any) -> Image.Image:
    """Returns a drawing of any feature's reply.

    A reply with an image (`result`) gives this image. For any other reply the drawing is the input image with
    the lines of text, every `BoundingBox` with the nearest `Name`, and the points of `landmark_106`.

    image: the input, (H, W, 3) RGB.
    """
    if isinstance(reply, list):
        return draw_lines(image, reply)
    if "result" in reply:
        return Image.open(io.BytesIO(base64.b64decode(reply["result"])))
    things = list(_with_boxes(reply, ""))
    points = [(point["x"], point["y"]) for _, thing in things for point in thing.get("landmark_106", ())]
    return draw_lines(image, [_line(name, thing, image.shape) for name, thing in things], points)


def _with_boxes(reply: Any, name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yields every object of a reply that has a box, with its own name or that of the object around it."""
    parts: Iterable[Any] = ()
    if isinstance(reply, dict):
        name, parts = reply.get("Name", name), reply.values()
        if "BoundingBox" in reply:
            yield name, reply
    elif isinstance(reply, list):
        parts = reply
    for part in parts:
        yield from _with_boxes(part, name)


def _line(name: str, thing: Mapping[str, Any], shape: tuple[int, ...]) -> dict[str, Any]:
    """Returns an object with a box in the form of a text line, with a score of 0 to 1.

    `Confidence` is a percentage for an object with a name, otherwise 0 to 1.
    """
    width, height, left, top = (thing["BoundingBox"][side] for side in ("Width", "Height", "Left", "Top"))
    corners = ((left, top), (left + width, top), (left + width, top + height), (left, top + height))
    polygon = [(x * shape[1], y * shape[0]) for x, y in corners]
    return {"words": name, "score": thing["Confidence"] / (100 if name else 1), "polygon": polygon}


def draw_lines(
    image: Pixels, lines: Iterable[Mapping[str, Any]], points: Iterable[Point] = ()
) -> Image.Image:
    """Returns the image with the text lines of a general_ocr reply, and the panel of their words.

    image: (H, W, 3) RGB. lines: the elements of the reply; one without a polygon (`duration`) is skipped.
    points: x and y in pixels, drawn as dots.
    """
    factor = math.ceil(LEAST_SIDE / max(image.shape[:2]))
    picture = Image.fromarray(image).resize((image.shape[1] * factor, image.shape[0] * factor))
    rows: list[Row] = []
    text_lines = (line for line in lines if "polygon" in line)
    for number, line in enumerate(text_lines, 1):
        colour = _colour(line["score"])
        _mark(picture, [(x * factor, y * factor) for x, y in line["polygon"]], colour, str(number))
        first, *others = _wrapped(line["words"])
        rows += [Row(str(number), first, f"{line['score']:.2f}", colour)]
        rows += [Row("", words, "", colour) for words in others]
    pen, radius = ImageDraw.Draw(picture), max(picture.size) / 700
    for x, y in points:
        pen.circle((x * factor, y * factor), radius, PAPER, HIGH)
    return _page(picture, rows or [Row("", "没有找到 · nothing found", "", FAINT)])


def _colour(score: float) -> Colour:
    return HIGH if score >= 0.9 else MEDIUM if score >= 0.7 else LOW


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONT, size, layout_engine=ImageFont.Layout.BASIC)


def _wrapped(words: str) -> list[str]:
    """Returns the words in parts of at most `ROW_EMS`."""
    parts, room = [""], float(ROW_EMS)
    for character in words.translate(REPLACEMENTS):
        width = _font(64).getlength(character) / 64
        if width > room:
            parts, room = [*parts, ""], float(ROW_EMS)
        parts[-1] += character
        room -= width
    return parts


def _mark(picture: Image.Image, corners: Sequence[Point], colour: Colour, label: str) -> None:
    """Tints and outlines a polygon and labels it, on its left, or above it when it is tall.

    corners: clockwise from the top-left.
    """
    draw = ImageDraw.Draw(picture, "RGBA")
    longest = max(picture.size)
    across, down = math.dist(corners[0], corners[1]), math.dist(corners[1], corners[2])
    height = min(across, down)
    draw.polygon(corners, (*colour, 30))
    width = round(max(1, min(longest / 500, height / 8)))
    rim = (*PAPER, 120)  # it separates the outline from a background of the same colour
    for shade, breadth in ((rim, 3 * width), (colour, width)):
        draw.line([*corners, *corners[:2]], shade, breadth, joint="curve")
    font = _font(round(min(max(height / 2, longest / 110), longest / 64, max(height, 8))))
    edge, anchor = (corners[1], "mb") if down > 1.5 * across else (corners[-1], "rm")
    x = max((corners[0][0] + edge[0]) / 2 - font.size / 4, font.getlength(label) + font.size / 4)
    y = max((corners[0][1] + edge[1]) / 2, font.size)
    left, top, right, bottom = draw.textbbox((x, y), label, font, anchor)
    pad = font.size / 6
    draw.rectangle((left - pad, top - pad, right + pad, bottom + pad), (*colour, 210))
    draw.text((x, y), label, "white", font, anchor)


def _page(picture: Image.Image, rows: Sequence[Row]) -> Image.Image:
    """Returns the picture and its panel. The type size falls with the number of rows, within limits."""
    longest, under = max(picture.size), picture.width > 2 * picture.height
    ems = max(_font(64).getlength(row.words) for row in rows) / 64 + 6  # 6 for number and score
    smallest = min(longest / 60, max(12, longest / math.sqrt(len(rows) * LEADING * ems)))
    if under:
        panel = _panel(rows, smallest, columns=len(rows), breadth=picture.width)
        canvas = (max(picture.width, panel.width), picture.height + panel.height)
    else:
        columns = math.ceil(len(rows) * LEADING * smallest / picture.height)
        fitting = picture.height / LEADING / (math.ceil(len(rows) / columns) + 1)
        size = max(smallest, min(fitting, longest / 45))
        panel = _panel(rows, size, columns, breadth=max(2 * picture.width, picture.height))
        canvas = (picture.width + panel.width, max(picture.height, panel.height))
    page = Image.new("RGB", canvas, PAPER)
    page.paste(picture, (0, 0))
    page.paste(panel, (0, picture.height) if under else (picture.width, 0))
    return page


def _panel(rows: Sequence[Row], size: float, columns: int, breadth: int) -> Image.Image:
    """Returns an image of the rows in `columns` columns, or in fewer when `breadth` pixels are too few."""
    font, step = _font(round(size)), round(size * LEADING)
    gutter = font.getlength(f"{len(rows)} ") + size  # from a column's left edge to its words
    words = max(font.getlength(row.words) for row in rows)
    column = round(gutter + words + font.getlength(" 0.00") + size)
    columns = max(1, min(columns, breadth // column))
    per_column = math.ceil(len(rows) / columns)
    panel = Image.new("RGB", (round(columns * (column + size)), round(per_column * step + size)), PAPER)
    draw = ImageDraw.Draw(panel)
    for index, row in enumerate(rows):
        left = index // per_column * (column + size)
        middle = (index % per_column + 0.5) * step + size / 2
        draw.text((left + gutter - size / 2, middle), row.number, row.colour, font, "rm")
        draw.text((left + gutter, middle), row.words, INK, font, "lm")
        draw.text((left + column, middle), row.score, row.colour, font, "rm")
    return panel
