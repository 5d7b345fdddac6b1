"""Renders the pictures that ship with general_ocr and general_ocr_traditional, and their texts as .txt files.

It needs the Debian packages fonts-noto-cjk, fonts-wqy-zenhei, fonts-arphic-ukai and fonts-arphic-bkai00mp.
Run from the repository root: `python -m benchmarks.renders.ocr_example`. The sheets are drawn flat at twice
the size and laid into the scene in perspective with their shadows. The scene is then lit, scaled down,
blurred, made noisy and compressed, as by a telephone. All names, addresses and numbers are invented.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Pixels = NDArray[np.floating]  # (H, W, 3), 0..1, or (H, W) for masks
Corners = Sequence[tuple[float, float]]

Colour = tuple[float, float, float]

SCALE = 2  # drawing size over final size
FONTS = Path("/usr/share/fonts")
SANS_BOLD_SC, MONO_SC = (
    ("opentype/noto/NotoSansCJK-Bold.ttc", 2),
    ("opentype/noto/NotoSansCJK-Regular.ttc", 7),
)
HEI = ("truetype/wqy/wqy-zenhei.ttc", 0)
KAI_SC, KAI_TC = ("truetype/arphic/ukai.ttc", 0), ("truetype/arphic-bkai00mp/bkai00mp.ttf", 0)
SERIF_TC, SANS_BOLD_TC = ("opentype/noto/NotoSerifCJK-Bold.ttc", 3), ("opentype/noto/NotoSansCJK-Bold.ttc", 4)


@dataclass(frozen=True)
class Row:
    """A row of text cells, from left to right.

    One cell is centred, or at the left. Several cells are spread over the width. A row without cells is a
    dashed rule.
    """

    cells: tuple[str, ...]
    size: int = 26
    font: tuple[str, int] = MONO_SC
    left: bool = False


@dataclass(frozen=True)
class Sheet:
    """A flat object with text: pixels (H, W, 3) and alpha (H, W), both 0..1."""

    pixels: Pixels
    alpha: Pixels


RECEIPT = (
    Row(("青禾面馆",), 46, SANS_BOLD_SC),
    Row(("梧桐路店",), 28, HEI),
    Row(()),
    Row(("单号：0518036", "桌号：12")),
    Row(("时间：2024-05-18 12:36",), left=True),
    Row(("收银员：林小满", "人数：3")),
    Row(()),
    Row(("品名", "数量", "金额")),
    Row(("红烧牛肉面", "2碗", "56.00")),
    Row(("葱油拌面", "1碗", "18.00")),
    Row(("蟹粉小笼包", "1笼", "32.00")),
    Row(("凉拌黄瓜", "1份", "12.00")),
    Row(("桂花酸梅汤", "3杯", "27.00")),
    Row(()),
    Row(("消费合计", "145.00")),
    Row(("会员优惠", "-10.00")),
    Row(("实付金额", "¥135.00"), 34, SANS_BOLD_SC),
    Row(()),
    Row(("电话：0571-85550123",), left=True),
    Row(("地址：临江市梧桐路88号",), left=True),
    Row(("谢谢惠顾，欢迎再次光临！",), 26, HEI),
)
TABLE_SIGN = (Row(("欢迎光临",), 92, KAI_SC), Row(("扫码点餐", "请勿吸烟"), 34, HEI))
STREET_SIGN = (Row(("雲來街",), 92, SANS_BOLD_TC), Row(("WAN LOI STREET",), 40, SANS_BOLD_TC))
NOTICE = (
    Row(("營業時間更改通告",), 56, KAI_TC),
    Row(("親愛的顧客：",), 32, SERIF_TC, left=True),
    Row(("本店由九月一日起，營業時間改為",), 32, SERIF_TC, left=True),
    Row(("星期一至五", "上午七時至晚上九時"), 32, SERIF_TC),
    Row(("星期六、日", "上午八時至晚上十時"), 32, SERIF_TC),
    Row(("外賣電話：5550 0186", "滿$100免費送貨"), 32, SERIF_TC),
    Row(("不便之處，敬請見諒。多謝支持！",), 32, SERIF_TC, left=True),
    Row(("龍鳳麵包餐廳敬上",), 38, KAI_TC),
)


def solid(pixels: Pixels) -> Sheet:
    return Sheet(pixels, np.ones(pixels.shape[:2], np.float32))


def clouds(rng: np.random.Generator, height: int, width: int, cells: tuple[int, int]) -> Pixels:
    """Returns smooth random values with mean 0 and deviation about 1. cells: counts down and across."""
    coarse = rng.standard_normal((cells[0] + 1, cells[1] + 1)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def wood(rng: np.random.Generator, height: int, width: int) -> Pixels:
    """Draws vertical planks with seams."""
    grain = sum(
        weight * clouds(rng, height, width, (down, across))
        for weight, down, across in ((0.05, 3, 90), (0.04, 8, 400), (0.025, 30, width // 2))
    )
    tone = np.ones((height, width), np.float32) + np.asarray(grain, np.float32)
    plank = width // 5
    for start in range(0, width, plank):
        tone[:, start : start + plank] *= 1 + 0.1 * rng.uniform(-1, 1)
        tone[:, start : start + 6] *= 0.5
    tint = np.array((0.58, 0.40, 0.25), np.float32)
    return tone[..., None] ** np.array((0.9, 1.0, 1.15), np.float32) * tint


def tiles(rng: np.random.Generator, height: int, width: int, edge: int = 150) -> Pixels:
    """Draws square glazed wall tiles with grout between them."""
    tone = 1 + 0.03 * clouds(rng, height, width, (6, 8))
    for top in range(0, height, edge):
        for left in range(0, width, edge):
            cell = tone[top : top + edge, left : left + edge]
            cell *= 1 + 0.035 * rng.standard_normal()
            cell *= np.linspace(1.03, 0.97, cell.shape[0], dtype=np.float32)[:, None]
            cell[:7], cell[:, :7] = 0.72, 0.72
    tone = np.asarray(cv2.GaussianBlur(tone, (0, 0), 2), np.float32)
    return tone[..., None] * np.array((0.70, 0.74, 0.68), np.float32)


def font(face: tuple[str, int], size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(
        FONTS / face[0], size * SCALE, index=face[1], layout_engine=ImageFont.Layout.BASIC
    )


def typeset(rows: Sequence[Row], width: int, margin: int, leading: float = 1.6) -> Pixels:
    """Returns the ink, (H, W) 0..1, of rows printed under each other. width, margin: in final pixels."""
    width, margin = width * SCALE, margin * SCALE
    advance = [round(row.size * SCALE * leading) for row in rows]
    page = Image.new("L", (width, sum(advance) + 2 * margin))
    draw = ImageDraw.Draw(page)
    top = margin
    for row, step in zip(rows, advance, strict=True):
        middle = top + step // 2
        if not row.cells:
            for x in range(margin, width - margin, 24):
                draw.line((x, middle, x + 12, middle), 200, 3)
        for index, words in enumerate(row.cells):
            share = index / (len(row.cells) - 1) if len(row.cells) > 1 else 0.0 if row.left else 0.5
            x = round(margin + (width - 2 * margin) * share)
            anchor = {0.0: "lm", 1.0: "rm"}.get(share, "mm")
            draw.text((x, middle), words, 255, font(row.font, row.size), anchor)
        top += step
    return np.asarray(page, np.float32) / 255


def inked(rng: np.random.Generator, ink: Pixels, paper: Colour, colour: Colour) -> Sheet:
    """Prints the text on paper with slightly uneven ink; returns the printed sheet."""
    height, width = ink.shape
    cover = ink * np.clip(0.9 + 0.06 * clouds(rng, height, width, (9, 5)), 0.6, 1)
    base = np.ones((height, width, 1), np.float32) * np.array(paper, np.float32)
    base *= 1 + 0.008 * clouds(rng, height, width, (height // 8, width // 8))[..., None]
    return solid(base * (1 - cover[..., None]) + np.array(colour, np.float32) * cover[..., None])


def crumpled(rng: np.random.Generator, sheet: Sheet, depth: float) -> Sheet:
    """Bends the sheet by up to about `depth` pixels, with matching light and a fold across the middle."""
    height, width = sheet.alpha.shape
    bend = clouds(rng, height, width, (5, 2))
    shade = 1 + 0.035 * clouds(rng, height, width, (5, 2))
    fold = (np.arange(height, dtype=np.float32) - 0.47 * height) / 9
    shade *= (1 - 0.1 * np.exp(-(fold**2)) + 0.03 * np.exp(-((fold - 2.5) ** 2)))[:, None]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    moved = (x + depth * bend, y + 0.5 * depth * bend)
    pixels = cv2.remap(
        sheet.pixels * shade[..., None], *moved, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    alpha = cv2.remap(sheet.alpha, *moved, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return Sheet(np.asarray(pixels, np.float32), np.asarray(alpha, np.float32))


def torn(sheet: Sheet, tooth: int = 14) -> Sheet:
    """Cuts the zigzag lower edge that a receipt printer's blade leaves."""
    height, width = sheet.alpha.shape
    depth = np.abs(np.arange(width) % (2 * tooth) - tooth)
    keep = np.arange(height)[:, None] < (height - depth)[None, :]
    return Sheet(sheet.pixels, sheet.alpha * keep)


