"""Invented values: names, companies, addresses, numbers. Codes have no letters that look like digits."""

import re
from collections.abc import Callable, Sequence
from datetime import date, timedelta

import numpy as np

Rng = np.random.Generator
Invent = Callable[[Rng], str]

SURNAMES = "王李张刘陈杨赵周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯董萧程曹袁邓许傅沈曾彭"
GIVEN = "小满文静志强雨桐嘉宁海峰晓东雪梅建华思远明轩佳怡春林立新晨光雅琴国庆子涵"
CITIES = ("临江市", "云溪市", "青川市", "海陵市", "白沙市", "松原县", "永宁市")
DISTRICTS = ("东湖区", "新城区", "南山镇", "高新区", "河西区")
STREETS = ("梧桐路", "人民路", "和平街", "学府大道", "长安北路", "月桂巷", "工业园三路")
BRANDS = ("青禾", "远帆", "明德", "星海", "瑞和", "天问", "百川", "云杉", "金穗", "四季春")
TRADES = ("贸易", "科技", "电子商务", "餐饮管理", "建筑工程", "文化传播", "食品", "机械设备")
GOODS = ("办公用品", "打印纸", "会议桌椅", "茶叶礼盒", "空调维修服务", "技术咨询费", "不锈钢水杯")
GROCERIES = ("鲜牛奶", "全麦面包", "红富士苹果", "东北大米", "海盐饼干", "绿豆糕", "洗衣液", "番茄")
SCOPES = (
    "计算机软硬件的技术开发",
    "日用百货、办公用品的批发与零售",
    "餐饮服务、会议服务",
    "货物进出口业务",
    "机械设备租赁与维修",
    "农副产品的收购与销售",
    "企业管理咨询服务",
)
FIRST = ("Emma", "Daniel", "Harriet", "Marcus", "Helen", "Peter", "Maria", "Anthony", "Grace", "Thomas")
LAST = ("Hartwell", "Moreau", "Ferndale", "Brandt", "Underwood", "Keane", "Ashby", "Tanaka", "Marsh")
POSTS = ("Head of Design", "Senior Engineer", "Sales Manager", "Partner", "Research Director", "Accountant")
WARES = ("Copy paper A4", "Desk lamp", "Oak shelf", "Ink cartridges", "Envelopes", "Office chair")
LANES = ("Harbour Street", "Orchard Road", "Market Square", "Beacon Avenue", "Chapel Court")
TOWNS = ("Thornbury", "Eastmere", "Port Arden", "Greyford", "Marlow Bay")
AIRPORTS = ("PEK", "MUC", "ARN", "DXB", "NRT", "HEL", "YYC", "CPT", "AKL", "GRU")
TEXT_DIGITS = "零壹贰叁肆伍陆柒捌玖"


def one_of(choices: Sequence[str]) -> Invent:
    return lambda rng: str(rng.choice(list(choices)))


def code(pattern: str) -> Invent:
    """Fills a pattern: # is a digit, A a letter, X a letter or a digit; the rest stays.

    X avoids digits and letters that look alike.
    """
    letters = "ACDEFGHJKLMNPRTUWXY"
    alphabet = {"#": "0123456789", "A": letters, "X": "23456789" + letters}
    return lambda rng: "".join(str(rng.choice(list(alphabet.get(sign, sign)))) for sign in pattern)


def joined(*parts: Invent | str) -> Invent:
    return lambda rng: "".join(part if isinstance(part, str) else part(rng) for part in parts)


def lines_of(choices: Sequence[str], least: int, most: int, after: Invent | str = "") -> Invent:
    """Picks different choices, one a line; `after` is added to each line."""

    def invent(rng: Rng) -> str:
        chosen = rng.choice(list(choices), rng.integers(least, most + 1), replace=False)
        return "\n".join(line + (after if isinstance(after, str) else after(rng)) for line in chosen)

    return invent


def day(form: str = "%Y年%m月%d日") -> Invent:
    return lambda rng: (date(2018, 1, 1) + timedelta(int(rng.integers(3000)))).strftime(form)


def clock(rng: Rng) -> str:
    return f"{rng.integers(6, 23):02}:{rng.integers(60):02}"


def number(low: float, high: float, form: str = ".2f") -> Invent:
    """Invents numbers that are evenly spread over orders of magnitude, so that their lengths differ."""
    return lambda rng: format(float(np.exp(rng.uniform(np.log(low), np.log(high)))), form)


def in_words(rng: Rng) -> str:
    """Invents an amount below 100,000 yuan in the characters that invoices use."""
    digits = f"{int(10 ** rng.uniform(2.3, 5))}"
    units = "万仟佰拾元"[-len(digits) :]
    words = "".join(
        TEXT_DIGITS[int(digit)] + (unit if digit != "0" else "")
        for digit, unit in zip(digits, units, strict=True)
    )
    return re.sub("零+", "零", words).rstrip("零元") + "元整"


def person(rng: Rng) -> str:
    return str(rng.choice(list(SURNAMES))) + "".join(rng.choice(list(GIVEN), rng.integers(1, 3)))


def company(rng: Rng) -> str:
    city, brand, trade = (str(rng.choice(list(words))) for words in (CITIES, BRANDS, TRADES))
    form = str(rng.choice(["有限公司", "有限责任公司", "股份有限公司"]))
    return city[: int(rng.integers(2, 4))] + brand + trade + form


def address(rng: Rng) -> str:
    city, district, street = (str(rng.choice(list(words))) for words in (CITIES, DISTRICTS, STREETS))
    return f"{city}{district}{street}{rng.integers(1, 900)}号"


def long_address(rng: Rng) -> str:
    """Invents an address of one or two lines."""
    flat = f"{rng.integers(1, 30)}栋{rng.integers(1, 5)}单元{rng.integers(101, 2900)}室"
    return address(rng) + ("\n" + flat if rng.random() < 0.7 else "")


def mobile(rng: Rng) -> str:
    return str(rng.choice(["136", "138", "157", "186", "199"])) + code("########")(rng)


def english_name(rng: Rng) -> str:
    return f"{rng.choice(FIRST)} {rng.choice(LAST)}"


def english_address(rng: Rng) -> str:
    """Invents an address of two lines."""
    return f"{rng.integers(1, 300)} {rng.choice(LANES)}\n{rng.choice(TOWNS)}"


def mail(rng: Rng) -> str:
    return f"{rng.choice(FIRST)}@larkfield.example".lower()
