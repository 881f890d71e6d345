"""The statutory working-day calendar: weekends, holidays, and the State Council's make-up workdays (调休).

A period in working days does not count the day on which it begins: five working days from Friday 2026-02-13

    Sat 02-14, a make-up workday (1); 02-15 to 02-23 Spring Festival; Tue 02-24 (2), 25 (3), 26 (4), 27 (5)

end on 2026-02-27. The published days come from the package chinesecalendar, which ends with the last
year announced; beyond it only weekends are free, and ``is_published`` says so. Later years and local days are
laid over it from a CSV file with the columns ``date,kind,note``; see ``read_calendar_csv``.

Every day of the calendar has its number of working days so far: adding and counting are two list look-ups.
"""

from __future__ import annotations

import csv
import datetime as dt
import functools
import io
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from chinese_calendar import constants

from .errors import JiujiError, Problem, short_path

FIRST, LAST = dt.date(2004, 1, 1), dt.date(2049, 12, 31)
"""The days that the calendar knows; outside them a period cannot be counted."""

COLUMNS = ("date", "kind", "note")
KINDS = ("workday", "holiday")

FIXED_HOLIDAYS = ((1, 1), (5, 1), (10, 1), (10, 2), (10, 3))
"""Statutory holidays on fixed dates (month, day). 1 to 3 October always hold a weekday: a year in which all
of these are free has been announced, and a single local holiday cannot be taken for an announcement."""

_BASE = FIRST.toordinal()
_SIZE = LAST.toordinal() - _BASE + 1
_DATE = re.compile(r"(\d{4})([-/])(\d{1,2})\2(\d{1,2})\Z", re.ASCII)

Row = tuple[dt.date, str] | tuple[dt.date, str, str]


class CalendarError(JiujiError):
    """A calendar file that cannot be read, or a period that leaves the calendar.

    ``zh`` and ``en`` give the text; ``problems`` lists every finding of a file with its line.
    """

    def __init__(self, zh: str, en: str, problems: Iterable[Problem] = ()) -> None:
        self.problems = tuple(problems)
        super().__init__(zh, en)


class Day(NamedTuple):
    """One exceptional day: free though it may be a weekday, or worked though it may be a weekend."""

    date: dt.date
    kind: str
    """``workday`` or ``holiday``."""
    note: str = ""