def plate(sheet: Sheet, radius: int, rim: Colour) -> Sheet:
    """Makes a sign of the sheet: rounded corners, an inner frame line and a gloss from the upper left."""
    height, width = sheet.alpha.shape
    shape, frame = Image.new("L", (width, height)), Image.new("L", (width, height))
    ImageDraw.Draw(shape).rounded_rectangle((2, 2, width - 3, height - 3), radius, 255)
    inset = radius // 2
    box = (inset, inset, width - inset, height - inset)
    ImageDraw.Draw(frame).rounded_rectangle(box, radius - inset // 2, outline=255, width=5)
    line = np.asarray(frame, np.float32)[..., None] / 255
    gloss = np.linspace(1.1, 0.92, width, dtype=np.float32)[None, :, None]
    pixels = (sheet.pixels * (1 - line) + np.array(rim, np.float32) * line) * gloss
    return Sheet(pixels, np.asarray(shape, np.float32) / 255)


def lay(scene: Pixels, sheet: Sheet, corners: Corners, lift: float) -> None:
    """Lays the sheet `lift` pixels above the scene. corners: clockwise from the top left, in final pixels."""
    height, width = scene.shape[:2]
    down, across = sheet.alpha.shape
    flat = np.array(((0, 0), (across, 0), (across, down), (0, down)), np.float32)
    matrix = cv2.getPerspectiveTransform(flat, np.array(corners, np.float32) * SCALE)
    pixels = cv2.warpPerspective(sheet.pixels * sheet.alpha[..., None], matrix, (width, height))
    alpha = np.asarray(cv2.warpPerspective(sheet.alpha, matrix, (width, height)), np.float32)
    for reach, strength in ((1, 0.45), (4, 0.3)):  # a narrow shadow near the edge, and a wide one
        offset = round(lift * reach * SCALE)
        cast = cv2.GaussianBlur(np.roll(alpha, (offset, offset), (0, 1)), (0, 0), lift * reach * SCALE)
        scene *= 1 - strength * cast[..., None]
    scene *= 1 - alpha[..., None]
    scene += pixels


def photographed(rng: np.random.Generator, scene: Pixels, dark_side: float) -> Image.Image:
    """Lights the scene from the upper left with a soft shadow in one corner, and adds a sensor's noise."""
    height, width = scene.shape[0] // SCALE, scene.shape[1] // SCALE
    view = cv2.resize(scene, (width, height), interpolation=cv2.INTER_AREA)
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j].astype(np.float32)
    light = 1.12 - dark_side * (0.6 * x + 0.4 * y)
    light *= 1 - 0.35 * ((x - 0.5) ** 2 + (y - 0.5) ** 2)  # vignette
    light *= 1 - 0.16 / (1 + np.exp(-(x + 0.7 * y - 1.35) / 0.035))  # someone's shadow
    view = view * light[..., None] * np.array((1.04, 1.0, 0.93), np.float32)
    view = np.asarray(cv2.GaussianBlur(view, (0, 0), 0.75), np.float32)
    grain = cv2.GaussianBlur(rng.standard_normal(view.shape).astype(np.float32), (0, 0), 0.6)
    view = view + grain * (0.012 + 0.018 * np.sqrt(np.clip(view, 0, 1)))
    return Image.fromarray((np.clip(view, 0, 1) * 255).astype(np.uint8))


