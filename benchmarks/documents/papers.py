"""Chinese documents: a train ticket, a waybill, a business licence and a membership card."""

import math
from collections.abc import Mapping

import numpy as np

from .document import Document, Field
from .invented import (
    SCOPES,
    clock,
    code,
    company,
    day,
    joined,
    lines_of,
    long_address,
    mobile,
    number,
    one_of,
    person,
)
from .page import INK, Colour, Page, rng_of, star

SKY: Colour = (70, 130, 180)
GOLD: Colour = (176, 136, 56)
ORANGE: Colour = (226, 96, 30)
RED: Colour = (196, 40, 44)
WHITE: Colour = (255, 255, 255)
GREY: Colour = (112, 116, 122)
STATIONS = ("临江", "云溪东", "青川", "海陵南", "白沙北", "松原", "永宁西", "石门", "清水河")


def _train_ticket(page: Page, values: Mapping[str, str]) -> None:
    page.waves((0, 0, 1000, 640), (176, 208, 230), 11, 20, 60)
    page.draw.rectangle((0, 580, 1000, 640), SKY)
    page.words((500, 610), "仅供报销使用　遗失不补", 26, WHITE, "mm")
    page.words((820, 62), "检票口", 26)
    for x in (330, 880):
        page.words((x, 140), "站", 34)
    page.draw.line((410, 172, 610, 172), INK, 3)
    page.draw.line((590, 160, 610, 172), INK, 3)
    for x, y, words in ((390, 242, "开"), (212, 300, "元"), (60, 362, "限乘当日当次车")):
        page.words((x, y), words, 28)
    page.draw.rounded_rectangle((50, 470, 640, 560), 8, outline=GREY, width=2)
    page.words((345, 515), "买票请到车站窗口或手机客户端\n中途下车，票面无效", 22, GREY, "mm")
    page.square_code((780, 400, 940, 560), "".join(values.values()))


def _waybill(page: Page, values: Mapping[str, str]) -> None:
    page.draw.polygon([(40, 70), (110, 30), (84, 66), (120, 84)], ORANGE)
    page.heading((140, 58), "飞燕速运", 46, ORANGE)
    page.words((770, 58), "客服热线 95550", 26, GREY, "rm")
    for y in (104, 236, 350, 540, 690, 780):
        page.draw.line((24, y, 776, y), INK, 3)
    page.draw.rectangle((24, 104, 776, 976), outline=INK, width=3)
    page.bar_code((120, 118, 680, 186), values["运单号"])
    for y, word, colour in ((445, "收", INK), (615, "寄", GREY)):
        page.draw.ellipse((44, y - 34, 112, y + 34), fill=colour)
        page.heading((78, y), word, 40, WHITE, "mm")
    page.draw.line((130, 350, 130, 690), INK, 2)
    page.draw.line((400, 690, 400, 780), INK, 2)
    page.words((44, 735), "重量", 28)
    page.words((370, 735), "公斤", 28, anchor="rm")
    page.words((420, 735), "日期", 28)
    page.words((44, 820), "签收人：", 28)
    page.words((44, 880), "您的签名表示已检查\n包裹，确认外观完好。", 22, GREY)
    page.square_code((600, 800, 760, 960), values["运单号"])


def _business_licence(page: Page, values: Mapping[str, str]) -> None:
    for inset, width, colour in ((24, 8, GOLD), (40, 3, GOLD), (72, 3, GOLD)):
        page.draw.rectangle((inset, inset, 1400 - inset, 1000 - inset), outline=colour, width=width)
    for along in range(64, 1360, 24):
        for y in (56, 944):
            page.draw.ellipse((along - 9, y - 9, along + 9, y + 9), outline=GOLD, width=2)
    for along in range(64, 960, 24):
        for x in (56, 1344):
            page.draw.ellipse((x - 9, along - 9, x + 9, along + 9), outline=GOLD, width=2)
    for turn in np.linspace(0, 2 * math.pi, 24, endpoint=False):
        end = (700 + 66 * math.cos(turn), 150 + 66 * math.sin(turn))
        page.draw.line((700, 150, *end), (236, 206, 130), 6)
    page.draw.ellipse((650, 100, 750, 200), RED, GOLD, 4)
    page.draw.polygon(star((700, 150), 36), (250, 210, 80))
    page.heading((700, 268), "营　业　执　照", 76, anchor="mm")
    page.words((110, 130), "统一社会信用代码", 24)
    page.square_code((1150, 100, 1290, 240), "".join(values.values()))
    for x, y, label in (
        *((130, 380, "名　　称"), (130, 440, "类　　型"), (130, 500, "法定代表人"), (130, 590, "经营范围")),
        *((784, 380, "注册资本"), (784, 440, "成立日期"), (784, 511, "住　　所")),
    ):
        page.heading((x, y), label, 26, GOLD)
    page.words((930, 850), "登记机关", 28, GOLD, "rm")
    page.seal((1090, 810), 100, "临江市市场监督管理局", "", 0.8)
    page.words((130, 900), "市场主体应当于每年一月一日至六月三十日公示年度报告", 20, GREY)


