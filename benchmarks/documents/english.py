"""The kinds of document in English."""

from collections.abc import Mapping

import cv2
import numpy as np

from .document import Document, Field
from .invented import (
    AIRPORTS,
    POSTS,
    WARES,
    clock,
    code,
    day,
    english_address,
    english_name,
    joined,
    mail,
    number,
    one_of,
)
from .page import Colour, Page

GREY: Colour = (110, 116, 126)
NAVY: Colour = (24, 62, 120)
TEAL: Colour = (10, 110, 112)
WHITE: Colour = (255, 255, 255)


def _boarding_pass(page: Page, values: Mapping[str, str]) -> None:
    page.draw.rectangle((0, 0, 1300, 92), NAVY)
    page.draw.polygon([(40, 68), (112, 22), (98, 52), (132, 60)], (240, 180, 60))
    page.heading((150, 46), "ALDERWING AIR", 40, WHITE)
    page.words((800, 46), "BOARDING PASS", 34, WHITE, "rm")
    page.words((1080, 46), "BOARDING PASS", 26, WHITE, "mm")
    for x, y, label in (
        *((50, 130, "PASSENGER NAME"), (50, 232, "FROM"), (330, 232, "TO"), (600, 130, "DATE")),
        *((50, 368, "FLIGHT"), (230, 368, "GATE"), (380, 368, "BOARDING TIME"), (640, 368, "SEAT")),
        *(
            (895, 130, "SEQUENCE"),
            (895, 232, "CABIN"),
            (895, 330, "BOOKING REF"),
        ),
    ):
        page.words((x, y), label, 20, GREY)
    page.draw.line((210, 285, 290, 285), NAVY, 4)
    page.draw.polygon([(290, 275), (290, 295), (312, 285)], NAVY)
    page.words((600, 285), "ECONOMY CLASS", 24, NAVY)
    page.words((895, 268), "ECONOMY", 28, NAVY)
    page.dashes((870, 92), (870, 560), GREY)
    page.bar_code((50, 468, 560, 536), "".join(values.values()))
    page.words((590, 502), "Gate closes 15 minutes\nbefore departure", 20, GREY)
    page.square_code((1130, 400, 1260, 530), "".join(values.values()))
    page.words((895, 500), "Keep this part\nuntil you arrive", 20, GREY)


def _business_card(page: Page, values: Mapping[str, str]) -> None:
    page.draw.polygon([(70, 150), (120, 60), (170, 150)], TEAL)
    page.draw.polygon([(120, 150), (165, 70), (210, 150)], (230, 150, 60))
    page.heading((900, 106), "Larkfield Studio", 38, TEAL, "rm")
    page.draw.line((70, 300, 900, 300), (200, 205, 208), 2)


def _invoice(page: Page, values: Mapping[str, str]) -> None:
    page.draw.rectangle((0, 0, 26, 1000), TEAL)
    page.draw.ellipse((70, 50, 150, 130), TEAL)
    page.draw.ellipse((92, 72, 128, 108), WHITE)
    page.heading((170, 76), "Quillmark Supplies Ltd", 34, TEAL)
    page.words((170, 114), "7 Foundry Yard, Eastmere", 20, GREY)
    page.heading((760, 90), "INVOICE", 56, TEAL, "rm")
    for x, y, label, anchor in (
        (70, 190, "Billed to", "lm"),
        *(
            (600, 200, "Invoice number", "rm"),
            (600, 256, "Date of issue", "rm"),
            (600, 312, "Due date", "rm"),
        ),
        *((540, 672, "Subtotal", "rm"), (540, 722, "VAT 20%", "rm")),
        (70, 846, "Payment within 30 days to account 4410 2277", "lm"),
    ):
        page.words((x, y), label, 22, GREY, anchor)
    page.draw.rectangle((70, 380, 760, 426), TEAL)
    for x, label, anchor in ((86, "Description", "lm"), (560, "Quantity", "rm"), (744, "Amount", "rm")):
        page.words((x, 403), label, 24, WHITE, anchor)
    for y in (500, 570, 640):
        page.draw.line((70, y, 760, y), (205, 210, 212), 2)
    page.draw.rectangle((400, 752, 760, 806), (226, 240, 238))
    page.heading((420, 779), "Total due", 26, TEAL)
    page.draw.line((70, 900, 330, 900), GREY, 2)
    page.words((70, 924), "Authorised signature", 20, GREY)


