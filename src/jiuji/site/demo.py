"""Demo data: the example county with people, households, offices and one account a role. Nobody in it exists.

Identity numbers are made with the example county's code 150199, which was never given out, so none can be a real one.
"""

from __future__ import annotations

import datetime as dt
import random

from django.conf import settings
from django.db import transaction

from jiuji import clock
from jiuji.accounts.models import User
from jiuji.accounts.scope import everything
from jiuji.accounts.services import give_role, sign_delegation
from jiuji.divisions import services as divisions
from jiuji.divisions.models import Division, Office
from jiuji.people.models import Counter, Household, Membership, Person, RecognisedStatus, Schooling
from jiuji.people.services import pinyin_of

PASSWORD = "jiuji-demo-2026"
#: account, name, role, kind of office, division
ACCOUNTS = (
    ("cunwu", "乌力吉", "village_worker", "village", "150199100001"),
    ("chuangkou", "高娃", "window_clerk", "window", "150199100"),
    ("shenhe", "宝音", "township_reviewer", "township", "150199100"),
    ("xiangzhen", "斯琴", "township_approver", "township", "150199100"),
    ("jingban", "王秀英", "county_clerk", "civil_affairs", "150199"),
    ("shenpi", "其其格", "county_approver", "civil_affairs", "150199"),
    ("caizheng", "李建国", "county_finance", "finance", "150199"),
    ("heduiyuan", "张伟", "verification_officer", "verification", "150199"),
    ("mengshi", "那仁", "league_supervisor", "civil_affairs", "150100"),
    ("zizhiqu", "陈志强", "region_supervisor", "civil_affairs", "150000"),
    ("shenji", "刘芳", "auditor", "audit", "150199"),
    ("cishan", "娜仁花", "charity_worker", "charity", "150199"),
    ("guanli", "赵敏", "administrator", "civil_affairs", "150199"),
)
HAN_FAMILY = "王李张刘陈杨赵黄周吴徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾萧田董潘袁蔡蒋余于杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
HAN_MEN = [
    "建国",
    "建军",
    "志强",
    "志刚",
    "海龙",
    "永强",
    "文斌",
    "国庆",
    "金山",
    "玉柱",
    "俊杰",
    "浩然",
    "子轩",
    "宇航",
    "明辉",
    "立新",
    "春生",
    "长福",
    "德顺",
    "宏伟",
    "晓东",
    "振华",
    "铁柱",
    "福贵",
    "占山",
]
HAN_WOMEN = [
    "秀英",
    "桂兰",
    "玉梅",
    "淑芬",
    "丽娟",
    "红霞",
    "艳丽",
    "春花",
    "雪梅",
    "小燕",
    "婷婷",
    "佳怡",
    "梓涵",
    "欣怡",
    "美玲",
    "凤英",
    "翠花",
    "素珍",
    "海燕",
    "晓红",
    "爱华",
    "玉兰",
    "金花",
    "彩霞",
    "慧敏",
]
MONGOL_MEN = [
    "巴特尔",
    "苏和",
    "巴图",
    "朝鲁",
    "阿古拉",
    "宝力道",
    "额尔敦",
    "孟和",
    "特木尔",
    "哈斯",
    "乌恩",
    "布和",
    "达来",
    "呼和",
    "满都拉",
    "那顺",
    "恩和",
    "格日勒图",
    "吉日嘎拉",
    "扎那",
    "呼日勒",
    "青格勒",
    "毕力格",
    "图雅图",
    "敖其尔",
    "斯日古楞",
    "赛音",
    "道尔吉",
    "旺其格",
    "图门",
]
MONGOL_WOMEN = [
    "乌日娜",
    "萨仁",
    "娜仁",
    "其木格",
    "高娃",
    "托娅",
    "斯琴",
    "乌云",
    "萨日娜",
    "琪琪格",
    "阿茹娜",
    "塔娜",
    "金花",
    "哈斯其其格",
    "娜布其",
    "乌兰",
    "通拉嘎",
    "苏日娜",
    "格根",
    "敖登",
    "海棠",
    "索龙嘎",
    "南丁",
    "萨如拉",
    "牡丹",
    "其其格",
    "莲花",
    "诺敏",
    "额尔登其木格",
    "都兰",
]


def identity_number(random_: random.Random, birthday: dt.date, sex: str, serial: int) -> str:
    """A number with a right checksum under a code that was never given out."""
    order = (serial * 2 + (1 if sex == "m" else 0)) % 1000
    body = f"150199{birthday:%Y%m%d}{order:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(c) * w for c, w in zip(body, weights, strict=True)) % 11]


