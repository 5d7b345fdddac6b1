"""Chinese documents about money: a VAT invoice, a taxi receipt and a supermarket receipt."""

from collections.abc import Mapping

from .document import Document, Field
from .invented import (
    GOODS,
    GROCERIES,
    clock,
    code,
    company,
    day,
    in_words,
    joined,
    lines_of,
    number,
    person,
)
from .page import Colour, Page, rng_of

BROWN: Colour = (138, 72, 36)
BLUE: Colour = (40, 62, 130)
RED: Colour = (196, 40, 44)
GREY: Colour = (120, 122, 126)
PARTY = ("名　　称：", "纳税人识别号：", "地址、电话：", "开户行及账号：")
COLUMNS = (40, 470, 620, 720, 850, 1090, 1190, 1360)


def _vat_invoice(page: Page, values: Mapping[str, str]) -> None:
    page.waves((0, 0, 1400, 900), (240, 232, 222), 18, 10, 120)
    page.square_code((56, 36, 176, 156), "".join(values.values()))
    page.heading((690, 66), "临江增值税电子普通发票", 48, BROWN, "mm")
    for y in (106, 114):
        page.draw.line((400, y, 980, y), BROWN, 3)
    for y, label in ((48, "发票代码："), (96, "发票号码："), (144, "开票日期："), (190, "校 验 码：")):
        page.words((1130, y), label, 24, BROWN, "rm")
    page.words((1130, 190), "请到税务网站查验", 22, GREY)
    _vat_table(page)
    secret = rng_of("".join(values.values()))
    cipher = ["".join(secret.choice(list("0123456789*/+-<>"), 26)) for _ in range(4)]
    page.words((912, 294), "\n".join(cipher), 26, GREY)
    page.seal((1180, 770), 88, "临江市百货贸易有限公司", "发票专用章", 0.7)


def _vat_table(page: Page) -> None:
    for box in ((40, 216, 1360, 846), (44, 220, 1356, 842)):
        page.draw.rectangle(box, outline=BROWN, width=2)
    page.grid((40, 1360), (216, 370, 412, 590, 636, 696, 846), BROWN)
    page.grid(COLUMNS, (370, 636), BROWN)
    for top, bottom, title in ((216, 370, "购买方"), (696, 846, "销售方")):
        page.grid((92, 850, 896), (top, bottom), BROWN)
        page.column(66, top + 26, title, 28, BROWN)
        for index, label in enumerate(PARTY):
            page.words((106, top + 21 + index * 38), label, 22, BROWN)
    page.column(873, 238, "密码区", 28, BROWN)
    page.column(873, 730, "备注", 30, BROWN)
    heads = ("项目名称", "规格型号", "单位", "数量", "金　额", "税率", "税　额")
    for left, right, head in zip(COLUMNS[:-1], COLUMNS[1:], heads, strict=True):
        page.words(((left + right) / 2, 391), head, 24, BROWN, "mm")
    for x, word in zip((545, 670, 785, 1140), ("A4", "件", "1", "13%"), strict=True):
        page.words((x, 450), word, 26, anchor="mm")
    for x, y, label in (
        *((300, 613, "合　　计"), (240, 666, "价税合计（大写）"), (985, 666, "（小写）¥")),
        *((150, 874, "收款人：周小满"), (560, 874, "复核：吴建国")),
    ):
        page.words((x, y), label, 24, BROWN, "mm")
    page.words((880, 874), "开票人：", 24, BROWN)


def _taxi_receipt(page: Page, values: Mapping[str, str]) -> None:
    page.waves((0, 0, 620, 980), (236, 214, 196), 12, 16, 50)
    page.heading((310, 60), "云溪市出租汽车专用发票", 42, RED, "mm")
    page.words((310, 116), "发　票　联", 32, RED, "mm")
    page.seal((310, 178), 62, "全国统一发票监制章", "", 0.6)
    page.words((60, 262), "发票代码", 26, BLUE)
    page.words((60, 316), "发票号码", 26, BLUE)
    page.dashes((40, 350), (580, 350), GREY)
    labels = ("单位", "车号", "证号", "日期", "上车", "下车", "单价", "里程", "金额")
    for index, label in enumerate(labels):
        page.words((70, 386 + 58 * index), label, 30, BLUE)
    for y, unit in ((734, "元/公里"), (792, "公里"), (850, "元")):
        page.words((560, y), unit, 26, BLUE, "rm")
    page.draw.rectangle((0, 900, 620, 980), (244, 190, 120))
    page.words((310, 940), "服务监督电话：55512345", 26, RED, "mm")


