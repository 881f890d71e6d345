"""Working days as the State Council announces them, and the file by which a later year comes in."""

from __future__ import annotations

import datetime as dt
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jiuji.rulebook.calendar import FIRST, LAST, Calendar, CalendarError, Day, read_calendar_csv

D = dt.date
dates = st.dates(D(2004, 1, 1), D(2045, 12, 31))
counts = st.integers(1, 400)

YEAR_2027 = [
    (D(2027, 1, 1), "holiday", "元旦"),
    *((D(2027, 2, day), "holiday", "春节") for day in range(5, 12)),
    (D(2027, 2, 14), "workday", "春节调休"),
    *((D(2027, 5, day), "holiday", "劳动节") for day in range(1, 6)),
    *((D(2027, 10, day), "holiday", "国庆节") for day in range(1, 8)),
    (D(2027, 10, 9), "workday", "国庆节调休"),
]
"""Invented for the test: nobody has announced 2027 here."""


@pytest.fixture(scope="module")
def calendar() -> Calendar:
    return Calendar.statutory()


# --- published years ---------------------------------------------------------------------------------------


def test_national_day_2025_is_free_and_made_up_for(calendar: Calendar) -> None:
    assert not any(calendar.is_working_day(D(2025, 10, day)) for day in range(1, 9))
    assert calendar.is_working_day(D(2025, 9, 28))  # a Sunday
    assert calendar.is_working_day(D(2025, 10, 11))  # a Saturday
    assert not calendar.is_working_day(D(2025, 10, 12))
    assert calendar.add_working_days(D(2025, 9, 30), 1) == D(2025, 10, 9)
    assert calendar.add_working_days(D(2025, 9, 30), 3) == D(2025, 10, 11)
    assert calendar.add_working_days(D(2025, 9, 26), 2) == D(2025, 9, 29)


def test_national_day_2026_is_free_and_made_up_for(calendar: Calendar) -> None:
    assert not any(calendar.is_working_day(D(2026, 10, day)) for day in range(1, 8))
    assert calendar.is_working_day(D(2026, 9, 20)) and calendar.is_working_day(D(2026, 10, 10))
    assert calendar.add_working_days(D(2026, 9, 30), 3) == D(2026, 10, 10)


def test_spring_festival_2026_is_free_and_made_up_for(calendar: Calendar) -> None:
    assert calendar.is_working_day(D(2026, 2, 14)) and calendar.is_working_day(D(2026, 2, 28))  # Saturdays
    assert not any(calendar.is_working_day(D(2026, 2, day)) for day in range(15, 24))
    assert calendar.add_working_days(D(2026, 2, 13), 5) == D(2026, 2, 27)
    assert calendar.working_days_between(D(2026, 2, 13), D(2026, 3, 1)) == 6


def test_the_day_of_the_start_does_not_count(calendar: Calendar) -> None:
    assert calendar.add_working_days(D(2026, 3, 2), 1) == D(2026, 3, 3)
    assert calendar.add_working_days(D(2026, 3, 7), 1) == D(2026, 3, 9)  # from a Saturday
    assert calendar.add_working_days(D(2026, 3, 7), 0) == D(2026, 3, 7)


def test_a_period_in_calendar_days_moves_off_a_free_day_only_on_request(calendar: Calendar) -> None:
    start = D(2025, 9, 25)
    assert calendar.add_calendar_days(start, 7) == D(2025, 10, 2)
    assert calendar.add_calendar_days(start, 7, onto_working_day=True) == D(2025, 10, 9)
    assert calendar.add_calendar_days(start, 4, onto_working_day=True) == D(2025, 9, 29)
    assert calendar.next_working_day(D(2026, 2, 14)) == D(2026, 2, 14)
    assert calendar.next_working_day(D(2026, 2, 15)) == D(2026, 2, 24)


def test_the_exceptional_days_of_a_year_can_be_shown(calendar: Calendar) -> None:
    days = calendar.exceptional_days(2026)
    assert days[0] == Day(D(2026, 1, 1), "holiday", "元旦")
    assert [day.date for day in days if day.kind == "workday"][-1] == D(2026, 10, 10)


def test_times_of_day_do_not_matter(calendar: Calendar) -> None:
    assert not calendar.is_working_day(dt.datetime(2026, 10, 1, 15, 30))
    assert calendar.is_published(dt.datetime(2026, 12, 31, 23, 59))
    assert calendar.add_working_days(dt.datetime(2026, 9, 30, 8), 3) == D(2026, 10, 10)


# --- properties --------------------------------------------------------------------------------------------


@given(dates, counts)
def test_adding_then_counting_gives_the_number_back(start: dt.date, count: int) -> None:
    calendar = Calendar.statutory()
    end = calendar.add_working_days(start, count)
    assert calendar.is_working_day(end)
    assert calendar.working_days_between(start, end) == count
    assert calendar.working_days_between(end, start) == -count


