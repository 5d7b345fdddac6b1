"""Renders the pictures that ship with custom_ocr: a template, and a photograph of the form with other values.

Run from the repository root: `python -m benchmarks.renders.template_example --out containers/custom_ocr`. It
writes template.png, example.jpg and, under samples/, the template as a store keeps it. It prints the
template's fields as a request to add it has them. The form, the names and the numbers are invented.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.renders.ocr_example import Sheet, crumpled, lay, photographed, solid, wood
from containers.custom_ocr.feature import CustomOCRRequest, FieldDefinition
from containers.custom_ocr.model import Model
from containers.general_ocr.reader import TextReader
from serving.feature import find
from serving.images.drawing import FONT
from serving.images.intake import ImageBytes
from serving.settings import Settings
from serving.weights import resolve

SIZE = (900, 560)
INK, BLUE, RED, PAPER = (36, 38, 46), (36, 78, 140), (196, 42, 44), (246, 243, 232)


class Field(NamedTuple):
    """A field that is filled in.

    box: left, top, right, bottom, as a user draws it. value: the text that is printed in the template, then
    the text that is printed in the photograph.
    """

    name: str
    box: tuple[int, int, int, int]
    value: tuple[str, str]


FIELDS = (
    Field("单号", (640, 104, 860, 150), ("31408526", "77402195")),
    Field("寄件人", (180, 168, 440, 222), ("林小满", "周明远")),
    Field("电话", (570, 168, 860, 222), ("13855501234", "18655509876")),
    Field("地址", (180, 232, 860, 286), ("临江市梧桐路88号", "云溪市学府大道1206号")),
    Field("物品", (180, 296, 440, 350), ("茶叶礼盒", "笔记本电脑")),
    Field("重量", (570, 296, 760, 350), ("1.6", "2.35")),
    Field("金额", (180, 360, 440, 414), ("18.00", "46.50")),
    Field("日期", (570, 360, 860, 414), ("2024年05月18日", "2024年11月07日")),
)
LABELS = ((60, 195), (464, 195), (60, 259), (60, 323), (464, 323), (60, 387), (464, 387))


def font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONT, size, layout_engine=ImageFont.Layout.BASIC)


def form(values: Mapping[str, str]) -> Image.Image:
    """Draws a railway's receipt for a consigned parcel."""
    page = Image.new("RGB", SIZE, PAPER)
    draw = ImageDraw.Draw(page)
    x = np.arange(0, SIZE[0] + 6, 6)
    for index, y in enumerate(range(0, SIZE[1], 13)):
        wave = y + 14 * np.sin(x / 70 + index * 0.3)
        draw.line([*zip(x.tolist(), wave.tolist(), strict=True)], (226, 226, 220))
    draw.polygon([(44, 66), (92, 26), (84, 50), (128, 40), (80, 84), (88, 60)], RED)
    draw.text((450, 58), "青川铁路行李托运单", BLUE, font(46), "mm", stroke_width=1)
    draw.text((630, 127), "单号", BLUE, font(28), "rm")
    for left, top, right, bottom in ((40, 162, 870, 420), (44, 166, 866, 416)):
        draw.rectangle((left, top, right, bottom), outline=BLUE, width=2)
    for y in (227, 291, 355):
        draw.line((44, y, 866, y), BLUE, 2)
    for field, (left, middle) in zip(FIELDS[1:], LABELS, strict=True):
        draw.text((left, middle), field.name, BLUE, font(30), "lm")
    draw.text((790, 323), "公斤", BLUE, font(28), "lm")
    draw.text((44, 462), "一、易碎物品请在托运前声明。", INK, font(22), "lm")
    draw.text((44, 500), "二、请凭本单于十日内到站提取。", INK, font(22), "lm")
    seal(draw, (730, 480))
    for field in FIELDS:
        left, top, _, bottom = field.box
        draw.text((left + 10, (top + bottom) // 2), values[field.name], INK, font(32), "lm")
    return page


def seal(draw: ImageDraw.ImageDraw, centre: tuple[int, int]) -> None:
    x, y = centre
    draw.ellipse((x - 120, y - 56, x + 120, y + 56), outline=RED, width=4)
    draw.text((x, y - 16), "青川站行李房", RED, font(26), "mm")
    draw.text((x, y + 20), "托运专用", RED, font(22), "mm")


def sheet(rng: np.random.Generator, page: Image.Image) -> Sheet:
    enlarged = page.resize((2 * SIZE[0], 2 * SIZE[1]), Image.Resampling.LANCZOS)
    return crumpled(rng, solid(np.asarray(enlarged, np.float32) / 255), 2)


def photograph(page: Image.Image) -> Image.Image:
    """Renders the page on a wooden table, turned by about ten degrees and seen from below."""
    rng = np.random.default_rng(3)
    scene = np.zeros((2 * 760, 2 * 1000, 3), np.float32)
    lay(scene, solid(wood(rng, *scene.shape[:2])), ((-20, 0), (1020, -30), (1120, 760), (-120, 760)), 1)
    lay(scene, sheet(rng, page), ((118, 176), (880, 62), (944, 562), (84, 690)), 4)
    return photographed(rng, scene, 0.3)


def keep(image: bytes, fields: list[FieldDefinition], folder: Path) -> None:
    """Adds the template to a store by the model's own steps."""
    model = Model(TextReader.load(resolve(find("general_ocr"), Settings.read()), "cpu"))
    model.configure(Settings(stores={"template": str(folder)}))
    item = model.preprocess(CustomOCRRequest(type="add", img=ImageBytes(image), template=fields))
    (output,) = model.predict([item])
    model.postprocess(output, item)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for template.png and example.jpg")
    out: Path = parser.parse_args().out
    template, query = (form({field.name: field.value[index] for field in FIELDS}) for index in (0, 1))
    template.quantize(64).save(out / "template.png", optimize=True)
    photograph(query).save(out / "example.jpg", quality=82)
    fields: list[FieldDefinition] = [
        (((left, top), (right, top), (right, bottom), (left, bottom)), name)
        for name, (left, top, right, bottom), _ in FIELDS
    ]
    keep((out / "template.png").read_bytes(), fields, out / "samples")
    sys.stdout.write(json.dumps(fields, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
