"""Renders plates of every kind, and the picture that ships with car_license_plate.

Run from the repository root: `python -m benchmarks.renders.plate_example`. The plates have the proportions of
the standard GA 36. Their characters are those of the font in serving/images/fonts, fitted into the standard's
cells. They resemble real plates, but have another typeface. All numbers are invented.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.renders.ocr_example import Colour, Corners, Pixels, Sheet, clouds, lay, photographed, solid

ROOT = Path(__file__).parents[2]
FONT = ROOT / "serving/images/fonts/wqy-microhei.ttc"
PX = 2  # per millimetre
HEIGHT, TALL_HEIGHT = 140, 220  # mm, of one row and of two
WHITE, BLACK, RED = (0.97, 0.97, 0.95), (0.06, 0.06, 0.07), (0.8, 0.08, 0.1)
BACKGROUNDS: dict[str, tuple[Colour, Colour]] = {  # top and bottom
    "blue": ((0.05, 0.22, 0.72), (0.05, 0.22, 0.72)),
    "yellow": ((0.98, 0.75, 0.05), (0.98, 0.75, 0.05)),
    "green": ((0.86, 0.95, 0.88), (0.25, 0.78, 0.45)),
    "white": ((0.95, 0.95, 0.94), (0.95, 0.95, 0.94)),
    "black": ((0.05, 0.05, 0.06), (0.05, 0.05, 0.06)),
}


@dataclass(frozen=True)
class Sample:
    """The text and kind of a plate that can be drawn."""

    text: str
    colour: str
    two_rows: bool = False


SAMPLES = (
    Sample("京A12345", "blue"),
    Sample("沪C8K92P", "blue"),
    Sample("粤B6Z71Q", "blue"),
    Sample("浙F07D3M", "blue"),
    Sample("湘E5518W", "blue"),
    Sample("新A90L26", "blue"),
    Sample("川A58231", "yellow"),
    Sample("鲁H7T642", "yellow"),
    Sample("桂C9153学", "yellow"),
    Sample("豫A36829", "yellow", two_rows=True),
    Sample("苏E82M60", "yellow", two_rows=True),
    Sample("冀B4729挂", "yellow", two_rows=True),
    Sample("粤BD12345", "green"),
    Sample("京AF06382", "green"),
    Sample("沪A52097D", "green"),
    Sample("鄂A0217警", "white"),
    Sample("云A3862警", "white"),
    Sample("VA20658", "white"),
    Sample("粤Z8F36港", "black"),
    Sample("粤ZM042澳", "black"),
    Sample("使014578", "black"),
    Sample("京A0123领", "black"),
)


def glyph(character: str, width: float, height: float) -> Pixels:
    """Returns the ink, 0..1, of a character that fills a cell of that many mm; a 1 stays narrow."""
    font = ImageFont.truetype(str(FONT), 200)
    stroke = 5 if character.isascii() else 1
    left, top, right, bottom = (int(edge) for edge in font.getbbox(character, stroke_width=stroke))
    canvas = Image.new("L", (right - left, bottom - top))
    ImageDraw.Draw(canvas).text((-left, -top), character, 255, font, stroke_width=stroke)
    size = (round(width * PX * (0.45 if character == "1" else 1)), round(height * PX))
    inked = np.asarray(cv2.resize(np.asarray(canvas, np.float32), size, interpolation=cv2.INTER_AREA))
    cell = np.zeros((size[1], round(width * PX)), np.float32)
    start = (cell.shape[1] - size[0]) // 2
    cell[:, start : start + size[0]] = inked / 255
    return cell


def cells(sample: Sample) -> list[tuple[str, float, float, float, float]]:
    """Returns each character with its left, top, width and height in mm."""
    if sample.two_rows:
        upper = [(c, x, 15.0, 80.0, 60.0) for c, x in zip(sample.text, (110.0, 250.0), strict=False)]
        return upper + [(c, 27.5 + 80 * i, 90.0, 65.0, 110.0) for i, c in enumerate(sample.text[2:])]
    step, width = (57.0, 45.0) if len(sample.text) == 7 else (51.5, 43.0)
    start = 15.5
    return [(c, start + step * i + 22 * (i > 1), 25.0, width, 90.0) for i, c in enumerate(sample.text)]


def plate(sample: Sample) -> Sheet:
    """Draws the plate from the front, with rounded corners."""
    width = 480 if len(sample.text) == 8 else 440
    height = TALL_HEIGHT if sample.two_rows else HEIGHT
    shape = (height * PX, width * PX)
    top, bottom = (np.array(colour, np.float32) for colour in BACKGROUNDS[sample.colour])
    share = np.linspace(0, 1, shape[0], dtype=np.float32)[:, None, None]
    pixels = np.broadcast_to(top * (1 - share) + bottom * share, (*shape, 3)).copy()
    ink = WHITE if sample.colour in ("blue", "black") else BLACK
    frame, alpha = Image.new("L", shape[::-1]), Image.new("L", shape[::-1])
    inset = 4 * PX
    box = (inset, inset, shape[1] - inset, shape[0] - inset)
    ImageDraw.Draw(frame).rounded_rectangle(box, 8 * PX, outline=255, width=2 * PX)
    ImageDraw.Draw(alpha).rounded_rectangle((0, 0, shape[1] - 1, shape[0] - 1), 10 * PX, 255)
    _ink(pixels, np.asarray(frame, np.float32) / 255, ink)
    army = sample.colour == "white" and sample.text.isascii()
    for index, (character, x, y, w, h) in enumerate(cells(sample)):
        area = pixels[round(y * PX) :, round(x * PX) :]
        red = (character in "警领使港澳" and sample.colour == "white") or (army and index < 2)
        cover = glyph(character, w, h)
        _ink(area[: cover.shape[0], : cover.shape[1]], cover, RED if red else ink)
    if not sample.two_rows:
        dot = np.zeros(shape, np.float32)
        x = (cells(sample)[2][1] - 17) * PX
        cv2.circle(dot, (round(x), 70 * PX), 5 * PX, 1, -1)
        _ink(pixels, dot, RED if army else ink)
    return Sheet(pixels, np.asarray(alpha, np.float32) / 255)


def _ink(area: Pixels, cover: Pixels, ink: Colour) -> None:
    area += cover[..., None] * (np.array(ink, np.float32) - area)


def photograph(sample: Sample, rng: np.random.Generator, width: int = 120) -> Image.Image:
    """Renders the plate, about `width` px wide, tilted, on random paint and in random light."""
    paint = np.full((480 * 2, 640 * 2, 3), rng.uniform(0.15, 0.8, 3), np.float32)
    paint *= 1 + 0.1 * clouds(rng, 960, 1280, (4, 5))[..., None]
    sheet = plate(sample)
    height = width * sheet.pixels.shape[0] / sheet.pixels.shape[1]
    x, y = rng.uniform(60, 600 - width), rng.uniform(60, 400 - height)
    tilt, skew = rng.uniform(-0.12, 0.12, 2) * width
    jitter = rng.uniform(-0.03, 0.03, (4, 2)) * width
    corners = np.array(
        ((x, y), (x + width, y + tilt), (x + width + skew, y + height + tilt), (x + skew, y + height))
    )
    lay(paint, sheet, [tuple(corner) for corner in corners + jitter], 2)
    return photographed(rng, paint, float(rng.uniform(0.1, 0.6)))


def car(rng: np.random.Generator, paint: Colour, *, lorry: bool = False) -> Sheet:
    """Draws the front of a car, 400 x 320 px: windscreen, bonnet, lamps, grille and bumper."""
    width, height = 800, 640
    shape, image = Image.new("L", (width, height)), Image.new("RGB", (width, height), _bytes(paint))
    outline, draw = ImageDraw.Draw(shape), ImageDraw.Draw(image)
    roof = 20 if lorry else 150
    outline.rounded_rectangle((roof, 10, width - roof, 330), 50, 255)
    outline.rounded_rectangle((20, 20 if lorry else 240, width - 20, 570), 60, 255)
    for left in (40, width - 160):
        outline.rectangle((left, 540, left + 120, height), 255)
        draw.rectangle((left, 572, left + 120, height), (20, 20, 22))
    glass = [(roof + 40, 40), (width - roof - 40, 40), (width - roof + 10, 240), (roof - 10, 240)]
    draw.polygon(glass, (38, 46, 54))
    draw.polygon([(roof + 90, 40), (roof + 190, 40), (roof + 110, 240), (roof, 240)], (66, 76, 86))
    draw.rounded_rectangle((250, 330, width - 250, 410), 20, (18, 18, 20))
    for y in (350, 370, 390):
        draw.line((262, y, width - 262, y), (90, 92, 95), 4)
    for left in (60, width - 200):
        draw.rounded_rectangle((left, 320, left + 140, 390), 30, (228, 232, 236))
        draw.ellipse((left + 45, 330, left + 95, 380), (180, 190, 200))
    draw.rounded_rectangle((20, 425, width - 20, 565), 40, _bytes(tuple(0.82 * part for part in paint)))
    pixels = np.asarray(image, np.float32) / 255
    pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), 1.5), np.float32)
    pixels *= np.linspace(1.15, 0.75, height, dtype=np.float32)[:, None, None]
    pixels *= 1 + 0.03 * clouds(rng, height, width, (6, 8))[..., None]
    return Sheet(pixels, np.asarray(shape, np.float32) / 255)


def _bytes(colour: Sequence[float]) -> tuple[int, int, int]:
    red, green, blue = (round(255 * part) for part in colour)
    return red, green, blue


def with_plate(body: Sheet, sample: Sample) -> Sheet:
    """Returns the car with its plate on the bumper, 135 to 140 px wide."""
    wide, high = (135, 68) if sample.two_rows else (140, 43)
    pixels, middle = body.pixels.copy(), (200, 247)
    corners = [
        (middle[0] + dx * wide / 2, middle[1] + dy * high / 2)
        for dx, dy in ((-1, -1), (1, -1), (1, 1), (-1, 1))
    ]
    lay(pixels, plate(sample), corners, 1)
    return Sheet(pixels, body.alpha)


def scene(rng: np.random.Generator) -> Image.Image:
    """Renders a car park with four cars."""
    width, height = 1280, 960
    ground = np.full((height * 2, width * 2, 3), (0.42, 0.42, 0.43), np.float32)
    ground *= (1 + 0.05 * clouds(rng, height * 2, width * 2, (200, 300)))[..., None]
    wall = np.full((400, 1200, 3), (0.66, 0.62, 0.56), np.float32)
    lay(ground, solid(wall), ((-10, -10), (1290, -10), (1290, 250), (-10, 250)), 1)
    line = np.ones((400, 20, 3), np.float32) * 0.85
    for left, right in ((40, -60), (440, 400), (850, 880), (1240, 1340)):
        lay(ground, solid(line), ((left, 250), (left + 12, 250), (right + 24, 960), (right, 960)), 0.5)
    places: tuple[tuple[Sample, Colour, Corners], ...] = (
        (Sample("浙A7M52K", "blue"), (0.62, 0.64, 0.66), ((60, 110), (440, 100), (450, 410), (70, 405))),
        (Sample("粤BD83615", "green"), (0.85, 0.86, 0.87), ((480, 120), (850, 115), (855, 410), (478, 415))),
        (
            Sample("鲁H36829", "yellow", True),
            (0.12, 0.33, 0.22),
            ((60, 470), (560, 450), (575, 885), (75, 875)),
        ),
        (Sample("京C4061警", "white"), (0.12, 0.2, 0.42), ((680, 480), (1190, 500), (1170, 910), (690, 875))),
    )
    for sample, paint, corners in places:
        lay(ground, with_plate(car(rng, paint, lorry=sample.two_rows), sample), corners, 5)
    return photographed(rng, ground, 0.25)


def main() -> None:
    folder = ROOT / "containers/car_license_plate"
    scene(np.random.default_rng(3)).save(folder / "example.jpg", quality=88)


if __name__ == "__main__":
    main()