@given(dates, dates, counts, counts)
def test_more_days_or_a_later_start_never_end_earlier(a: dt.date, b: dt.date, n: int, more: int) -> None:
    calendar = Calendar.statutory()
    early, late = sorted((a, b))
    assert calendar.add_working_days(early, n) <= calendar.add_working_days(late, n)
    assert calendar.add_working_days(a, n) < calendar.add_working_days(a, n + more)
    assert calendar.next_working_day(early) <= calendar.next_working_day(late)


@given(dates, st.integers(0, 60))
def test_counting_is_what_a_person_with_a_wall_calendar_does(start: dt.date, count: int) -> None:
    calendar = Calendar.statutory()
    day, left = start, count
    while left:
        day += dt.timedelta(days=1)
        left -= calendar.is_working_day(day)
    assert calendar.add_working_days(start, count) == day


@given(dates, st.integers(0, 400))
def test_a_moved_end_is_the_first_working_day_not_before_it(start: dt.date, count: int) -> None:
    calendar = Calendar.statutory()
    plain = calendar.add_calendar_days(start, count)
    moved = calendar.add_calendar_days(start, count, onto_working_day=True)
    assert moved >= plain and calendar.is_working_day(moved)
    assert calendar.working_days_between(plain, moved) == (moved != plain)


# --- beyond publication ------------------------------------------------------------------------------------


def test_after_the_published_years_only_weekends_are_free_and_it_says_so(calendar: Calendar) -> None:
    after = D(calendar.covered_until.year + 1, 10, 1)
    assert calendar.is_published(calendar.covered_until) and not calendar.is_published(after)
    assert calendar.is_working_day(after) == (after.weekday() < 5)
    assert not calendar.is_published(FIRST - dt.timedelta(days=1))


@pytest.fixture
def until_2026() -> Calendar:
    return Calendar([(D(2026, 10, 1), "holiday")], D(2026, 12, 31))


def test_an_imported_year_is_published_and_counts(until_2026: Calendar) -> None:
    assert until_2026.add_working_days(D(2027, 2, 4), 1) == D(2027, 2, 5)
    later = until_2026.with_days(YEAR_2027)
    assert later.covered_until == D(2027, 12, 31) and later.is_published(D(2027, 2, 5))
    assert later.add_working_days(D(2027, 2, 4), 1) == D(2027, 2, 12)
    assert later.is_working_day(D(2027, 2, 14))
    assert not later.is_published(D(2028, 1, 3))


def test_laying_days_over_leaves_the_first_calendar_as_it_was(until_2026: Calendar) -> None:
    until_2026.with_days(YEAR_2027)
    assert until_2026.is_working_day(D(2027, 2, 5)) and until_2026.covered_until == D(2026, 12, 31)
    with pytest.raises(AttributeError):
        until_2026.covered_until = D(2030, 12, 31)  # type: ignore[misc]


def test_a_local_holiday_publishes_no_year(until_2026: Calendar) -> None:
    local = until_2026.with_days([(D(2027, 8, 2), "holiday", "那达慕"), (D(2030, 1, 2), "holiday")])
    assert not local.is_working_day(D(2027, 8, 2))
    assert local.covered_until == D(2026, 12, 31)


def test_a_year_with_a_gap_before_it_is_not_published(until_2026: Calendar) -> None:
    rows = [(day.replace(year=2028), kind) for day, kind, _ in YEAR_2027]
    assert until_2026.with_days(rows).covered_until == D(2026, 12, 31)
    assert until_2026.with_days(rows, covered_until=D(2028, 12, 31)).is_published(D(2028, 6, 1))


def test_a_local_day_overrides_the_published_one(calendar: Calendar) -> None:
    local = calendar.with_days([(D(2026, 10, 8), "holiday"), (D(2026, 10, 1), "workday", "值守")])
    assert local.add_working_days(D(2026, 9, 30), 1) == D(2026, 10, 1)
    assert local.add_working_days(D(2026, 10, 1), 1) == D(2026, 10, 9)
    assert local.covered_until == calendar.covered_until


@pytest.mark.parametrize(
    "rows",
    [
        [(D(2027, 1, 1), "free")],
        [(D(2027, 1, 1), "holiday"), (D(2027, 1, 1), "workday")],
        [(D(2051, 1, 1), "holiday")],
    ],
)
def test_it_rejects_rows_that_cannot_be(calendar: Calendar, rows: list[tuple[dt.date, str]]) -> None:
    with pytest.raises(CalendarError) as caught:
        calendar.with_days(rows)
    assert caught.value.zh in str(caught.value) and caught.value.en in str(caught.value)