def _voucher(page: Page, values: Mapping[str, str]) -> None:
    """Draws a picture of hills at dusk, which has hardly a word."""
    sky = np.linspace((40, 44, 92), (244, 150, 96), 620).astype(np.float32)
    scene = np.repeat(sky[:, None], 1000, axis=1)
    cv2.circle(scene, (720, 330), 80, (255, 226, 160), -1, cv2.LINE_AA)
    x = np.arange(1000)
    for base, height, period, colour in (
        (400, 60, 90, (120, 80, 110)),
        (460, 45, 60, (76, 60, 96)),
        (520, 30, 130, (40, 44, 70)),
    ):
        ridge = base - height * (np.sin(x / period) + 0.6 * np.sin(x / period * 2.3 + base))
        ends = ([0, *x, 999], [619, *ridge, 619])
        cv2.fillPoly(scene, [np.transpose(ends).astype(np.int32)], colour, cv2.LINE_AA)
    page.picture(scene.astype(np.uint8), (0, 0))
    page.draw.ellipse((50, 44, 130, 124), outline=WHITE, width=5)
    page.draw.polygon([(90, 54), (112, 100), (68, 100)], WHITE)


BOARDING_PASS = Document(
    (1300, 560),
    ((250, 251, 253), (236, 241, 248)),
    _boarding_pass,
    (
        Field("passenger", (44, 146, 560, 206), english_name, 36, bold=True),
        Field("date", (592, 146, 850, 206), day("%d %b %Y"), 32),
        Field("from", (44, 248, 196, 322), one_of(AIRPORTS), 56, bold=True),
        Field("to", (324, 248, 476, 322), one_of(AIRPORTS), 56, bold=True),
        Field("flight", (44, 386, 210, 440), code("AW####"), 34),
        Field("gate", (224, 386, 360, 440), code("A##"), 34),
        Field("boarding", (374, 386, 600, 440), clock, 34, bold=True),
        Field("seat", (634, 386, 780, 440), code("##K"), 34),
        Field("booking", (886, 348, 1120, 398), code("XXXXXX"), 32),
        Field("sequence", (886, 146, 1120, 196), code("###"), 32),
    ),
    latin=True,
)
BUSINESS_CARD = Document(
    (960, 580),
    ((253, 253, 252), (247, 247, 245)),
    _business_card,
    (
        Field("name", (60, 180, 560, 240), english_name, 42, bold=True),
        Field("post", (60, 240, 560, 288), one_of(POSTS), 28, colour=TEAL),
        Field("telephone", (60, 330, 460, 382), code("+44 55 ### ####"), 28),
        Field("mail", (60, 392, 460, 444), mail, 28),
        Field("address", (540, 330, 910, 446), english_address, 28, "r", lines=2),
    ),
    latin=True,
)
INVOICE = Document(
    (800, 1000),
    ((255, 255, 255), (250, 250, 248)),
    _invoice,
    (
        Field("billed to", (60, 206, 420, 350), joined(english_name, "\n", english_address), lines=3),
        Field("number", (608, 176, 780, 224), code("Q#####"), 28),
        Field("issued", (608, 232, 780, 280), day("%d.%m.%Y"), 28),
        Field("due", (608, 288, 780, 336), day("%d.%m.%Y"), 28),
        Field("first item", (76, 440, 480, 490), one_of(WARES)),
        Field("first amount", (590, 440, 756, 490), number(8, 4000), 28, "r"),
        Field("second item", (76, 510, 480, 560), one_of(WARES)),
        Field("second amount", (590, 510, 756, 560), number(8, 4000), 28, "r"),
        Field("subtotal", (560, 648, 756, 696), number(40, 9000), 28, "r"),
        Field("tax", (560, 700, 756, 746), number(20, 999), 28, "r"),
        Field("total", (560, 754, 756, 804), number(100, 99999), 32, "r", bold=True),
    ),
    latin=True,
)
VOUCHER = Document(
    (1000, 620),
    (WHITE, WHITE),
    _voucher,
    (
        Field("amount", (720, 44, 960, 130), number(10, 500, ".0f"), 64, "r", WHITE, True),
        Field("code", (40, 540, 480, 606), code("XXXX XXXX XXXX"), 36, "l", WHITE),
        Field("valid until", (700, 540, 970, 606), day("%d.%m.%Y"), 34, "r", WHITE),
    ),
    latin=True,
)