class Calendar:
    """Working days from 2004-01-01 to 2049-12-31. Immutable: ``with_days`` gives another calendar.

    Every method takes dates (of a datetime the date counts) and raises CalendarError outside that range.
    """

    __slots__ = ("_covered_until", "_days", "_exceptions", "_free", "_rank")

    def __init__(self, exceptions: Iterable[Row] | Mapping[dt.date, bool], covered_until: dt.date) -> None:
        """From exceptional days (rows, or date to "is it worked") over plain weekends.

        ``covered_until`` is the last day of the published years. Raises CalendarError for an unknown kind, a
        doubled day, or a day outside the calendar.
        """
        if isinstance(exceptions, Mapping):
            exceptions = [(day, "workday" if worked else "holiday") for day, worked in exceptions.items()]
        self._exceptions = _checked(exceptions)
        self._covered_until = covered_until
        self._free = [dt.date.fromordinal(_BASE + offset).weekday() >= 5 for offset in range(_SIZE)]
        for day, row in self._exceptions.items():
            self._free[day.toordinal() - _BASE] = row.kind == "holiday"
        self._days: list[dt.date] = []  # the working days in order
        self._rank: list[int] = []  # by day: how many working days up to and including it
        for offset, free in enumerate(self._free):
            if not free:
                self._days.append(dt.date.fromordinal(_BASE + offset))
            self._rank.append(len(self._days))

    @classmethod
    def statutory(cls) -> Calendar:
        """The State Council's calendar as far as it is published. Built once."""
        return _statutory()

    @property
    def covered_until(self) -> dt.date:
        """The last day of the published years."""
        return self._covered_until

    def with_days(self, rows: Iterable[Row], *, covered_until: dt.date | None = None) -> Calendar:
        """This calendar with local overrides or later years' announcements laid over it.

        ``rows`` are (date, kind) or (date, kind, note), as ``read_calendar_csv`` gives them. The years after
        the last published one become published in turn as long as their statutory holidays on fixed dates
        (1 January, 1 May, 1 to 3 October) are all free; a lone local holiday publishes nothing. Whoever
        knows better gives ``covered_until``. Raises CalendarError for an unknown kind, a doubled day, or a
        day outside the calendar.
        """
        merged = {**self._exceptions, **_checked(rows)}
        laid = Calendar(merged.values(), covered_until or self._covered_until)
        if covered_until is None:
            year = self._covered_until.year + 1
            while year <= LAST.year and laid._announced(year):
                laid._covered_until = dt.date(year, 12, 31)
                year += 1
        return laid

    def _announced(self, year: int) -> bool:
        return not any(self.is_working_day(dt.date(year, *day)) for day in FIXED_HOLIDAYS)

    def exceptional_days(self, year: int) -> list[Day]:
        """The holidays and make-up workdays of a year in order, to show or to write to a file."""
        return [row for day, row in sorted(self._exceptions.items()) if day.year == year]

    def is_working_day(self, day: dt.date) -> bool:
        """Is this day worked? Beyond the published years every weekday is."""
        return not self._free[_offset(day)]

    def is_published(self, day: dt.date) -> bool:
        """Are the holidays of this day's year known? If not, only weekends are free and due days may move."""
        return _BASE <= day.toordinal() <= self._covered_until.toordinal()

    def next_working_day(self, day: dt.date) -> dt.date:
        """The day itself if it is worked, else the next one that is."""
        offset = _offset(day)
        rank = self._rank[offset] - 1 + self._free[offset]
        if rank >= len(self._days):
            raise _outside(day)
        return self._days[rank]

    def add_working_days(self, day: dt.date, count: int) -> dt.date:
        """The ``count``-th working day after a day, which itself does not count. Zero gives the day itself.

        Raises CalendarError for a negative count or a result beyond the calendar.
        """
        if count <= 0:
            if count < 0:
                raise _negative(count)
            return day
        offset = day.toordinal() - _BASE
        if offset < 0:
            raise _outside(day)
        try:
            return self._days[self._rank[offset] + count - 1]
        except IndexError:
            raise CalendarError(
                f"日期 {day} 加 {count} 个工作日超出工作日历（{FIRST} 至 {LAST}），请核对日期。",
                f"{day} plus {count} working days lies outside the calendar ({FIRST} to {LAST}); check it.",
            ) from None

    def add_calendar_days(self, day: dt.date, count: int, *, onto_working_day: bool = False) -> dt.date:
        """The ``count``-th day after a day, which itself does not count.

        With ``onto_working_day`` a period that ends on a free day ends on the next working day instead, as in
        civil procedure. Raises CalendarError for a negative count or a date that cannot be.
        """
        if count < 0:
            raise _negative(count)
        try:
            end = day + dt.timedelta(days=count)
        except OverflowError:
            raise _outside(day) from None
        return self.next_working_day(end) if onto_working_day else end

    def working_days_between(self, start: dt.date, end: dt.date) -> int:
        """Working days after ``start`` up to and including ``end``; negative the other way round.

        The inverse of adding: ``working_days_between(d, add_working_days(d, n)) == n``.
        """
        return self._rank[_offset(end)] - self._rank[_offset(start)]


@functools.cache
def _statutory() -> Calendar:
    named = {name.value: name.chinese for name in constants.Holiday}
    rows = [Day(day, "holiday", named.get(note, note)) for day, note in constants.holidays.items()]
    rows += [Day(day, "workday", f"{named.get(note, note)}调休") for day, note in constants.workdays.items()]
    return Calendar(rows, dt.date(max(row.date for row in rows).year, 12, 31))


def _checked(rows: Iterable[Row]) -> dict[dt.date, Day]:
    """Rows by day. Raises CalendarError for an unknown kind, a doubled day, or a day outside the calendar."""
    found: dict[dt.date, Day] = {}
    for row in rows:
        made = Day(*row)
        day = dt.date(made.date.year, made.date.month, made.date.day)
        _offset(day)
        if made.kind not in KINDS:
            raise CalendarError(*_unknown_kind(f"{day}", made.kind))
        if day in found:
            raise CalendarError(f"{day} 写了两次，请只留一次。", f"{day} stands twice; keep one.")
        found[day] = made._replace(date=day)
    return found


def _offset(day: dt.date) -> int:
    offset = day.toordinal() - _BASE
    if not 0 <= offset < _SIZE:
        raise _outside(day)
    return offset


def _outside(day: dt.date) -> CalendarError:
    return CalendarError(
        f"日期 {day} 超出工作日历（{FIRST} 至 {LAST}），请核对日期。",
        f"{day} lies outside the working-day calendar ({FIRST} to {LAST}); check the date.",
    )