def _membership_card(page: Page, values: Mapping[str, str]) -> None:
    """Draws the card; the head of the portrait looks different for every name."""
    page.draw.rectangle((0, 0, 960, 110), (30, 96, 84))
    page.draw.ellipse((36, 22, 104, 90), WHITE)
    page.draw.polygon([(70, 30), (92, 74), (48, 74)], (30, 96, 84))
    page.heading((126, 56), "云杉图书馆读者证", 42, WHITE)
    rng = rng_of(values["姓名"])
    page.draw.rectangle((690, 150, 910, 450), (196, 212, 224))
    skin, coat = rng.integers(150, 220, 2).tolist()
    page.draw.ellipse((740, 190, 860, 330), (40, 32, 30))
    page.draw.ellipse((752, 214, 848, 346), (skin + 30, skin, skin - 30))
    page.draw.pieslice((700, 350, 900, 550), 180, 360, (coat - 100, coat - 80, coat - 40))
    for y, label in ((180, "姓　名"), (250, "证　号"), (320, "单　位"), (400, "有效期")):
        page.words((60, y), label, 28, (30, 96, 84))
    page.bar_code((60, 470, 560, 540), values["证号"])


TRAIN_TICKET = Document(
    (1000, 640),
    ((214, 232, 244), (234, 240, 244)),
    _train_ticket,
    (
        Field("票号", (44, 34, 330, 90), code("A######"), 42, colour=RED),
        Field("检票口", (906, 36, 990, 88), one_of(("1A", "3B", "5A", "12B")), 30),
        Field("出发站", (70, 112, 320, 172), one_of(STATIONS), 44, "r", bold=True),
        Field(
            "车次", (420, 110, 600, 166), joined(one_of(("G", "D", "K")), number(10, 9000, ".0f")), 40, "m"
        ),
        Field("到达站", (624, 112, 870, 172), one_of(STATIONS), 44, "r", bold=True),
        Field("日期", (50, 216, 284, 268), day(), 28),
        Field("时间", (290, 216, 384, 268), clock, 28),
        Field("座位", (640, 216, 860, 268), code("0#车1#A号"), 30),
        Field("票价", (50, 274, 204, 326), joined("¥", number(9, 1900, ".1f")), 32),
        Field("席别", (640, 274, 860, 326), one_of(("二等座", "一等座", "商务座", "硬座")), 30),
        Field("证件号", (50, 392, 400, 444), code("######19########"), 30),
        Field("姓名", (420, 392, 600, 444), person, 32),
    ),
)
WAYBILL = Document(
    (800, 1000),
    (WHITE, (248, 248, 246)),
    _waybill,
    (
        Field("运单号", (200, 190, 600, 232), code("FY############"), 30, "m"),
        Field("路由", (40, 242, 760, 344), code("###-A##-##"), 76, "m", bold=True),
        Field("收件人", (140, 360, 330, 414), person, 34, bold=True),
        Field("收件电话", (350, 360, 660, 414), mobile, 34, bold=True),
        Field("收件地址", (140, 420, 764, 534), long_address, 32, lines=2),
        Field("寄件人", (140, 548, 330, 596), person, 28),
        Field("寄件电话", (350, 548, 660, 596), mobile, 28),
        Field("寄件地址", (140, 598, 764, 684), long_address, 28, lines=2),
        Field("重量", (120, 708, 300, 762), number(0.2, 90, ".1f"), 32),
        Field("日期", (490, 708, 764, 762), day("%Y-%m-%d"), 32),
    ),
)
BUSINESS_LICENCE = Document(
    (1400, 1000),
    ((252, 250, 240), (248, 242, 226)),
    _business_licence,
    (
        Field("信用代码", (100, 150, 470, 204), code("91####0#XX######XX"), 30),
        Field("名称", (280, 354, 770, 408), company, 28),
        Field("类型", (280, 414, 770, 468), one_of(("有限责任公司", "股份有限公司", "个人独资企业")), 30),
        Field("法定代表人", (280, 474, 600, 528), person, 30),
        Field("经营范围", (280, 546, 770, 800), lines_of(SCOPES, 2, 5), 30, lines=5),
        Field("注册资本", (905, 354, 1320, 408), joined(number(10, 9000, ".0f"), "万元"), 30),
        Field("成立日期", (905, 414, 1320, 468), day(), 30),
        Field("住所", (905, 480, 1320, 590), long_address, 28, lines=2),
        Field("登记日期", (950, 870, 1290, 924), day(), 30, "m"),
    ),
)
MEMBERSHIP_CARD = Document(
    (960, 580),
    ((240, 247, 244), (220, 234, 228)),
    _membership_card,
    (
        Field("姓名", (170, 152, 420, 208), person, 36, bold=True),
        Field("证号", (170, 222, 560, 278), code("R#########"), 32),
        Field("单位", (170, 292, 670, 348), company, 28),
        Field("有效期", (170, 372, 560, 428), joined("至", day("%Y.%m.%d")), 30),
    ),
)