class _Town:
    """Names and people drawn from one seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.given: dict[tuple[dt.date, str], int] = {}

    def name(self, sex: str, mongol: bool, family: str = "") -> str:
        if mongol:
            return self.random.choice(MONGOL_MEN if sex == "m" else MONGOL_WOMEN)
        return (family or self.random.choice(HAN_FAMILY)) + self.random.choice(HAN_MEN if sex == "m" else HAN_WOMEN)

    def birthday(self, low: int, high: int) -> dt.date:
        year = clock.today().year - self.random.randint(low, high)
        return dt.date(year, self.random.randint(1, 12), self.random.randint(1, 28))

    def person(self, name: str, sex: str, birthday: dt.date, mongol: bool, place: Division) -> Person:
        serial = self.given[birthday, sex] = self.given.get((birthday, sex), -1) + 1
        made = Person(
            name=name,
            pinyin=pinyin_of(name),
            sex=sex,
            birthday=birthday,
            ethnicity="蒙古族" if mongol else "汉族",
            identity_number=identity_number(self.random, birthday, sex, serial),
            phone=f"199{self.random.randint(0, 99999999):08d}",
            division=place,
            division_code=place.code,
            address=f"{self.random.randint(1, 9)} 组 {self.random.randint(1, 120)} 号",
        )
        return made


@transaction.atomic
def make(seed: int = 1, households: int = 2000, *, if_empty: bool = False) -> str:
    """The demo data, in one transaction. Refused outside demo mode and where there are data already."""
    if not settings.DEMO:
        raise RuntimeError("演示数据只在 JIUJI_DEMO=1 时建立。Demo data are made with JIUJI_DEMO=1 only.")
    with everything("demo data"):
        if Division.objects.exists():
            if if_empty:
                return "已有数据 there are data already"
            raise RuntimeError("数据库不是空的。The database is not empty.")
        since = dt.date(2018, 9, 11)
        divisions.import_shipped(since)
        divisions.import_example(since)
        divisions.open_offices(since)
        divisions.open_offices(since, example=True)
        _accounts()
        count = _people(random.Random(seed).randint(0, 2**31), households)
    return f"{households:,} 户 households，{count:,} 人 people，{len(ACCOUNTS)} 个账号 accounts"


def _accounts() -> None:
    county = Division.objects.get(code="150199", valid_until=None)
    Office.objects.create(name="示例旗慈善总会", kind="charity", division=county, valid_from=dt.date(2018, 9, 11))
    from django.contrib.auth.hashers import make_password

    hashed = make_password(PASSWORD)
    for username, name, role, kind, code in ACCOUNTS:
        division = Division.objects.get(code=code, valid_until=None)
        office = Office.objects.filter(division=division, kind=kind).first()
        assert office is not None, (kind, code)
        user = User.objects.create(username=username, name=name, password=hashed)
        give_role(user, role, office, division, since=dt.date(2026, 1, 1))
    signer = User.objects.get(username="shenpi")
    for number, code in enumerate(("150199100", "150199101"), 1):
        sign_delegation(
            county=county,
            township=Division.objects.get(code=code, valid_until=None),
            document=f"示例旗民委托〔2026〕{number} 号",
            signed_on=dt.date(2026, 1, 5),
            signer=signer,
            since=dt.date(2026, 1, 10),
            until=None,
            limit_emergency=500_000,
            limit_expenditure=300_000,
        )


def _people(seed: int, count: int) -> int:
    town = _Town(seed)
    draw = town.random
    villages = list(Division.objects.filter(code__startswith="150199", level="village", valid_until=None))
    people: list[Person] = []
    homes: list[tuple[Household, list[tuple[Person, str]]]] = []
    for number in range(1, count + 1):
        place = draw.choice(villages)
        mongol = draw.random() < (0.7 if place.name.endswith("嘎查") else 0.25)
        family = draw.choice(HAN_FAMILY)
        sex = "m" if draw.random() < 0.75 else "f"
        head = town.person(town.name(sex, mongol, family), sex, town.birthday(28, 82), mongol, place)
        members = [(head, "head")]
        if draw.random() < 0.72:
            other = "f" if sex == "m" else "m"
            spouse_mongol = mongol if draw.random() < 0.9 else not mongol
            age = clock.today().year - head.birthday.year  # type: ignore[union-attr]
            born = town.birthday(max(22, age - 6), max(23, age + 4))
            members.append((town.person(town.name(other, spouse_mongol), other, born, spouse_mongol, place), "spouse"))
        for _child in range(draw.choices((0, 1, 2, 3), (35, 35, 24, 6))[0]):
            child = draw.choice("mf")
            born = town.birthday(1, 25)
            members.append(
                (
                    town.person(town.name(child, mongol, family), child, born, mongol, place),
                    "son" if child == "m" else "daughter",
                )
            )
        if draw.random() < 0.15:
            parent = draw.choice("mf")
            members.append(
                (town.person(town.name(parent, mongol, family), parent, town.birthday(60, 92), mongol, place), "parent")
            )
        opened = dt.date(draw.randint(2019, 2026), draw.randint(1, 10), draw.randint(1, 28))
        home = Household(
            number=f"150199-H{number:07d}",
            division=place,
            division_code=place.code,
            address=head.address,
            opened_on=opened,
            head_name=head.name,
            size=len(members),
        )
        for person, _relation in members:
            person.address = head.address
        people += [p for p, _ in members]
        homes.append((home, members))
    Person.everyone.bulk_create(people, batch_size=500)
    Household.everyone.bulk_create([h for h, _ in homes], batch_size=500)
    Membership.objects.bulk_create(
        [
            Membership(household=h, person=p, relation=r, since=max(h.opened_on, p.birthday or h.opened_on))
            for h, members in homes
            for p, r in members
        ],
        batch_size=500,
    )
    statuses, schooling = [], []
    for home, members in homes:
        kind = draw.choices(("", "dibao", "tekun", "dibao_margin", "monitoring"), (80, 11, 2, 4, 3))[0]
        if kind:
            statuses.append(RecognisedStatus(household=home, kind=kind, since=home.opened_on, source="演示"))
        for person, relation in members:
            age = person.age_on(clock.today()) or 0
            if relation in ("son", "daughter"):
                stage = next((s for low, high, s in STAGES if low <= age <= high), "")
                if stage:
                    schooling.append(Schooling(person=person, stage=stage, since=dt.date(2026, 9, 1)))
    RecognisedStatus.objects.bulk_create(statuses, batch_size=500)
    Schooling.objects.bulk_create(schooling, batch_size=500)
    Counter.objects.update_or_create(name="household-150199", defaults={"last": count})
    return len(people)


STAGES = ((3, 5, "preschool"), (6, 14, "compulsory"), (15, 17, "senior_high"), (18, 22, "college"))
