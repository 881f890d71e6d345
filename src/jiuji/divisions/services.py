"""What may be done: import the divisions of a year, import days off."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from django.db import transaction

from jiuji.rulebook.calendar import read_calendar_csv

from .models import ORDER, CalendarDay, Division, Office

DATA = Path(__file__).with_name("data")
LENGTHS = {"region": 6, "league": 6, "county": 6, "township": 9, "village": 12}


class ImportRefused(ValueError):
    """A table that cannot be imported: every fault with its row. Nothing was written."""

    def __init__(self, faults: list[tuple[int, str, str]]) -> None:
        super().__init__("; ".join(f"row {row}: {en}" for row, _, en in faults[:20]))
        self.faults = faults

    def lines(self, lang: str = "zh") -> list[str]:
        return [f"第 {row} 行：{zh}" if lang == "zh" else f"Row {row}: {en}" for row, zh, en in self.faults]


@dataclass
class Imported:
    """What an import came to."""

    added: int = 0
    renamed: int = 0
    moved: int = 0
    ended: int = 0
    kept: int = 0
    notes: list[str] = field(default_factory=list)


def read_divisions(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV with the columns code, name, parent, level. Raises ImportRefused."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        missing = {"code", "name", "parent", "level"} - set(reader.fieldnames or [])
        if missing:
            raise ImportRefused(
                [(1, f"缺少列 {'、'.join(sorted(missing))}", f"the columns {', '.join(sorted(missing))} are missing")]
            )
        return [{k: (v or "").strip() for k, v in row.items() if k} for row in reader]


def check_divisions(rows: list[dict[str, str]], known: Iterable[tuple[str, str]] = ()) -> list[tuple[int, str, str]]:
    """Every fault: a code of the wrong length or doubled, a broken parent, a level that does not go with its parent."""
    faults: list[tuple[int, str, str]] = []
    levels: dict[str, str] = dict(known)
    seen: dict[str, int] = {}
    for number, row in enumerate(rows, 2):
        code, level = row["code"], row["level"]
        if level not in LENGTHS:
            faults.append(
                (
                    number,
                    f"层级 {level} 未知，可用 {'、'.join(ORDER)}",
                    f"unknown level {level}; use {', '.join(ORDER)}",
                )
            )
            continue
        if not code.isascii() or not code.isdigit() or len(code) != LENGTHS[level]:
            faults.append(
                (
                    number,
                    f"代码 {code} 应为 {LENGTHS[level]} 位数字",
                    f"the code {code} must have {LENGTHS[level]} digits",
                )
            )
        if code in seen:
            faults.append(
                (number, f"代码 {code} 与第 {seen[code]} 行重复", f"the code {code} stands in row {seen[code]} too")
            )
        if not row["name"]:
            faults.append((number, "名称为空", "the name is empty"))
        seen[code] = number
        levels[code] = level
    for number, row in enumerate(rows, 2):
        level, parent = row["level"], row["parent"]
        if level not in LENGTHS:
            continue
        if level == "region":
            if parent:
                faults.append((number, "自治区没有上级", "a region has no parent"))
        elif parent not in levels:
            faults.append(
                (number, f"上级 {parent or '（空）'} 不存在", f"the parent {parent or '(empty)'} does not exist")
            )
        elif ORDER.index(levels[parent]) != ORDER.index(level) - 1:
            faults.append(
                (
                    number,
                    f"上级 {parent} 的层级不对，应为 {ORDER[ORDER.index(level) - 1]}",
                    f"the parent {parent} is not a {ORDER[ORDER.index(level) - 1]}",
                )
            )
    return sorted(faults)


@transaction.atomic
def import_divisions(
    path: Path,
    *,
    since: dt.date,
    example: bool = False,
    whole: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> Imported:
    """Take over a table of divisions as of ``since``; all or nothing.

    A new code is added, a changed name or parent is taken over (a change of name ends the old row and begins a new
    one, so that last year's letters still print last year's name), and with ``whole`` a code that is no longer there
    ends. Raises ImportRefused with every fault.
    """
    rows = read_divisions(path)
    current = {d.code: d for d in Division.objects.filter(valid_until=None, example=example)}
    others = {d.code: d for d in Division.objects.filter(valid_until=None, example=not example)}
    faults = check_divisions(rows, [(c, d.level) for c, d in others.items()])
    if faults:
        raise ImportRefused(faults)
    done = Imported()
    made = dict(others)
    rows.sort(key=lambda r: (ORDER.index(r["level"]), r["code"]))
    fresh: list[Division] = []
    for level in ORDER:
        batch: list[Division] = []
        for row in (r for r in rows if r["level"] == level):
            parent = made[row["parent"]] if row["parent"] else None
            old = current.get(row["code"])
            parent_id = parent.pk if parent else None
            if old is not None and old.name == row["name"] and old.parent_id == parent_id:
                done.kept += 1
                made[old.code] = old
                continue
            if old is not None:
                done.renamed += old.name != row["name"]
                done.moved += old.parent_id != parent_id
                _end(old, since)
            else:
                done.added += 1
            new = Division(
                code=row["code"], name=row["name"], level=level, parent=parent, valid_from=since, example=example
            )
            batch.append(new)
            made[new.code] = new
        Division.objects.bulk_create(batch, batch_size=500)
        fresh += batch
        if progress:
            progress(len(fresh), len(rows))
    if whole:
        gone = [d for code, d in current.items() if code not in {r["code"] for r in rows}]
        for division in gone:
            _end(division, since)
        done.ended = len(gone)
    return done


def _end(division: Division, day: dt.date) -> None:
    if division.valid_from >= day:
        raise ImportRefused(
            [
                (
                    1,
                    f"{division.name}（{division.code}）自 {division.valid_from} 起才启用，不能在 {day} 停用",
                    f"{division.name} ({division.code}) begins on {division.valid_from} and cannot end on {day}",
                )
            ]
        )
    division.valid_until = day
    division.save(update_fields=["valid_until"])


@transaction.atomic
def import_calendar(path: Path, division: Division | None, source: str) -> int:
    """Days off and make-up workdays from a CSV (date, kind, note), for everywhere or for one division.

    Returns how many days. Raises CalendarError with every faulty line.
    """
    rows = read_calendar_csv(path)
    for day, kind, note in ((r[0], r[1], r[2] if len(r) > 2 else "") for r in rows):
        CalendarDay.objects.update_or_create(
            day=day, division=division, defaults={"works": kind == "workday", "name": note, "source": source}
        )
    return len(rows)


OFFICES = {
    "region": (("civil_affairs", "民政厅"), ("finance", "财政厅"), ("audit", "审计厅")),
    "league": (("civil_affairs", "民政局"), ("finance", "财政局"), ("audit", "审计局")),
    "county": (
        ("civil_affairs", "民政局"),
        ("finance", "财政局"),
        ("audit", "审计局"),
        ("verification", "居民家庭经济状况核对中心"),
    ),
    "township": (("township", "人民政府"), ("window", "社会救助窗口")),
}


@transaction.atomic
def open_offices(since: dt.date, *, example: bool = False) -> int:
    """The offices that every division has, where they do not stand yet; the number opened."""
    made = []
    have = set(Office.objects.values_list("division_id", "name"))
    for division in Division.objects.filter(valid_until=None, example=example):
        if division.level == "village":
            suffix = (
                "委员会"
                if division.name.endswith(("嘎查村民", "村民"))
                else "居委会"
                if division.name.endswith("社区")
                else "村委会"
            )
            kinds = [("village", "" if division.name.endswith("委会") else suffix)]
        elif division.level == "township" and division.name.endswith("街道"):
            kinds = [("township", "办事处"), ("window", "社会救助窗口")]
        else:
            kinds = list(OFFICES[division.level])
        for kind, name in kinds:
            if (division.pk, division.name + name) not in have:
                made.append(Office(name=division.name + name, kind=kind, division=division, valid_from=since))
    Office.objects.bulk_create(made, batch_size=500)
    return len(made)


def import_shipped(since: dt.date | None = None) -> Imported:
    """The divisions of Inner Mongolia that come with the program."""
    return import_divisions(DATA / "divisions-150000.csv", since=since or dt.date(2018, 9, 11))


def import_example(since: dt.date | None = None) -> Imported:
    """The example county with two townships, marked as example."""
    return import_divisions(DATA / "example-150199.csv", since=since or dt.date(2018, 9, 11), example=True)
