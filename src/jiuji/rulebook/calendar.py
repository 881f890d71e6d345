"""The statutory working-day calendar: weekends, public holidays, and the State Council's make-up workdays.

The published days come from the package chinesecalendar, which ends with the last year announced; beyond it only
weekends are free, and ``is_published`` says so. Later years and local days can be laid over it from a CSV file
with the columns ``date,kind,note`` (kind: ``workday`` or ``holiday``).
"""

from __future__ import annotations

import bisect
import csv
import datetime as dt
import functools
import io
from collections.abc import Iterable
from pathlib import Path

import chinese_calendar
from chinese_calendar import constants

from .errors import JiujiError

FIRST, LAST = dt.date(2004, 1, 1), dt.date(2049, 12, 31)
KINDS = ("workday", "holiday")


class CalendarError(JiujiError):
    """A calendar file that cannot be read; names the file and the line."""


class Calendar:
    """Working days from 2004 to 2049. Immutable."""

    def __init__(self, exceptions: dict[dt.date, bool], covered_until: dt.date) -> None:
        self._exceptions = dict(exceptions)
        self.covered_until = covered_until
        days = range(FIRST.toordinal(), LAST.toordinal() + 1)
        self._working = [day for day in days if self._is_working(dt.date.fromordinal(day))]

    def _is_working(self, day: dt.date) -> bool:
        return self._exceptions.get(day, day.weekday() < 5)

    @classmethod
    @functools.cache
    def statutory(cls) -> Calendar:
        """The calendar as published; cached."""
        known = {*constants.holidays, *constants.workdays, *constants.in_lieu_days}
        last = dt.date(max(d.year for d in known), 12, 31)
        exceptions = {d: chinese_calendar.is_workday(d) for d in known if FIRST <= d <= LAST}
        return cls(exceptions, last)

    def with_days(self, rows: Iterable[tuple[dt.date, str]]) -> Calendar:
        """This calendar with local overrides or a later year's announcement laid over it."""
        exceptions = dict(self._exceptions)
        covered = self.covered_until
        for day, kind in rows:
            exceptions[day] = kind == "workday"
            if kind == "holiday" and day.year > covered.year:
                covered = dt.date(day.year, 12, 31)
        return Calendar(exceptions, covered)

    def is_working_day(self, day: dt.date) -> bool:
        return self._is_working(day)

    def is_published(self, day: dt.date) -> bool:
        """False beyond the last year whose holidays are known: there only weekends are free."""
        return day <= self.covered_until

    def add_working_days(self, day: dt.date, count: int) -> dt.date:
        """The ``count``-th working day after a day, which itself does not count. Zero gives the day itself."""
        if count == 0:
            return day
        index = bisect.bisect_right(self._working, day.toordinal()) + count - 1
        if count < 0 or index >= len(self._working):
            raise CalendarError(
                f"日期 {day} 加 {count} 个工作日超出工作日历（{FIRST}—{LAST}）。",
                f"{day} plus {count} working days lies outside the calendar ({FIRST} to {LAST}).",
            )
        return dt.date.fromordinal(self._working[index])

    def add_calendar_days(self, day: dt.date, count: int, *, onto_working_day: bool = False) -> dt.date:
        """The ``count``-th day after a day; on request moved on to the next working day when it falls on a free one."""
        end = day + dt.timedelta(days=count)
        while onto_working_day and not self._is_working(end):
            end += dt.timedelta(days=1)
        return end

    def working_days_between(self, start: dt.date, end: dt.date) -> int:
        """Working days after ``start`` up to and including ``end``; negative the other way round."""
        if end < start:
            return -self.working_days_between(end, start)
        after = bisect.bisect_right(self._working, start.toordinal())
        return bisect.bisect_right(self._working, end.toordinal()) - after


def read_calendar_csv(path: Path) -> list[tuple[dt.date, str]]:
    """Rows (date, kind) of a calendar file in UTF-8 or GB 18030. Raises CalendarError naming the line."""
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("gb18030", errors="replace")
    reader = csv.reader(io.StringIO(text))
    header = [c.strip().lower() for c in next(reader, [])]
    if header[:2] != ["date", "kind"]:
        raise CalendarError(
            f"{path}:1: 表头应为 date,kind,note。",
            f"{path}:1: the header must be date,kind,note.",
        )
    seen: dict[dt.date, int] = {}
    rows = []
    for line, cells in enumerate(reader, 2):
        if not any(c.strip() for c in cells):
            continue
        kind = cells[1].strip().lower() if len(cells) > 1 else ""
        try:
            day = dt.date.fromisoformat(cells[0].strip())
        except ValueError:
            raise CalendarError(
                f"{path}:{line}: “{cells[0]}” 不是日期，请写成 2027-01-01。",
                f"{path}:{line}: '{cells[0]}' is not a date; write 2027-01-01.",
            ) from None
        if kind not in KINDS:
            raise CalendarError(
                f"{path}:{line}: 类型 “{kind}” 未知，请写 workday 或 holiday。",
                f"{path}:{line}: the kind '{kind}' is not known; write workday or holiday.",
            )
        if day in seen:
            raise CalendarError(
                f"{path}:{line}: {day} 与第 {seen[day]} 行重复，请删去一行。",
                f"{path}:{line}: {day} stands already in line {seen[day]}; remove one.",
            )
        seen[day] = line
        rows.append((day, kind))
    return rows