def test_a_period_that_leaves_the_calendar_is_an_error(calendar: Calendar) -> None:
    for wrong in (
        lambda: calendar.add_working_days(LAST, 1),
        lambda: calendar.add_working_days(FIRST - dt.timedelta(days=1), 1),
        lambda: calendar.add_working_days(D(2100, 1, 1), 1),
        lambda: calendar.add_working_days(D(2026, 1, 1), -1),
        lambda: calendar.add_calendar_days(D(2026, 1, 1), -1),
        lambda: calendar.add_calendar_days(D(9999, 12, 1), 60),
        lambda: calendar.working_days_between(D(2026, 1, 1), D(2050, 1, 1)),
        lambda: calendar.next_working_day(D(2003, 12, 31)),
        lambda: calendar.is_working_day(D(2050, 1, 1)),
    ):
        with pytest.raises(CalendarError):
            wrong()


def test_fifteen_due_times_take_microseconds(calendar: Calendar) -> None:
    start, best = D(2026, 2, 13), 1.0
    for _ in range(50):
        begun = time.perf_counter()
        for count in range(1, 16):
            calendar.add_working_days(start, count)
        best = min(best, time.perf_counter() - begun)
    assert best < 50e-6  # some 3 µs; the bound only says that nothing is walked day by day


# --- the file ----------------------------------------------------------------------------------------------


def written(tmp_path, content: bytes):
    path = tmp_path / "days.csv"
    path.write_bytes(content)
    return path


TEXT = "date,kind,note\r\n2027-02-06,holiday,春节\r\n\r\n2027/2/14,Workday,春节调休\r\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_file_is_read_as_a_spreadsheet_saves_it(tmp_path, encoding: str) -> None:
    days = read_calendar_csv(written(tmp_path, TEXT.encode(encoding)))
    assert days == [Day(D(2027, 2, 6), "holiday", "春节"), Day(D(2027, 2, 14), "workday", "春节调休")]


def test_a_file_without_notes_is_read(tmp_path) -> None:
    path = written(tmp_path, b"date,kind\n2027-02-06,holiday\n")
    assert read_calendar_csv(path) == [Day(D(2027, 2, 6), "holiday", "")]


def test_what_a_calendar_shows_can_be_read_again(tmp_path, calendar: Calendar) -> None:
    days = calendar.exceptional_days(2026)
    lines = ["date,kind,note", *(f"{day.date},{day.kind},{day.note}" for day in days)]
    assert read_calendar_csv(written(tmp_path, "\n".join(lines).encode())) == days


@pytest.mark.parametrize(
    ("lines", "line", "zh", "en"),
    [
        (["2027-02-30,holiday,x"], 2, "不是", "not a date"),
        (["2027-1-2,holiday,x", "20270103,holiday,x"], 3, "不是", "not a date"),
        (["2077-01-01,holiday,x"], 2, "不是", "not a date"),
        (["2027-01-01,休,x"], 2, "未知", "not known"),
        (["2027-01-01,holiday,x", "2027-01-01,workday,y"], 3, "与第 2 行重复", "line 2"),
        (["2027-01-01"], 2, "1 列", "1 columns"),
        (["2027-01-01,holiday,a,b"], 2, "4 列", "4 columns"),
        (['2027-01-01,holiday,"a'], 2, "CSV", "CSV"),
    ],
)
def test_a_wrong_line_is_named_in_both_languages(tmp_path, lines, line, zh, en) -> None:
    path = written(tmp_path, "\n".join(["date,kind,note", *lines]).encode())
    with pytest.raises(CalendarError) as caught:
        read_calendar_csv(path)
    error = caught.value
    assert f"days.csv:{line}: " in error.zh and zh in error.zh
    assert f"days.csv:{line}: " in error.en and en in error.en


def test_every_wrong_line_is_named_not_only_the_first(tmp_path) -> None:
    lines = ["date,kind,note", "x,holiday,", "2027-01-02,y,", "2027-01-03,holiday,", "2027-01-03,holiday,"]
    path = written(tmp_path, "\n".join(lines).encode())
    with pytest.raises(CalendarError) as caught:
        read_calendar_csv(path)
    assert [problem.line for problem in caught.value.problems] == [2, 3, 5]


@pytest.mark.parametrize("content", [b"", b"day,kind\n", b"2027-01-01,holiday,x\n", b"date;kind;note\n"])
def test_a_wrong_header_is_shown_with_the_right_one(tmp_path, content: bytes) -> None:
    with pytest.raises(CalendarError, match=r"days\.csv:1: .*date,kind,note"):
        read_calendar_csv(written(tmp_path, content))


def test_a_file_that_is_no_text_or_not_there_is_an_error(tmp_path) -> None:
    with pytest.raises(CalendarError, match=r"GB 18030"):
        read_calendar_csv(written(tmp_path, b"date,kind\n\xff\xff\xff"))
    with pytest.raises(CalendarError, match=r"cannot be read"):
        read_calendar_csv(tmp_path / "none.csv")