def _negative(count: int) -> CalendarError:
    return CalendarError(f"天数 {count} 小于零，请改正。", f"{count} days is below zero; correct it.")


def _unknown_kind(place: str, kind: str) -> tuple[str, str]:
    return (
        f"{place}：类型“{kind}”未知，请写 workday（工作日）或 holiday（放假）。",
        f"{place}: the kind '{kind}' is not known; write workday or holiday.",
    )


def read_calendar_csv(path: str | Path) -> list[Day]:
    """The days of a calendar file, for ``Calendar.with_days``: a year's announcement, or local days.

        date,kind,note
        2027-02-06,holiday,春节
        2027-02-14,workday,春节调休

    The first line is the header; ``note`` may be left out. Kinds: ``workday``, ``holiday``. Dates as
    2027-02-06 or, as spreadsheets save them, 2027/2/6. UTF-8 (with or without a byte-order mark) or GB 18030.
    Raises CalendarError that names every wrong line.
    """
    path = Path(path)
    name = short_path(path)
    reader = csv.reader(io.StringIO(_text(path, name), newline=""), strict=True)
    problems: list[Problem] = []
    seen: dict[dt.date, int] = {}
    days: list[Day] = []

    def wrong(zh: str, en: str, fix_zh: str, fix_en: str) -> None:
        problems.append(Problem(name, max(reader.line_num, 1), zh, en, fix_zh, fix_en))

    try:
        header = tuple(cell.strip().lower() for cell in next(reader, []))
        if header not in (COLUMNS, COLUMNS[:2]):
            found = ",".join(header)
            wrong(
                f"表头是“{found}”。",
                f"The header is '{found}'.",
                "第一行写 date,kind,note。",
                "Write date,kind,note in the first line.",
            )
        else:
            for cells in reader:
                if not any(cell.strip() for cell in cells):
                    continue
                if not 2 <= len(cells) <= len(header):
                    wrong(
                        f"有 {len(cells)} 列，应为 {len(header)} 列。",
                        f"{len(cells)} columns where {len(header)} are needed.",
                        "备注中有逗号时请加英文双引号。",
                        'Put a note that holds a comma in "double quotes".',
                    )
                    continue
                date, kind, note = (*(cell.strip() for cell in cells), "")[:3]
                day = _date(date)
                if day is None:
                    wrong(
                        f"“{date}”不是 {FIRST.year} 至 {LAST.year} 年的日期。",
                        f"'{date}' is not a date from {FIRST.year} to {LAST.year}.",
                        "写成 2027-01-01。",
                        "Write it as 2027-01-01.",
                    )
                elif day in seen:
                    wrong(
                        f"{day} 与第 {seen[day]} 行重复。",
                        f"{day} stands already in line {seen[day]}.",
                        "删去其中一行。",
                        "Remove one of the two.",
                    )
                if kind.lower() not in KINDS:
                    wrong(
                        f"类型“{kind}”未知。",
                        f"The kind '{kind}' is not known.",
                        "写 workday（工作日）或 holiday（放假）。",
                        "Write workday or holiday.",
                    )
                elif day is not None and day not in seen:
                    days.append(Day(day, kind.lower(), note))
                if day is not None:
                    seen.setdefault(day, reader.line_num)
    except csv.Error as error:
        wrong(f"不是有效的 CSV：{error}。", f"Not valid CSV: {error}.", "检查引号。", "Check the quotes.")
    if problems:
        raise CalendarError(
            "\n".join(p.text("zh") for p in problems), "\n".join(p.text("en") for p in problems), problems
        )
    return days


def _text(path: Path, name: str) -> str:
    try:
        raw = path.read_bytes()
    except OSError:
        raise CalendarError(
            f"文件 {name} 无法读取，请核对路径和权限。",
            f"The file {name} cannot be read; check its path and permissions.",
        ) from None
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise CalendarError(
        f"文件 {name} 不是 UTF-8 或 GB 18030 编码的文本，请另存为 UTF-8 的 CSV。",
        f"The file {name} is not text in UTF-8 or GB 18030; save it as CSV in UTF-8.",
    )


def _date(text: str) -> dt.date | None:
    parts = _DATE.match(text)
    if parts is None:
        return None
    try:
        day = dt.date(int(parts[1]), int(parts[3]), int(parts[4]))
    except ValueError:
        return None
    return day if FIRST <= day <= LAST else None