def _supermarket_receipt(page: Page, values: Mapping[str, str]) -> None:
    page.heading((310, 60), "四季春生活超市", 48, anchor="mm")
    page.words((310, 112), "白沙市学府大道店", 26, anchor="mm")
    for y in (204, 540, 760):
        page.dashes((30, y), (590, y), GREY)
    for y, label in ((160, "单号："), (234, "时间："), (580, "合计："), (634, "实收："), (700, "收银员：")):
        page.words((44, y), label, 28)
    page.bar_code((110, 790, 510, 870), values["单号"])
    page.words((310, 910), "谢谢惠顾　欢迎再来", 30, anchor="mm")


VAT_INVOICE = Document(
    (1400, 900),
    ((253, 251, 246), (250, 246, 238)),
    _vat_invoice,
    (
        Field("发票代码", (1124, 24, 1360, 70), code("0##002######"), 28),
        Field("发票号码", (1124, 74, 1360, 118), code("########"), 28),
        Field("开票日期", (1124, 122, 1380, 168), day(), 28),
        Field("购买方名称", (286, 218, 840, 256), company, 28),
        Field("购买方税号", (286, 256, 840, 294), code("91####0#XX######XX"), 28),
        Field("项目名称", (46, 420, 464, 580), lines_of(GOODS, 1, 3), 30, lines=3),
        Field("金额", (854, 420, 1086, 480), number(100, 99999), 30, "r"),
        Field("税额", (1194, 420, 1354, 480), number(10, 9999), 30, "r"),
        Field("大写合计", (350, 640, 880, 692), in_words, 30),
        Field("小写合计", (1040, 640, 1340, 692), number(100, 99999), 30),
        Field("销售方名称", (286, 698, 840, 736), company, 28),
        Field("销售方税号", (286, 736, 840, 774), code("91####0#XX######XX"), 28),
        Field("开票人", (970, 850, 1110, 896), person, 28),
    ),
)
TAXI_RECEIPT = Document(
    (620, 980),
    ((252, 240, 226), (250, 232, 212)),
    _taxi_receipt,
    (
        Field("发票代码", (200, 238, 560, 288), code("1##0#######1"), 32),
        Field("发票号码", (200, 292, 560, 342), code("########"), 32),
        Field("单位", (160, 360, 560, 412), joined(code("####"), "车队"), 30),
        Field("车号", (160, 418, 560, 470), code("云A·X####"), 32),
        Field("证号", (160, 476, 560, 528), code("######"), 32),
        Field("日期", (160, 534, 560, 586), day("%Y年%m月%d日"), 32),
        Field("上车", (160, 592, 560, 644), clock, 32),
        Field("下车", (160, 650, 560, 702), clock, 32),
        Field("单价", (160, 708, 430, 760), number(2, 4), 32),
        Field("里程", (160, 766, 430, 818), number(2, 90, ".1f"), 32),
        Field("金额", (160, 824, 430, 876), number(11, 300), 34, bold=True),
    ),
)
SUPERMARKET_RECEIPT = Document(
    (620, 960),
    ((250, 250, 248), (244, 244, 242)),
    _supermarket_receipt,
    (
        Field("单号", (130, 136, 560, 184), code("##########"), 28),
        Field("时间", (130, 210, 560, 258), joined(day("%Y-%m-%d"), " ", clock), 28),
        Field(
            "商品",
            (36, 290, 580, 520),
            lines_of(GROCERIES, 2, 5, joined(" ", number(3, 90), "元")),
            30,
            lines=5,
        ),
        Field("合计", (130, 552, 400, 608), number(20, 900), 36, bold=True),
        Field("实收", (130, 610, 400, 658), number(20, 900), 28),
        Field("收银员", (160, 676, 400, 724), person, 28),
    ),
)