def table_scene(rng: np.random.Generator) -> Image.Image:
    scene = np.zeros((1280 * SCALE, 960 * SCALE, 3), np.float32)
    lay(scene, solid(wood(rng, *scene.shape[:2])), ((-20, 0), (980, 0), (1110, 1280), (-150, 1280)), 1)
    ink = typeset(TABLE_SIGN, 560, 44, leading=1.2)
    sign = plate(inked(rng, ink, (0.46, 0.07, 0.07), (0.96, 0.80, 0.45)), 44, (0.88, 0.70, 0.36))
    lay(scene, sign, ((208, 45), (756, 62), (770, 302), (190, 284)), 5)
    paper = inked(rng, typeset(RECEIPT, 520, 30), (0.97, 0.96, 0.94), (0.15, 0.15, 0.19))
    lay(scene, crumpled(rng, torn(paper), 5), ((215, 335), (725, 352), (770, 1262), (168, 1240)), 4)
    return photographed(rng, scene, 0.32)


def wall_scene(rng: np.random.Generator) -> Image.Image:
    wall = tiles(rng, 960 * SCALE, 1280 * SCALE)
    sign = plate(inked(rng, typeset(STREET_SIGN, 620, 34, 1.2), (0.93,) * 3, (0.05,) * 3), 30, (0.05,) * 3)
    lay(wall, sign, ((300, 80), (920, 82), (919, 316), (299, 314)), 4)
    paper = inked(rng, typeset(NOTICE, 700, 44), (0.98, 0.96, 0.88), (0.12, 0.10, 0.13))
    lay(wall, crumpled(rng, paper, 4), ((262, 376), (962, 368), (967, 888), (267, 896)), 2)
    shade = np.full((40, 110), 0.6, np.float32)
    tape = Sheet(np.ones((40, 110, 1), np.float32) * np.array((0.86, 0.80, 0.62), np.float32), shade)
    for x, y, slope in ((272, 382, -16), (952, 374, 16)):
        upper, lower = (
            ((x - 40, y - 14 - slope), (x + 40, y - 14 + slope)),
            ((x + 40, y + 14 + slope), (x - 40, y + 14 - slope)),
        )
        lay(wall, tape, (*upper, *lower), 1)
    scene = np.zeros_like(wall)
    lay(scene, solid(wall), ((-30, -10), (1320, -80), (1340, 1050), (-20, 990)), 1)
    return photographed(rng, scene, 0.3)


def write(folder: Path, photograph: Image.Image, rows: Sequence[Row]) -> None:
    """Writes example.jpg, and example.txt with one line per run of text, in reading order."""
    photograph.save(folder / "example.jpg", quality=86)
    (folder / "example.txt").write_text("".join(f"{words}\n" for row in rows for words in row.cells), "utf-8")


def main() -> None:
    containers = Path(__file__).parents[2] / "containers"
    write(containers / "general_ocr", table_scene(np.random.default_rng(1)), TABLE_SIGN + RECEIPT)
    write(containers / "general_ocr_traditional", wall_scene(np.random.default_rng(2)), STREET_SIGN + NOTICE)


if __name__ == "__main__":
    main()
